"""`chipweave plot`: a picture of a table of points."""

from __future__ import annotations

from typing import Any

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("table", type=click.Path())
@click.option("--x", required=True, help="Column of the horizontal axis.")
@click.option("--y", required=True, help="Column of the vertical axis: numbers.")
@click.option("--colour", help="Column of which each value has a colour.")
@click.option("--facet", help="Column of which each value has a panel.")
@click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Only rows of this value.")
@click.option("--kind", default="auto", show_default=True, type=click.Choice(["auto", "line", "bar", "scatter"]))
@click.option("--title", default="", help="Over the picture.")
@click.option("--out", "-o", required=True, type=click.Path(dir_okay=False), help="The picture: .svg, .png or .pdf.")
def command(table: Any, x: Any, y: Any, colour: Any, facet: Any, where: Any, kind: Any, title: Any, out: Any) -> None:
    """Draw TABLE (Parquet, or the folder of a sweep): y against x, by colour and panel."""
    from chipweave.study import plot

    columns = plot.only(plot.read_table(table), where)
    plot.draw(columns, out, x, y, colour, facet, kind, title)
