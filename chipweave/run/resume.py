"""What a folder of `--out` holds already: rows of the same comparison go on, those of another one are never
overwritten.

A comparison is known by what decides its figures: topology, preset, model, trace, batch, steps, seed and settings, all
by content. Its rows are identified by strategy, link model and admission. Rows of an interrupted comparison that the
same program made are kept; a finished one is run again."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from chipweave.errors import BadInput, Fault
from chipweave.io.atomic import canonical_sha256
from chipweave.io.late import late
from chipweave.plain.links import LinkStatistics
from chipweave.run import simulate
from chipweave.run.metrics import Figure
from chipweave.run.output_folder import FILES
from chipweave.run.record import HEAD
from chipweave.run.simulate import Outcome
from chipweave.run.spec import RunSpec
from chipweave.run.table import LABELS
from chipweave.run.why.breakdown import Breakdown
from chipweave.topology.system import System
from chipweave.trace import library, models

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = late("pyarrow")
pc = late("pyarrow.compute")
pq = late("pyarrow.parquet")

FORCE = "another folder, or --force to replace what is there"

Label = tuple[str, str, str]
Reader = Callable[[str], "pa.Table"]


@dataclass
class Kept:
    """What a folder holds of a comparison; all empty where there is none.

    planned: labels of its rows in order, those that were never run included; outcomes: label -> Outcome of the rows
    that need not be run again; gaps: their sampled layer-steps.
    """

    planned: list[Label] = field(default_factory=list)
    outcomes: dict[Label, Outcome] = field(default_factory=dict)
    entries: dict[Label, dict] = field(default_factory=dict)
    gaps: list[dict] = field(default_factory=list)


def label_of(spec: RunSpec, system: System) -> Label:
    """(strategy, link model, admission) of a run, as its row will have them."""
    network = simulate.mesh_of(system)
    return spec.strategy_name, spec.link_model or network.link_model, simulate.admission_of(spec, network)


def job_sha256(spec: RunSpec, system: System, sample: int | None) -> str:
    """What decides the values of all rows of a comparison, as a hash; `sample` is that of `--sample`.

    Names stand for their content: the system as resolved, the model's numbers, the trace's hash.
    """
    model = models.load(spec.model)
    said = {
        "system": {key: value for key, value in system.resolved.items() if key != "folder"},
        "model": {key: str(value) for key, value in vars(model).items() if key != "sources"},
        "sets": list(spec.sets),
        "batch": spec.batch,
        "steps": spec.steps,
        "wait_queue": spec.wait_queue,
        "trace": library.identity(spec.trace),
        "seed": spec.seed,
        "sample": sample,
    }
    return canonical_sha256(said)


def program_sha256() -> str:
    """A hash of the program's own files: rows that another state of it made are not mixed with those of this one."""
    whole = hashlib.sha256()
    for package in ("chipweave", "chipweave.components", "chipweave.policies"):
        for folder in importlib.import_module(package).__path__:
            for path in sorted(p for p in Path(folder).rglob("*") if p.suffix in (".py", ".so", ".yaml")):
                whole.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def look(folder: str | Path, labels: list[Label], job: str, force: bool) -> Kept:
    """What `folder` holds that goes with rows `labels` of the comparison `job`.

    Raises:
        BadInput: it holds results of another comparison, or some that would be lost, and `force` does not say so.
    """
    folder = Path(folder)
    there = [name for name in FILES if (folder / name).exists()]
    if force or not there:
        return Kept(planned=labels)
    if not {"result.json", "manifest.json"} & set(there):
        raise _refused(folder, f"a {there[0]} without a result")
    manifest, document = _json(folder / "manifest.json"), _json(folder / "result.json")
    try:
        return _kept(folder, manifest, document, labels, job)
    except (KeyError, TypeError, ValueError, IndexError, OSError, pa.ArrowException) as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _refused(folder, f"files that do not belong together, or are not as they were written ({what})") from None


def _kept(folder: Path, manifest: dict, document: dict, labels: list[Label], job: str) -> Kept:
    """What a folder with both files holds; errors of reading stand for files that are not as they were written."""
    if manifest.get("job_sha256") != job:
        raise _refused(folder, _differs(manifest, document))
    if manifest.get("result_sha256") != document.get("result_sha256"):
        raise _refused(folder, "files that do not belong together")
    there = [tuple(row[k] for k in LABELS) for row in document["rows"]]
    planned = [tuple(label) for label in manifest["planned"]]
    same = manifest.get("program_sha256") == program_sha256()
    lost = [label for label in there if label not in labels]
    if lost and not same:
        raise _refused(folder, f"rows that another state of chipweave made ({', '.join(name for name, *_ in lost)})")
    kept = [label for label in there if label not in labels or not manifest["complete"]] if same else []
    read = _reader(folder)
    return Kept(
        planned + [label for label in labels if label not in planned],
        {label: _outcome(read, manifest, document, label) for label in kept},
        {label: entry for label, entry in zip(there, manifest["runs"], strict=True) if label in kept},
        [row for row in document.get("layer_steps", ()) if any(row["strategy"] == name for name, *_ in kept)],
    )


