"""`chipweave characterise`: the line-rate die measured on the case study's transfers, as tables for the stage kinds."""

from __future__ import annotations

from typing import Any

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("topology")
@click.option(
    "--out",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Where to write the table  [default: TOPOLOGY.characterised.yaml]",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=1,
    show_default=True,
    help="Of the pages that memory is dealt in.",
)
@click.option(
    "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="More than 1: a worker for each processor."
)
@click.option("--debug", is_flag=True, hidden=True)
def command(topology: Any, out: Any, seed: Any, jobs: Any, debug: Any) -> None:
    """Measure a line-rate die: slices read, stored and shared, expert GEMMs; takes some minutes."""
    import importlib
    from pathlib import Path

    from chipweave.io.console import Sheet, show
    from chipweave.io.outputs import check_text
    from chipweave.io.progress import busy

    out = out or f"{Path(topology).stem}.characterised.yaml"
    work = importlib.import_module("chipweave.validation.characterise.table")
    check_text(out, work.HEAD, "table of characterise")
    with busy(f"measuring {topology} at line rate"):
        document = work.run(topology, seed, jobs)
    work.write(out, document)
    heads = ("transfer", "line rate", "table", "error")
    covers = "transfers of the case study alone on the die; error = table / line rate - 1"
    sheet = Sheet(f"{topology} -> {out}", heads, caption=covers, right_from=1)
    for row in document["residuals"]:
        sheet.add(row["transfer"], row["line_rate"], row["table"], f"{row['error']:+.1%}")
    show(sheet)
