"""`chipweave rerun`: the runs of a folder once more."""

from __future__ import annotations

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run", type=click.Path(), metavar="RUN")
@click.option("--json", "json_path", metavar="FILE", help="Write the result as JSON; - for standard output.")
@click.option("--debug", is_flag=True, hidden=True)
def command(run: str, json_path: str | None, debug: bool) -> None:
    """Repeat all runs of the folder RUN (of --out) from its manifest; exit 4 where a figure differs."""
    from chipweave.errors import BarMissed
    from chipweave.io.atomic import write_json
    from chipweave.io.outputs import check_document
    from chipweave.run.why import again, show

    check_document(json_path)
    found = again.rerun(run)
    if json_path:
        write_json(json_path, found)
    show.rerun(found, json_path == "-")
    if not found["equal"]:
        raise BarMissed(f"{run}: run again, the figures are others")