def _json(path: Path) -> dict:
    """A JSON object of a result folder; BadInput where it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise _refused(path.parent, f"a {path.name} that is not of a comparison, or none")
    return found


def _differs(manifest: dict, document: dict) -> str:
    """In words, what the folder holds."""
    known = [f"{document[k]}" for k in ("model", "topology") if k in document]
    shape = [f"{k} {document[k]}" for k in ("preset", "batch", "steps", "seed") if k in document]
    return "results of another run" + (f": {' on '.join(known)}, {', '.join(shape)}" if known and shape else "")


def _refused(folder: Path, what: str) -> BadInput:
    """BadInput: the folder holds something else; only --force writes over it."""
    return BadInput(Fault(f"{folder} holds {what}", allowed=FORCE))


def outcomes_of(folder: Path) -> list[Outcome]:
    """The Outcomes of all rows of a folder, in order.

    Raises:
        BadInput: its files do not belong together, or are not as they were written.
    """
    manifest, document, read = _json(folder / "manifest.json"), _json(folder / "result.json"), _reader(folder)
    try:
        return [_outcome(read, manifest, document, tuple(row[k] for k in LABELS)) for row in document["rows"]]
    except (KeyError, TypeError, ValueError, IndexError, OSError, pa.ArrowException) as error:
        raise BadInput(Fault(f"{folder} holds files that do not belong together ({error})")) from None


def _outcome(read: Reader, manifest: dict, document: dict, label: Label) -> Outcome:
    """An Outcome as it was written.

    A sampled row shares the layer table of the circuit row beside it. CRCs of plans, which are not
    kept, are 0.
    """
    at = [tuple(row[k] for k in LABELS) for row in document["rows"]].index(label)
    entry = manifest["runs"][at]
    row = document["rows"][at]
    layers = label if "sample" not in row else _beside(document, label)
    table = _of(read("layers"), layers)
    names = [name for name in table.column_names if name not in (*LABELS, *HEAD)]
    units = {name: (table.schema.field(name).metadata or {}).get(b"unit", b"").decode() for name in names}
    crc = np.zeros(len(table), np.int64)
    columns = [crc if name == "plan_crc32" else table.column(name).to_numpy() for name in (*HEAD, *names)]
    statistics = _of(read("statistics"), label).drop(list(LABELS)).to_pylist()
    return Outcome(
        row,
        np.stack(columns, axis=1).astype(np.int64),
        [tuple(s[k] for k in ("part", "statistic", "unit", "value")) for s in statistics],
        _links(_of(read("links"), label)),
        {key: value for key, value in entry.items() if key not in ("run", "prefill_steps")},
        entry["prefill_steps"],
        [Figure(name, units[name], "") for name in names],
        _breakdown(read, document, label),
    )


def _breakdown(read: Reader, document: dict, label: Label) -> Breakdown | None:
    """Where its time went, as it was written; None where no accounts were kept."""
    own = [each for each in document.get("breakdown", ()) if tuple(each[k] for k in LABELS) == label]
    if not own:
        return None
    tables = [
        [tuple(row.values()) for row in _of(read(name), label).drop(list(LABELS)).to_pylist()]
        for name in ("critical", "parts", "flows")
    ]
    return Breakdown(own[0]["run_ps"], *tables)


def _beside(document: dict, label: Label) -> Label:
    """The circuit row whose layers a sampled row shares: the last of its strategy."""
    rows = [row for row in document["rows"] if row["strategy"] == label[0] and row["link_model"] == "circuit"]
    return tuple(rows[-1][k] for k in LABELS) if rows else label


def _reader(folder: Path) -> Reader:
    """Reads the tables of a folder by name, each of them once for all rows."""
    return cache(lambda name: pq.read_table(folder / f"{name}.parquet"))


def _of(table: pa.Table, label: Label) -> pa.Table:
    """The rows of a table that have a label."""
    if not table.num_columns:
        return table
    keep = np.ones(len(table), bool)
    for name, value in zip(LABELS, label, strict=True):
        keep &= pc.equal(table.column(name).cast(pa.string()), value).to_numpy()
    return table.filter(pa.array(keep))


def _links(table: pa.Table) -> list[tuple[str, list[str], LinkStatistics]]:
    """(network, names of links, LinkStatistics) of the rows of links.parquet; links that carried nothing are not
    there."""
    found: list[tuple[str, list[str], LinkStatistics]] = []
    if not len(table):
        return found
    columns = {name: np.array(table.column(name).to_pylist()) for name in table.column_names}
    for network in dict.fromkeys(columns["network"].tolist()):
        of = columns["network"] == network
        names, link = np.unique(columns["link"][of], return_inverse=True)
        width = int((columns["end_ps"] - columns["begin_ps"])[of][0])
        at = columns["begin_ps"][of] // width
        bins = np.zeros((int(at.max()) + 1, len(names), 3), np.int64)
        for i, name in enumerate(("bytes", "busy_ps", "stalled_ps")):
            bins[at, link, i] = columns[name][of]
        wire = None
        if columns["wire_bytes"][of][0] is not None:
            wire = np.zeros(bins.shape[:2], np.int64)
            wire[at, link] = columns["wire_bytes"][of]
        size, busy, stalled = bins.sum(axis=0).T
        found.append((network, names.tolist(), LinkStatistics(size, busy, stalled, width, bins, wire)))
    return found
