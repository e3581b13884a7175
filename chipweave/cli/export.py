"""`chipweave export`: a system in SST's JSON, or as DOT."""

from __future__ import annotations

import click

from chipweave.cli import _names
from chipweave.cli._run_options import topology_sets


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("topology", shell_complete=_names.topologies)
@click.option("--format", "form", type=click.Choice(["sst-json", "dot"]), default="sst-json", show_default=True)
@click.option("--preset", help="Preset of behaviour laid over the topology.")
@topology_sets
@click.option("--allow-code", is_flag=True, help="Import code that the YAML names.")
@click.option("-o", "--out", default="-", metavar="FILE", help="The file to write  [default: standard output]")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--debug", is_flag=True, hidden=True)
def command(
    topology: str, form: str, preset: str | None, sets: tuple, allow_code: bool, out: str, force: bool, debug: bool
) -> None:
    """Write the system of TOPOLOGY as an SST configuration (components, parameters, links) or as DOT for Graphviz."""
    from pathlib import Path

    from chipweave import topology as topologies
    from chipweave.errors import BadInput, Fault
    from chipweave.io.atomic import check_file, replacing
    from chipweave.views.exported import export

    check_file(out)
    if out != "-" and Path(out).exists() and not force:
        raise BadInput(Fault(f"{out} is there", allowed="another name, or --force"))
    text = export(topologies.load(topology, sets=sets, allow_code=allow_code, preset=preset), form)
    if out == "-":
        click.echo(text, nl=False)
    else:
        with replacing(Path(out)) as file:
            file.write(text)
