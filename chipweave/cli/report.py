"""`chipweave report`: the runs of a folder as one page."""

from __future__ import annotations

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run", type=click.Path(), metavar="RUN")
@click.option("-o", "--out", type=click.Path(dir_okay=False), help="The page to write  [default: RUN/report.html]")
@click.option("--force", is_flag=True, help="Replace a file at --out that is no report.")
@click.option("--debug", is_flag=True, hidden=True)
def command(run: str, out: str | None, force: bool, debug: bool) -> None:
    """Write a page of the folder RUN (of --out) that works offline: system, strategies, links, routing, residuals."""
    from chipweave.io.console import note
    from chipweave.views.report import page

    note(f"wrote {page.write(run, out, force)}")
