"""`chipweave validate`: the ledgers, every row, misses first."""

from __future__ import annotations

from typing import Any

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("suites", nargs=-1, metavar="[SUITE ...]")
@click.option(
    "--reference", type=click.Path(exists=True), help="A folder or file of the same format in place of the shipped one."
)
@click.option("--group", "groups", multiple=True, help="Only these groups.")
@click.option("--device", help="Only rows of devices whose name contains this.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1, 256), help="Worker processes.")
@click.option("--json", "json_path", metavar="FILE", help="Write the rows as JSON; - for standard output.")
@click.option(
    "--out", type=click.Path(file_okay=False), help="A folder for the ledger as JSON and Markdown and a plot per curve."
)
@click.option("--force", is_flag=True, help="Replace the ledger of other rows in the folder of --out.")
@click.option(
    "--update",
    is_flag=True,
    help="Rewrite the committed ledger and baseline of whole suites; refused where a group got worse.",
)
@click.option("--accept-worse", is_flag=True, help="With --update: write it even so.")
@click.option(
    "--check",
    is_flag=True,
    help="Exit 4 also where a group is worse than the committed baseline or the files are stale.",
)
@click.option("--debug", is_flag=True, hidden=True)
def command(debug: Any, suites: Any, **options: Any) -> Any:
    """Hold the model against references: h100, dies, serving, booksim, artifact, analytic (all where none is named)."""
    from chipweave.errors import BAR_MISSED, DONE
    from chipweave.ledger import suites as validate

    return BAR_MISSED if validate.run(suites, validate.Asked(**options)) else DONE
