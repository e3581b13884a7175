"""`chipweave rerun`: the runs of a folder once more, from its manifest, and whether all figures are the same."""

from __future__ import annotations

from typing import Any

from chipweave.errors import BadInput, Fault
from chipweave.run import beside
from chipweave.run.compare import VOLATILE, fill_speedups, result_sha256
from chipweave.run.results import Results
from chipweave.run.why.folder import rows_of

SCHEMA = "chipweave.rerun/1"


def rerun(folder: str) -> dict[str, Any]:
    """The document of `rerun`: both hashes, and for each row the figures that differ.

    Raises:
        BadInput: rows were taken by a sample, which stands on the other rows of its comparison.
    """
    kept = rows_of(folder)
    if any("sample" in each.row for each in kept):
        raise BadInput(
            Fault(
                f"{folder}: rows by a sample cannot be repeated one by one",
                allowed="the comparison again, with another --out",
            )
        )
    rows = [beside.simulate(each.spec, account=False).row for each in kept]
    fill_speedups(rows)
    before, now = Results(folder).document.get("result_sha256"), result_sha256(rows)
    return {
        "schema": SCHEMA,
        "equal": before == now,
        "result_sha256": [before, now],
        "rows": [
            {"strategy": old.row["strategy"], "link_model": old.row["link_model"], "differs": differing(old.row, new)}
            for old, new in zip(kept, rows, strict=True)
        ],
    }


def differing(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Names of the figures that differ."""
    return sorted(k for k in {**old, **new} if k not in VOLATILE and old.get(k) != new.get(k))
