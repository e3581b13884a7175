"""`cw.validate`: what the command `validate` does, called from Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chipweave.errors import BadInput, Fault, nearest
from chipweave.ledger import suites
from chipweave.run.table import Table, from_rows

SHOWN = 8  # groups of the text


class Ledger:
    """A suite's rows held against their references.

    Attributes:
        document: as `chipweave validate --json` has it.
        missed: bars that were missed, in words; empty where none was.
    """

    def __init__(self, document: dict[str, Any], missed: list[str]) -> None:
        self.document = document
        self.missed = missed

    @property
    def rows(self) -> Table:
        """One row for each reference: its value, ours, the relative error, the bar, what became of it."""
        return from_rows(self.document["rows"], {"error": "1", "tolerance": "1"}, f"rows of {self.document['suite']}")

    @property
    def groups(self) -> Table:
        """One row for each group: rows, rows modelled, mean, median and largest relative error, bias."""
        units = dict.fromkeys(("mape", "median", "max", "bias", "correlation"), "1")
        return from_rows(self.document["groups"], units, f"groups of {self.document['suite']}")

    def worst(self, most: int = 10) -> list[dict[str, Any]]:
        """The rows furthest from their reference."""
        modelled = [row for row in self.document["rows"] if row["error"] is not None]
        return sorted(modelled, key=lambda row: -abs(row["error"]))[:most]

    def __repr__(self) -> str:
        d = self.document
        head = f"{d['suite']}: {len(d['rows']):,} rows, {len(d['groups'])} groups, {len(self.missed)} bars missed"
        lines = [
            f"  {row['group']:32} {row['n_modelled']:>6,} of {row['n']:>6,}"
            + ("" if row["mape"] is None else f"  mean error {row['mape']:7.2%}, largest {row['max']:7.2%}")
            for row in d["groups"][:SHOWN]
        ]
        more = [f"  and {len(d['groups']) - SHOWN} more groups"] if len(d["groups"]) > SHOWN else []
        return "\n".join([head, *lines, *more])

    def _repr_html_(self) -> str:
        return self.groups._repr_html_()


def validate(
    suite: str,
    *,
    groups: Sequence[str] = (),
    device: str | None = None,
    reference: str | Path | None = None,
    jobs: int = 1,
) -> Ledger:
    """Hold the model against a suite of references and return its Ledger; nothing is printed or written.

        cw.validate("h100", groups=["hbm_bandwidth"]).groups.to_pandas()

    Args:
        suite: h100, dies, serving, booksim, artifact, analytic.
        groups: these groups alone.
        device: rows of devices whose name contains this.
        reference: a folder or file of the same format in place of the shipped one.
        jobs: processes.

    Raises:
        BadInput: there is no such suite, or no row fits.
    """
    known = suites.suites()
    if suite not in known:
        raise BadInput(Fault(f"unknown suite '{suite}'", allowed=", ".join(known), nearest=nearest(suite, known)))
    where = None if reference is None else str(reference)
    groups = (groups,) if isinstance(groups, str) else tuple(groups)
    judged = suites.judge(suite, suites.Asked(where, groups, device, jobs))
    return Ledger(judged.document, judged.missed)
