"""The tables of a report as HTML. Every text is escaped; numbers stand exact in `data-value`, rounded for people."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from typing import Any

from chipweave.io.console import amount, printable
from chipweave.run.why.show import share, time

Definitions = dict[str, dict[str, str]]
CAPTION = (
    "Every figure of every run, of decode steps alone unless its definition says else; rest on one for its exact value"
)
FLOWS = 3  # of a link that are seen without a click
SHOWN = ("decode_time_ns", "prefill_time_ns", "throughput_tokens_per_s", "speedup")


def text(value: object) -> str:
    """A text from anywhere, safe in HTML."""
    return html.escape(printable(value))


def cell(value: Any, shown: str | None = None, unit: str = "") -> str:
    """A cell with a number: exact for machines and where the pointer rests, `shown` for people."""
    exact = html.escape(json.dumps(value))
    words = f' title="{exact} {text(unit)}"' if unit else ""
    return f'<td class="n" data-value="{exact}"{words}>{text(number(value) if shown is None else shown)}</td>'


def number(value: Any) -> str:
    """A number for people."""
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def defined(name: str, known: Definitions, words: str = "") -> str:
    """A name that shows its definition where the pointer rests or the keyboard stops."""
    about = known.get(name)
    if about is None:
        return text(words or name)
    says = f"{name} [{about['unit']}]: {about['is']}"
    return (
        f'<span class="def" tabindex="0" data-def="{text(says)}" aria-label="{text(says)}">{text(words or name)}</span>'
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], caption: str, name: str) -> str:
    """heads: HTML; rows: cells as HTML, with or without their <td>."""
    body = "".join(
        "<tr>" + "".join(c if c.startswith("<t") else f"<td>{c}</td>" for c in row) + "</tr>" for row in rows
    )
    top = "".join(f'<th scope="col">{h}</th>' for h in heads)
    return (
        f'<div class="scroll"><table id="{name}"><caption>{text(caption)}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def label(row: dict[str, Any]) -> str:
    """What a row is called in the page."""
    return f"{row['strategy']} ({row['link_model']}, {row['admission']})"


def strategies(rows: list[dict[str, Any]], known: Definitions) -> str:
    """All figures of all runs: a line for each figure, a column for each run."""
    names = [n for n in dict.fromkeys(key for row in rows for key in row) if n in known]
    names = [*(n for n in SHOWN if n in names), *(n for n in names if n not in SHOWN)]
    heads = ["figure", *(text(label(row)) for row in rows)]
    lines = [
        [
            f'<th scope="row">{defined(name, known)}</th>',
            *(cell(row.get(name), shown(name, row.get(name), unit), unit) for row in rows),
        ]
        for name in names
        for unit in (known[name]["unit"],)
    ]
    return table(heads, lines, CAPTION, "figures")


def shown(name: str, value: Any, unit: str) -> str | None:
    """A figure in the unit that people read; None: as it is."""
    if value is None:
        return None
    if name == "speedup":
        return f"{value:.2f} x"
    return time(value) if unit == "ns" else amount(value) if unit == "B" else None


def breakdown(entries: list[dict[str, Any]]) -> str:
    """The critical path of each run by class; columns sum to the time."""
    classes = list(dict.fromkeys(name for each in entries for name in each["critical"]))
    heads = ["class", *(text(label(each)) for each in entries)]
    lines = [
        [
            f'<th scope="row">{text(name)}</th>',
            *(
                cell(each["critical"].get(name, 0), _part(each["critical"].get(name, 0), each["time_ps"]))
                for each in entries
            ),
        ]
        for name in classes
    ]
    lines.append(
        ['<th scope="row">sum</th>', *(cell(each["time_ps"], time(each["time_ps"] // 1000)) for each in entries)]
    )
    return table(heads, lines, "The critical path of all decode steps by class; sums are exact", "breakdown")


def _part(ps: int, whole: int) -> str:
    return f"{time(ps // 1000)} ({share(ps, whole)})"


def hottest(entry: dict[str, Any], at: int) -> str:
    """The links of one run that were busy longest, with their largest flows."""
    total = entry["run_ps"]
    lines = []
    for each in entry["links"]:
        flows = [
            f"<li>{amount(flow['bytes'])}: {_cause(flow)}, {text(flow['from'])} to {text(flow['to'])}</li>"
            for flow in each["flows"]
        ]
        if each["others"]:
            flows.append(f"<li>{amount(each['others'])}: all other flows</li>")
        lines.append(
            [
                f'<th scope="row"><button type="button" class="show" data-network="{text(each["network"])}" '
                f'data-name="{text(each["link"])}">{text(each["link"])}</button></th>',
                cell(each["busy_ps"], share(each["busy_ps"], total)),
                cell(each["stalled_ps"], share(each["stalled_ps"], total)),
                cell(each["bytes"], amount(each["bytes"])),
                cell(each["wire_bytes"], "-" if each["wire_bytes"] is None else amount(each["wire_bytes"])),
                _folded(flows),
            ]
        )
    heads = ["link", "busy", "waited for while idle", "bytes of messages", "bytes of flits", "largest flows"]
    return table(heads, lines, f"{label(entry)}: links that were busy longest, prefill included", f"links{at}")


def _folded(items: list[str]) -> str:
    """A list whose first items are seen, the others on a click."""
    more = f"<details><summary>{len(items) - FLOWS} more</summary><ul>{''.join(items[FLOWS:])}</ul></details>"
    return f"<ul>{''.join(items[:FLOWS])}</ul>{more if items[FLOWS:] else ''}"


def _cause(flow: dict[str, Any]) -> str:
    return "no expert" if flow["expert"] is None else f"expert {flow['expert']} of layer {flow['layer']}"


def of_links(run: Any, at: int, most: int = 10) -> str:
    """As `hottest`, of a run without accounts: links alone, no flows."""
    total = run.outcome.total_ps
    found = [
        (int(stats.busy_ps[i]), network, name, int(stats.stalled_ps[i]), int(stats.bytes[i]))
        for network, names, stats in run.outcome.links
        for i, name in enumerate(names)
        if stats.busy_ps[i]
    ]
    lines = [
        [
            f'<th scope="row"><button type="button" class="show" data-network="{text(network)}" '
            f'data-name="{text(name)}">{text(name)}</button></th>',
            cell(busy, share(busy, total)),
            cell(stalled, share(stalled, total)),
            cell(size, amount(size)),
        ]
        for busy, network, name, stalled, size in sorted(found, reverse=True)[:most]
    ]
    heads = ["link", "busy", "waited for while idle", "bytes of messages"]
    return table(heads, lines, f"{label(run.row)}: links that were busy longest, prefill included", f"links{at}")


def residuals(found: list[dict[str, Any]]) -> str:
    """How far each sort of part is from measured rows."""
    lines = []
    for each in found:
        kinds = ", ".join(map(text, each["kinds"]))
        if each["mean"] is None:
            lines.append([f'<th scope="row">{kinds}</th>', "no measured rows: not validated", "", "", ""])
        for row in each["groups"]:
            lines.append(
                [
                    f'<th scope="row">{kinds}</th>',
                    text(row["group"]),
                    cell(row["n_modelled"]),
                    cell(row["mape"], f"{row['mape']:.1%}"),
                    cell(row["max"], f"{row['max']:.1%}"),
                ]
            )
    heads = ["kinds of this system", "measured group", "rows", "mean error", "largest"]
    return table(
        heads, lines, "Residuals of the shipped ledger: predicted H100 rows alone, calibration left out", "residuals"
    )


def dictionary(known: Definitions) -> str:
    """All definitions, for print."""
    lines = [[text(n), text(d["unit"]), text(d["owner"]), text(d["is"])] for n, d in known.items()]
    return table(["figure", "unit", "owner", "is"], lines, "The dictionary of metrics", "definitions")
