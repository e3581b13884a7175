"""The ledger as Markdown: a suite writes its own section of validation/README.md between two marks.

    <!-- h100: begin, written by `chipweave validate h100 --update` -->
    ...
    <!-- h100: end -->

Whatever stands outside the marks is written by people and kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from chipweave import ledger
from chipweave.errors import BadInput

BEGIN, END = "<!-- {}: begin, written by `chipweave validate {} --update` -->", "<!-- {}: end -->"


def section(results: list[ledger.Result], groups: list[ledger.Figures], extra: Iterable[str] = ()) -> str:
    """The text of one suite: groups (misses first), the worst rows, what is not modelled and why, then `extra`
    parts."""
    return "\n\n".join(["### Groups", _groups(groups, _bars(results)), *_worst(results), *_left_out(results), *extra])


def place(document: str, suite: str, text: str) -> str:
    """`document` with the section of `suite` replaced by `text`; a section that is not there yet is added at the
    end."""
    begin, end = BEGIN.format(suite, suite), END.format(suite)
    block = f"{begin}\n\n{text}\n\n{end}"
    if begin not in document:
        return f"{document.rstrip()}\n\n## {suite}\n\n{block}\n"
    if document.count(begin) != 1 or document.count(end) != 1:
        raise BadInput(f"the marks of section {suite} must stand once each in the ledger")
    return re.sub(re.escape(begin) + ".*" + re.escape(end), lambda _: block, document, flags=re.DOTALL)


def table(head: list[str], rows: Iterable[Iterable[Any]]) -> str:
    """A Markdown table; bars in cells are escaped."""

    def line(cells: Iterable[Any]) -> str:
        return "| " + " | ".join(str(c).replace("|", "\\|").replace("\n", " ") for c in cells) + " |"

    return "\n".join([line(head), line(["---"] * len(head)), *map(line, rows)])


def percent(value: float | None) -> str:
    """One digit after the point, as `-4.7 %`; "-" for none."""
    return "-" if value is None else f"{100 * value + 0.0:.1f} %".replace("-0.0 %", "0.0 %")


def _bars(results: list[ledger.Result]) -> dict[tuple[str, str], str]:
    """(group, role) -> the bars of its rows, smallest first."""
    bars: dict[tuple[str, str], set[float]] = {}
    for r in results:
        if r.tolerance is not None:
            bars.setdefault((r.group, r.role), set()).add(r.tolerance)
    return {key: _bar(sorted(found)) for key, found in bars.items()}


def _bar(found: list[float]) -> str:
    """Up to two bars as they are, more as a range."""
    return (
        " / ".join(f"{100 * b:g} %" for b in found)
        if len(found) < 3
        else f"{100 * found[0]:.1g} to {100 * found[-1]:.2g} %"
    )


def _groups(groups: list[ledger.Figures], bars: dict[tuple[str, str], str]) -> str:
    """The table of groups in Markdown, with the bar beside the mean error."""
    head = ["group", "role", "rows", "modelled", "mean error", "bar", "median", "worst", "bias", "correlation"]
    rows = []
    for g in groups:
        figures = [percent(g[k]) for k in ("median", "max", "bias")]
        bar = bars.get((g["group"], g["role"]), "")
        close = "-" if g["correlation"] is None else f"{g['correlation']:.3f}"
        rows.append([g["group"], g["role"], g["n"], g["n_modelled"], percent(g["mape"]), bar, *figures, close])
    return table(head, rows)


def _worst(results: list[ledger.Result]) -> list[str]:
    """The rows furthest from their reference, scored ones only."""
    rows = [
        [
            r.id,
            r.device,
            r.quantity,
            f"{r.x_name} {r.x_value}".strip(),
            f"{r.reference:.5g}",
            f"{r.simulated:.5g}",
            f"{100 * (r.error or 0):+.1f} %",
        ]
        for r in ledger.worst(results)
    ]
    return (
        [
            "### The ten rows furthest off",
            table(["row", "device", "quantity", "x", "reference", "simulated", "error"], rows),
        ]
        if rows
        else []
    )


def _left_out(results: list[ledger.Result]) -> list[str]:
    """Rows that are not modelled, counted by group and reason; nothing where there are none."""
    reasons: dict[tuple[str, str], list[ledger.Result]] = {}
    for r in results:
        if r.status == "not modelled":
            reasons.setdefault((r.group, r.why), []).append(r)
    rows = [
        [group, len(found), ", ".join(sorted({r.role for r in found})), why]
        for (group, why), found in sorted(reasons.items())
    ]
    return ["### Not modelled", table(["group", "rows", "role", "why"], rows)] if rows else []
