"""`chipweave draw`: a system as a picture."""

from __future__ import annotations

from typing import Any

import click

from chipweave.cli import _names
from chipweave.cli._run_options import topology_sets


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("topology", shell_complete=_names.topologies)
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False),
    help="The file to write: .svg, .png or .pdf. Default: the topology's name, .svg.",
)
@topology_sets
@click.option("--preset", help="A preset of behaviour to lay over the topology.")
@click.option("--allow-code", is_flag=True, help="Import code that the topology names.")
def command(topology: Any, out: Any, sets: Any, preset: Any, allow_code: Any) -> None:
    """The system as a picture: networks in their shape, one die's inside beside them."""
    from chipweave import topology as loader
    from chipweave.io.console import note
    from chipweave.io.outputs import check_picture

    check_picture(out)
    system = loader.load(topology, sets, allow_code, preset)
    from chipweave.views.draw import draw

    out = out or f"{system.name}.svg"
    draw(system, out)
    note(f"{out}: {system.name}")
