"""The ratchet of the ledger: each group's errors as committed, which may get better but not worse.

`validation/baseline.json` holds suite -> "group (role)" -> figures, as last written by `chipweave validate SUITE
--update`; `ledger_SUITE.csv` beside it holds what every row was answered. Both are committed, so that a change shows
which rows it moved.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

from chipweave.errors import BadInput, Fault, Place
from chipweave.io.atomic import replacing
from chipweave.ledger import SCORED, Figures, Result

SLACK = 0.001
"""A tenth of a percentage point of a group's mean error: what another compiler's rounding may move."""
KEPT = ("n", "n_modelled", "mape", "median", "max", "bias")
DIGITS = 4
ROW_DIGITS = 6


def figures(groups: list[Figures]) -> dict[str, Figures]:
    """ "group (role)" -> the figures kept, rounded to DIGITS."""
    return {
        f"{g['group']} ({g['role']})": {k: _rounded(g[k]) for k in KEPT}
        for g in sorted(groups, key=lambda g: (g["group"], g["role"]))
    }


def read(path: Any) -> dict[Any, Any]:
    """suite -> errors of its groups; empty where there is no file yet."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise BadInput(Fault(f"not JSON: {error}", Place(str(path)))) from error


def worse(old: dict[str, Figures], new: dict[str, Figures]) -> list[str]:
    """One line for each scored group that got worse: its mean error grew by more than SLACK, or it answers fewer
    rows."""
    lines = []
    for name, before in old.items():
        after = new.get(name)
        if not name.endswith(f"({SCORED})"):
            continue
        if after is None:
            lines.append(f"{name} is gone")
        elif after["n_modelled"] < before["n_modelled"]:
            lines.append(f"{name}: {after['n_modelled']} rows modelled, {before['n_modelled']} before")
        elif (
            after["n_modelled"] == before["n_modelled"]
            and before["mape"] is not None
            and after["mape"] > before["mape"] + SLACK
        ):
            lines.append(f"{name}: mean error {after['mape']:.2%}, {before['mape']:.2%} before")
    return lines


def write(path: Any, suite: str, new: dict[str, Figures]) -> None:
    """Replace one suite's errors in the file."""
    document = {**read(path), suite: new}
    with replacing(path) as file:
        json.dump({k: document[k] for k in sorted(document)}, file, indent=1)
        file.write("\n")


def rows_text(results: Iterable[Result]) -> str:
    """CSV of id, simulated (empty where not modelled), in the order of the references."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", "simulated"])
    writer.writerows([r.id, "" if r.simulated is None else f"{r.simulated:.{ROW_DIGITS}g}"] for r in results)
    return out.getvalue()


def read_rows(path: Any) -> dict[str, float | None]:
    """{id: simulated or None} of a file written with `rows_text`."""
    with open(path, newline="", encoding="utf-8") as file:
        return {row["id"]: float(row["simulated"]) if row["simulated"] else None for row in csv.DictReader(file)}


def _rounded(value: float | None) -> float | None:
    return round(value, DIGITS) + 0.0 if isinstance(value, float) else value
