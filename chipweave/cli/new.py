"""`chipweave new`: a working skeleton with its test."""

from __future__ import annotations

from typing import Any

import click

from chipweave.views.skeleton import SORTS


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("what", type=click.Choice(list(SORTS)))
@click.argument("name")
@click.option(
    "--folder",
    default=".",
    type=click.Path(exists=True, file_okay=False),
    help="Where to write; the current folder otherwise.",
)
def command(what: Any, name: Any, folder: Any) -> None:
    """A skeleton with a test that passes; `policy` is an allocation policy, the other roles go by name."""
    from chipweave.io.console import note
    from chipweave.views.skeleton import write

    part, test = write(what, name, folder)
    note(f"wrote {part} and {test}; try: pytest {test}")
