"""`chipweave schema`: JSON Schema of the YAML files, for editors."""

from __future__ import annotations

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("kind", required=False, metavar="[KIND]")
@click.option("--out", type=click.Path(file_okay=False), help="A folder for all schemas: topology.json, run.json, ...")
@click.option("--debug", is_flag=True, hidden=True)
def command(kind: str | None, out: str | None, debug: bool) -> None:
    """Print the JSON Schema of one sort of YAML file: topology, preset, run, strategy, sweep, model, ...

    Without KIND and --out: the names alone.
    """
    from pathlib import Path

    from chipweave.io.atomic import check_folder, write_json
    from chipweave.io.console import note, say
    from chipweave.views import schemas

    if out:
        check_folder(out)
        for name in [kind] if kind else schemas.FILES:
            write_json(Path(out) / f"{name}.json", schemas.schema(name))
        note(f"wrote {kind or len(schemas.FILES)} to {out}")
    elif kind:
        write_json("-", schemas.schema(kind))
    else:
        for name in schemas.FILES:
            say(name)
