"""Suite h100: measured numbers of H100-class GPUs, one row each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from chipweave import ledger, topology
from chipweave.errors import BadInput, Fault, nearest
from chipweave.ledger.asking import asking
from chipweave.ledger.text import percent, table
from chipweave.topology.inherited import inherited

from ..bench import knees
from ..rows.devices import topology_of

FOLDER = files("chipweave.validation") / "references" / "h100"
REFERENCES = FOLDER / "h100_reference.csv"  # the table that calibration is read from
CALIBRATED = files("chipweave.validation") / "calibrated"
ROW_ID = re.compile(r"\b[a-z][a-z0-9_]*-\d{4}\b")
ROLES = ("specification", "calibration", "calibration-linked", "predicted", "context")
KEEP_ROWS = True


def references(reference: Any = None, groups: tuple[Any, ...] = (), device: Any = None) -> Any:
    """[(Question, value text)] of a CSV or a folder of them (the shipped tables where none is given)."""
    rows = ledger.read_references(reference or FOLDER)
    if not reference:
        rows += second_views(rows)
    known = sorted({q.group for q, _ in rows})
    unknown = [
        Fault(f"no rows of group '{g}'", allowed=", ".join(known), nearest=nearest(g, known))
        for g in groups
        if g not in known
    ]
    if unknown:
        raise BadInput(unknown)
    return [
        (q, v)
        for q, v in rows
        if (not groups or q.group in groups) and (not device or device.lower() in q.device.lower())
    ]


@lru_cache(maxsize=64)
def rests_on(device: str) -> dict[str, int]:
    """Other device -> how many numbers of it the die of a row's device has."""
    name = topology_of(device)
    return inherited(topology.load(name, preset=str(CALIBRATED / "die.yaml"))) if name else {}


def second_views(rows: Any) -> Any:
    """The rows that another model answers once more, under another group, to be read: what the case study would charge.

    bfloat16 GEMMs on the die of preset paper and of preset h100; the paper's own expert GEMMs on that of preset h100.
    """
    gemms = [(q, v) for q, v in rows if q.group == "gemm" and q.conditions.startswith("bfloat16")]
    experts = [(q, v) for q, v in rows if q.group == "expert_gemm"]
    views = (
        ("stage", "stage_gemm", gemms),
        ("stage_h100", "stage_gemm_h100", gemms),
        ("h100", "expert_gemm_h100", experts),
    )
    return [
        (replace(q, id=f"{prefix}_{q.id}", group=group, role="context"), v)
        for prefix, group, asked in views
        for q, v in asked
    ]


def results(reference: Any = None, groups: tuple[Any, ...] = (), device: Any = None, jobs: int = 1) -> Any:
    """Judge the rows of `reference`."""
    return ledger.judge("h100", references(reference, groups, device), ledger.discover(), asking(jobs))


def remarks(rows: Any) -> Any:
    """What a reader should know: the knees of latency curves; roles that are no roles, and so are not scored."""
    strange = sorted({r.role for r in rows} - set(ROLES))
    unscored = [f"role '{role}' is unknown, its rows are not scored; allowed: {', '.join(ROLES)}" for role in strange]
    return [knees.sentence(k) for k in knees.knees(rows)] + unscored


def more(rows: Any) -> Any:
    """Keys of the JSON document that only this suite has."""
    return {"knees": knees.as_rows(rows)}


def missed(rows: Any) -> Any:
    """Lines for bars that are not a group's mean error."""
    return knees.missed(rows)


def extra(rows: list[ledger.Result]) -> list[str]:
    """Parts of the Markdown ledger that only this suite has: knees; the calibration rows and what each of them sets."""
    sets = what_rows_set()
    lines = [
        [
            r.id,
            r.quantity,
            f"{r.x_name} {r.x_value}".strip(),
            "-" if r.reference is None else f"{r.reference:g}",
            r.device,
            ", ".join(sets.get(r.id, ())) or "nothing yet",
        ]
        for r in rows
        if r.role == "calibration"
    ]
    head = ["row", "quantity", "x", "value", "device", "sets"]
    return _knees(rows) + (["### Calibration rows and what each of them sets", table(head, lines)] if lines else [])


def _knees(rows: Any) -> Any:
    lines = [
        [k.device, k.level, f"{k.reference / 1024:.0f}", f"{k.simulated / 1024:.0f}", percent(k.error)]
        for k in knees.knees(rows)
    ]
    words = (
        f"Where a latency curve (`{knees.GROUP}`) leaves a level: risen by a tenth of the way to the next one "
        f"(`validation/bench/knees.py`); each must lie within {knees.BAR:.0%} of its size."
    )
    return (
        ["### Knees", words, table(["device", "leaves", "measured, KiB", "simulated, KiB", "error"], lines)]
        if lines
        else []
    )


def what_rows_set() -> dict[str, list[str]]:
    """Reference id -> names of the figures in validation/calibrated/ that were set from it."""
    found: dict[str, list[str]] = {}
    for file in sorted((f for f in CALIBRATED.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name):
        for name, entry in _figures(yaml.safe_load(file.read_text(encoding="utf-8")) or {}):
            for row in sorted(set(ROW_ID.findall(str(entry)))):
                found.setdefault(row, []).append(name)
    return found


def _figures(node: dict[Any, Any] | str, path: str = "") -> Iterator[tuple[str, dict[Any, Any]]]:
    """(name, entry) of every mapping that has a `value`, however deep."""
    if isinstance(node, dict) and "value" in node:
        yield path, node
    elif isinstance(node, dict):
        for key, below in node.items():
            yield from _figures(below, f"{path}.{key}" if path else str(key))
