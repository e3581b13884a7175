"""`trace import`: JSON of any packing -> checked ids -> the store. All faults of an import come in one go.

Ids are held on disk (chipweave.trace.spill) from the start: a log may be larger than memory. The
store has a data type for absent choices or has none; which is known only when the first is met, so
an import that meets one starts anew (NeedsAbsent), rather than every import paying for it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chipweave.errors import BadInput, Place
from chipweave.trace import answers, kinds, sources, torch_file, windows
from chipweave.trace.collector import Importer, NeedsAbsent
from chipweave.trace.header import Header
from chipweave.trace.intake import source_of, together, write_rows
from chipweave.trace.limits import MAX_FAULTS
from chipweave.trace.store import open_store


def import_paths(
    paths: Sequence[Path],
    out: Path,
    model: str | None = None,
    experts: int | None = None,
    name: str | None = None,
    progress: Any = lambda text, done, total: None,
    compression: str = "none",
    partial: bool = False,
    absent: tuple[int, ...] = (),
    expert_map: Path | str | None = None,
) -> Header:
    """Import what servers and loggers write (docs/guide/traces.md), in the order given, into the store `out`.

    Returns its header. BadInput names every fault of up to MAX_FAULTS requests; nothing is written
    then.

    - model, experts: what the ids must fit; without either the model is recognised by its layers
      and top-k.
    - compression: "none" reads quickest; "zstd" is for small files that are sent about.
    - partial: JSON requests may leave layers of `model` out, in some steps or in all.
    - absent: ids of arrays, beside -1, that mean no choice; expert_map: file of physical ids of
      arrays.
    - progress: called with ("reading", bytes, bytes) and ("writing", rows, rows).
    """
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    name = name or out.name.removesuffix(".parquet")
    for uneven in (False, True):
        importer = Importer(model, experts, out.parent, partial, absent, expert_map, uneven)
        try:
            return _import(importer, paths, out, name, progress, compression)
        except NeedsAbsent:
            continue
        finally:
            importer.close()
    raise AssertionError("absent choices were expected")


def _import(importer: Importer, paths: Sequence[Path], out: Path, name: str, progress: Any, compression: str) -> Header:
    """All paths into one importer, and from it into the store.

    Files of a folder or archive are put in the order of their names, as their order there means
    nothing.
    """
    total, before = sum(sources.size_of(path) for path in paths), 0
    errors: list[BadInput] = []
    for path in map(Path, paths):
        first = len(importer.spill.names) if importer.started else 0
        _take_all(importer, path, errors, lambda done, before=before: progress("reading", before + done, total))
        if importer.started and (path.is_dir() or path.name.endswith(sources.ARCHIVES)):
            importer.spill.sort_by_name(first)
        before += sources.size_of(path)
    if errors:
        raise together(errors)
    header = importer.header(name, {"kind": "imported", "sources": [source_of(p) for p in paths]})
    return write_rows(out, header, importer.spill, progress, compression)


def import_decode(
    paths: Sequence[Path],
    out: Path,
    requests: int,
    steps: int,
    seed: int,
    model: str | None = None,
    experts: int | None = None,
    name: str | None = None,
    progress: Any = lambda text, done, total: None,
    absent: tuple[int, ...] = (),
    expert_map: Path | str | None = None,
) -> Header:
    """Import prefill-only logs and keep `requests` windows of their sequences, each 1 + (`steps` - 1) steps, as `out`.

    Which windows is decided by `seed`. The whole log is imported first, into a temporary folder
    beside `out`.
    """
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".chipweave-", dir=out.parent) as folder:
        log_path = Path(folder) / "log.parquet"
        name = name or out.name.removesuffix(".parquet")
        import_paths(paths, log_path, model, experts, name, progress, absent=absent, expert_map=expert_map)
        header, spill = windows.spill_windows(
            open_store(log_path), requests, steps, seed, folder, Place(", ".join(map(str, paths)))
        )
        with spill:
            return write_rows(out, header, spill, progress)


def _take_all(importer: Importer, path: Path, errors: list[BadInput], progress: Any) -> None:
    """Everything in one file or folder. Faults of single requests are collected in `errors`, up to MAX_FAULTS.

    A fault in the very first request ends the import: without a layout nothing after it can be
    judged.
    """
    kind, place = kinds.recognise(path), Place(str(path))
    if kind == "numpy":
        importer.add_log(path, progress)
        return
    if kind == "torch":
        for recorded in answers.of_recorder(torch_file.load(path), path.name, place):
            importer.add_recorded(recorded, place)
        return
    if kind == "moe_trace":
        for recorded in answers.of_moe_trace(path, importer.model, place):
            importer.add_recorded(recorded, place)
        return
    for place, name, text in sources.documents(path, progress):
        try:
            importer.add(place, name, text)
        except BadInput as error:
            errors.append(error)
            if not importer.started or len(errors) >= MAX_FAULTS:
                raise together(errors) from None
