"""A report as one HTML file: tables written here, pictures coloured by its script, the plotting library inside.

The page asks for nothing from anywhere: a policy in its head forbids it to. The library stands in it compressed, so
that it stays small; a browser of 2023 or later opens it.
"""

from __future__ import annotations

import base64
import gzip
import json
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from chipweave import __version__, topology
from chipweave.errors import BadInput, Fault
from chipweave.io.atomic import check_file, replacing
from chipweave.run.results import as_written
from chipweave.run.simulate import mesh_of
from chipweave.views.notebook import text as words
from chipweave.views.notebook.result import Comparison
from chipweave.views.report import facts, picture, tables

MARK = "<!-- a report of chipweave -->"
MOST_LINKS = 6_000  # of a network's picture


def write(folder: str | Path, out: str | Path | None = None, force: bool = False) -> Path:
    """Write the report of a folder of `--out`; returns its path: RUN/report.html where none is given.

    Raises:
        BadInput: the folder holds no results, plotly is not installed, or the file is there and no report.
    """
    path = Path(out) if out else Path(folder) / "report.html"
    check_file(path)
    if path.is_file() and not force and not path.read_text(encoding="utf-8", errors="replace")[:200].count(MARK):
        raise BadInput(Fault(f"{path} is there and no report", allowed="another name, or --force"))
    found = Comparison(folder)
    with as_written(folder):
        page = of(found)
    with replacing(path) as file:
        file.write(page)
    return path


def of(found: Comparison) -> str:
    """The page of a comparison."""
    runs = found.runs
    first = runs[0]
    system = topology.load(first.facts["system"], allow_code=first.spec.allow_code)
    networks = [n for n in system.networks.values() if n.graph.number_of_edges() <= MOST_LINKS]
    mesh = mesh_of(system).name
    drawn = sorted((picture.draw(network, system) for network in networks), key=lambda d: d.name != mesh)
    known = facts.definitions(found)
    entries = found.document.get("breakdown") or []
    data = {
        "labels": [tables.label(row) for row in found.rows],
        "networks": [each.as_json() for each in drawn],
        "series": facts.series(runs, {each.name: [name for name, *_ in each.links] for each in drawn}),
        "routing": facts.routing(first.spec),
        "breakdown": [tables.label(entry) for entry in entries],
    }
    template = Template(_asset("page.html"))
    return template.substitute(
        mark=MARK,
        title=tables.text(title(found)),
        summary=summary(found, entries),
        style=_asset("report.css"),
        script=_asset("report.js"),
        library=base64.b64encode(gzip.compress(library().encode(), 9, mtime=0)).decode(),
        result=embedded(found.document),
        data=embedded(data),
        version=tables.text(__version__),
        figures=tables.strategies(found.rows, known),
        breakdown=tables.breakdown(entries) if entries else NO_ACCOUNTS,
        pictures="".join(f'<div class="network" data-network="{tables.text(d.name)}">{d.svg}</div>' for d in drawn),
        networks="".join(f"<option>{tables.text(d.name)}</option>" for d in drawn),
        runs="".join(
            f'<option value="{i}">{tables.text(tables.label(row))}</option>' for i, row in enumerate(found.rows)
        ),
        links=hottest(found, entries),
        residuals=tables.residuals(facts.residuals(system)),
        bar=f"{found.document['error_bar']:.1%}",
        definitions=tables.dictionary(known),
        command=tables.text(facts.command(found)),
        folder=tables.text(found.folder),
        manifest=tables.text(json.dumps(found.manifest, indent=1)),
        hash=tables.text(found.document["result_sha256"]),
    )


NO_ACCOUNTS = (
    "<p>The folder has no accounts of where time went: its runs were taken by a sample, or by an older version.</p>"
)


def title(found: Comparison) -> str:
    """What was run, in one line."""
    d = found.document
    return f"{d['model']} on {d['topology']}, batch {d['batch']:,}, {d['steps']:,} steps, preset {d['preset']}"


def summary(found: Comparison, entries: list[dict[str, Any]]) -> str:
    """The answer in sentences: which was fastest, by how much, what bounds it, which cannot be told apart."""
    rows = [row for row in found.rows if row["decode_time_ns"]]
    if not rows:
        return "<p>No decode step was run, only the prefill.</p>"
    several = len({(row["link_model"], row["admission"]) for row in found.rows}) > 1

    def named(row: dict[str, Any]) -> str:
        """A run by its strategy; by all of its label where there are several link models."""
        return tables.text(tables.label(row) if several else row["strategy"])

    best = min(rows, key=lambda row: row["decode_time_ns"])
    said = [f"<b>{named(best)}</b> is fastest: {words.time(best['decode_time_ns'])} of decode"]
    if best["speedup"] and best["strategy"] != "base":
        said[0] += (
            f", <b>{best['speedup']:.2f} times</b> as fast as base "
            f"(a ratio is good to {found.document['error_bar']:.0%} by the ledger)"
        )
    for entry in entries:
        cause, ps = next(iter(entry["critical"].items()))
        part = tables.share(ps, entry["time_ps"])
        said.append(f"{named(entry)}: {part} of its critical path is {tables.text(cause)}")
    for row in rows:
        if isinstance(row.get("flit"), dict):
            apart = row["flit"]["difference"]
            said.append(f"{named(row)}: flit, on a sample of its layer-steps, takes {apart:+.1%}")
    for each in found.document["undecided"]:
        pair = " and ".join(named({**each, "strategy": name}) for name in each["strategies"])
        said.append(f"{pair} lie within the error bar: do not choose by these figures")
    return "<ul>" + "".join(f"<li>{each}.</li>" for each in said) + "</ul>"


def hottest(found: Comparison, entries: list[dict[str, Any]]) -> str:
    """A table of links for each run, each in a part of its own that the choice of the run shows."""
    of_label = {tables.label(entry): entry for entry in entries}
    parts = []
    for i, run in enumerate(found.runs):
        entry = of_label.get(tables.label(run.row))
        inner = tables.hottest(entry, i) if entry else tables.of_links(run, i)
        parts.append(f'<div class="of-run" data-run="{i}">{inner}</div>')
    return "".join(parts)


def embedded(value: Any) -> str:
    """JSON that stands in a page: nothing in it ends its element or begins a comment."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def library() -> str:
    """The code of plotly.js.

    Raises:
        BadInput: the package plotly, which brings it, is not installed.
    """
    try:
        return (resources.files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
    except (ImportError, OSError):
        raise BadInput(Fault("plotly is not installed", allowed="pip install 'chipweave[report]'")) from None


def _asset(name: str) -> str:
    return (resources.files("chipweave") / "data" / "report" / name).read_text(encoding="utf-8")
