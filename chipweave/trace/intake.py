"""Small steps of an import that need no importer: names, lengths, sources, faults put together, the store."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from chipweave.errors import BadInput, Fault, Place, Unfit
from chipweave.trace import sources
from chipweave.trace.header import Header
from chipweave.trace.limits import MAX_NAME_BYTES
from chipweave.trace.spill import Spill
from chipweave.trace.survey import NO_CHOICE
from chipweave.trace.writer import write_store


def write_rows(
    out: Path, header: Header, spill: Spill, progress: Any = lambda text, done, total: None, compression: str = "none"
) -> Header:
    """Turn a spill into a store with progress by rows."""
    total, done = int(header.prompt_rows.sum() + header.decode_steps.sum()), 0

    def count(rows: Any) -> None:
        nonlocal done
        done += rows
        progress("writing", done, total)

    return write_store(out, header, spill.by_step(), compression, count)


def together(errors: list[BadInput]) -> BadInput:
    """All faults in one error; `Unfit` where every one is."""
    kind = Unfit if all(isinstance(error, Unfit) for error in errors) else BadInput
    return kind([fault for error in errors for fault in error.faults])


def named(document: Any, name: str | None, place: Place) -> tuple[str, list[Any]]:
    """(name, steps) of {"path": name, "trace": steps}; BadInput for anything else."""
    if not isinstance(document, dict) or not isinstance(document.get("path"), str) or "trace" not in document:
        raise BadInput(Fault("not a request", place, allowed='{"path": text, "trace": [...]}'))
    if len(document["path"].encode(errors="replace")) > MAX_NAME_BYTES:
        raise BadInput(Fault(f"a path of more than {MAX_NAME_BYTES} bytes", place))
    return name or document["path"].encode(errors="replace").decode(), document["trace"]


def rows_with_repeats(ids: np.ndarray) -> int:
    """How many (token, layer) rows name an expert twice; a gate never does, a made-up trace may."""
    ordered = np.sort(ids, axis=2)
    return int(((ordered[..., 1:] == ordered[..., :-1]) & (ordered[..., 1:] != NO_CHOICE)).any(axis=2).sum())


def lengths_of(log: Any, padded: Any) -> Iterator[Any]:
    """(prompt rows, tokens, None, step rows or None) of each sequence of a Log without its padding.

    None where none is left.
    """
    steps = 0
    ends = np.cumsum(log.seq_len)
    for prompt, length, end in zip(log.prompt_len.tolist(), log.seq_len.tolist(), ends.tolist(), strict=True):
        gone = padded[end - length : end]
        rows = None
        if log.step_rows is not None:
            count = (
                int(np.searchsorted(np.cumsum(log.step_rows[steps:]), length - prompt)) + 1 if length > prompt else 0
            )
            rows, steps = log.step_rows[steps : steps + count], steps + count
            if int(rows.sum()) != length - prompt:
                raise BadInput(Fault("step_rows: a step belongs to two sequences", log.place))
            of_step = np.repeat(np.arange(count), rows)[~gone[prompt:]]
            rows = np.bincount(of_step, minlength=count)
            rows = rows[rows > 0].tolist()
        kept, kept_prompt = int((~gone).sum()), int((~gone[:prompt]).sum())
        if kept and not kept_prompt and rows is not None and rows[0] > 1:
            kept_prompt, rows = rows[0], rows[1:]
        elif kept and not kept_prompt:
            kept_prompt, rows = 1, None if rows is None else rows[1:]
        yield (kept_prompt, kept, None, rows) if kept else None


def source_of(path: Path | str) -> dict[str, int | str]:
    """What provenance says of an input: its name, never its path, with its size and SHA-256."""
    path = Path(path)
    if path.is_dir():
        return {"path": path.name, "files": sum(1 for _ in sources.files_of(path))}
    return {"path": path.name, "bytes": path.stat().st_size, "sha256": file_sha256(path)}


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with open(path, "rb") as file:
        try:
            digest: Any = getattr(hashlib, "file_digest")  # noqa: B009  # absent from the types of 3.10
            return digest(file, "sha256").hexdigest()
        except AttributeError:  # Python 3.10
            whole = hashlib.sha256()
            while block := file.read(1 << 20):
                whole.update(block)
            return whole.hexdigest()


def few(layers: Any) -> Any:
    """A list of layers in a few words."""
    return f"{len(layers)} layers ({layers[0]} to {layers[-1]})"
