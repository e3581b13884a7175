"""What a person sees of a suite: groups, the rows furthest off, what is not modelled and why."""

from __future__ import annotations

from functools import partial

from chipweave import ledger
from chipweave.io import console
from chipweave.io.console import Sheet

REASONS = 12


def show(
    name: str,
    results: list[ledger.Result],
    groups: list[ledger.Figures],
    remarks: list[str],
    to_stderr: bool = False,
) -> None:
    """Print a suite, on standard error where `to_stderr`; `remarks` come last."""
    say = partial(console.say, to_stderr=to_stderr)
    console.show(_groups(name, groups), to_stderr)
    off = ledger.worst(results)
    if off:
        console.show(_furthest(off), to_stderr)
    left_out = [r for r in results if r.status == "not modelled"]
    if left_out:
        reasons = sorted({f"{r.group}: {r.why}" for r in left_out})
        more = " ..." if len(reasons) > REASONS else ""
        rows = "row" if len(left_out) == 1 else "rows"
        say(f"{len(left_out)} {rows} not modelled: " + "; ".join(reasons[:REASONS]) + more)
    for line in remarks:
        say(line)


def _groups(name: str, groups: list[ledger.Figures]) -> Sheet:
    """One row a group: how many rows, how many modelled, and their errors."""
    heads = ("group", "role", "rows", "modelled", "mean |error|", "median", "worst", "bias", "correlation")
    caption = "errors are means over the rows that are modelled; error = simulated / reference - 1"
    sheet = Sheet(f"validate {name}", heads, caption=caption, right_from=2)
    for g in groups:
        figures = ["-" if g[k] is None else f"{g[k]:.2%}" for k in ("mape", "median", "max", "bias")]
        close = "-" if g["correlation"] is None else f"{g['correlation']:.3f}"
        sheet.add(g["group"], g["role"], str(g["n"]), str(g["n_modelled"]), *figures, close)
    return sheet


def _furthest(rows: list[ledger.Result]) -> Sheet:
    """The rows with the largest errors."""
    heads = ("row", "group", "device", "quantity", "x", "reference", "simulated", "error", "status")
    caption = "of the rows that are modelled; error = simulated / reference - 1"
    sheet = Sheet("furthest off", heads, caption=caption)
    for r in rows:
        numbers = f"{r.reference:.6g}", f"{r.simulated:.6g}", f"{r.error:+.1%}"
        sheet.add(r.id, r.group, r.device, r.quantity, r.x_value, *numbers, r.status)
    return sheet
