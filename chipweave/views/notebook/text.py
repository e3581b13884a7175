"""What a run and a comparison say of themselves: ten lines of text, a table in a notebook."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from chipweave.io.console import amount, printable
from chipweave.run.metrics import COUNTED, FIGURES
from chipweave.run.report import hottest
from chipweave.run.table import Table, from_rows

if TYPE_CHECKING:
    from chipweave.views.notebook.result import Comparison, Result

UNITS = {figure.name: figure.unit for figure in (*FIGURES, *COUNTED)}
WORDS = {figure.name: figure.definition for figure in (*FIGURES, *COUNTED)}
MOST = 7  # runs of a comparison that its text shows; its page shows all


def figures_table(rows: list[dict[str, Any]]) -> Table:
    """Rows of figures as a Table, without what is no single value."""
    return from_rows([plain(row) for row in rows], UNITS, "figures")


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row without its lists and mappings (layers, what a sample says), which are no figures."""
    return {name: value for name, value in row.items() if not isinstance(value, (list, dict))}


def of_run(run: Result) -> str:
    """Ten lines: what was run, how long it took, what moved, which links were busiest."""
    row, spec = run.row, run.spec
    steps = "decode" if row["decode_time_ns"] else "prefill"
    layers = max(1, len(row["layers"]))
    lines = [
        f"{printable(run)}: {time(run.time_ns)} of {steps}",
        f"  batch {spec.batch:,}, {spec.steps:,} steps, preset {spec.preset}, seed {spec.seed}",
        f"  links       {row['link_model']}, {row['admission']}",
        f"  tokens/s    {row['throughput_tokens_per_s']:,.4g}",
        f"  a layer     {time(round(run.time_ns / layers))} over all steps, of {len(row['layers'])} layers",
        f"  read here   {amount(row['local_read_bytes'])}, afar {amount(row['remote_read_bytes'])}, "
        f"copied {amount(row['copy_write_bytes'])}",
        f"  hops        {row['hops']:,}",
        f"  busiest     {busiest(run)}",
        f"  CPU         {row['cpu_s']:.2f} s, {row['peak_rss_bytes'] / 1e6:,.0f} MB",
        "  more        .layers .links .statistics (Arrow) .plot .why() .row .save(folder)",
    ]
    return "\n".join(lines)


def busiest(run: Result) -> str:
    """The link that was busy longest, its share of the run, its bytes."""
    return printable(hottest(run.outcome, most=1)) or "no link was used"


def time(ns: int) -> str:
    """A time for people."""
    return f"{ns / 1e6:,.3f} ms" if abs(ns) >= 1e6 else f"{ns / 1e3:,.1f} us"


def of_comparison(found: Comparison) -> str:
    """What was compared, then a line for each of the first runs."""
    document = found.document
    lines = [
        f"{printable(document['model'])} on {printable(document['topology'])}, batch {document['batch']:,}, "
        f"{document['steps']:,} steps, preset {document['preset']}: "
        f"{len(found.rows)} run{'s' if len(found.rows) != 1 else ''}"
    ]
    names = [f"{row['strategy']}, {row['link_model']}" for row in found.rows]
    wide = max(map(len, names), default=0)
    for name, row in zip(names[:MOST], found.rows, strict=False):
        ns = row["decode_time_ns"] or row["prefill_time_ns"]
        speedup = "" if row["speedup"] is None else f"{row['speedup']:8.2f} x"
        lines.append(f"  {printable(name):{wide}}  {time(ns):>14}{speedup}")
    if len(names) > MOST:
        lines.append(f"  and {len(names) - MOST} more")
    lines.append('  ["name"] is a run; .figures .layers .links .statistics (Arrow) .plot .to_pandas() .save(folder)')
    return "\n".join(lines)


def page_of_run(run: Result) -> str:
    """A notebook's table of the figures; a definition shows where the pointer rests."""
    rows = "".join(
        f'<tr title="{html.escape(WORDS.get(name, ""))}"><td>{html.escape(printable(name))}</td>'
        f"<td>{html.escape(_value(value))}</td><td>{html.escape(UNITS.get(name, ''))}</td></tr>"
        for name, value in plain(run.row).items()
    )
    about = f"{run}: {time(run.time_ns)}; busiest link {busiest(run)}"
    return f"<table><caption>{html.escape(printable(about))}</caption><tbody>{rows}</tbody></table>"


def page_of_comparison(found: Comparison) -> str:
    """A notebook's table, one row a run."""
    shown = ("decode_time_ns", "speedup", "throughput_tokens_per_s", "hops", "local_read_bytes", "remote_read_bytes")
    heads = "".join(
        f'<th title="{html.escape(WORDS[name])}">{name}<br><small>{UNITS[name]}</small></th>' for name in shown
    )
    body = "".join(
        f"<tr><th>{html.escape(printable(row['strategy']))}</th><td>{html.escape(row['link_model'])}</td>"
        + "".join(f"<td>{_value(row[name])}</td>" for name in shown)
        + "</tr>"
        for row in found.rows
    )
    caption = html.escape(of_comparison(found).partition("\n")[0])
    head = f"<tr><th>strategy</th><th>link model</th>{heads}</tr>"
    return f"<table><caption>{caption}</caption><thead>{head}</thead><tbody>{body}</tbody></table>"


def _value(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}" if isinstance(value, float) else str(value)
