"""`chipweave check`: every fault in YAML files, without running anything."""

from __future__ import annotations

from typing import Any

import click

from chipweave.cli._run_options import run_options


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@run_options
@click.option("--strategies", help="Names with commas between, as for compare.")
@click.option("--link-models", help="Names with commas between, as for compare.")
@click.option("--json", "json_path", metavar="FILE", help="Write faults and warnings as JSON; - for standard output.")
@click.option("--debug", is_flag=True, hidden=True)
def command(files: Any, json_path: Any, debug: Any, allow_code: Any, sets: Any, **options: Any) -> None:
    """Every fault in YAML files, with line and column, and all that a run with these options would refuse.

    FILE is a topology, preset, model, strategy, run file, or the name of a shipped topology or example. Exit code 2 if
    there is any fault, 0 with warnings alone.
    """
    from chipweave.errors import BadInput
    from chipweave.io.atomic import write_json
    from chipweave.io.console import note, say
    from chipweave.io.outputs import check_document
    from chipweave.views.filetypes import check_and_warn

    check_document(json_path)
    options = {key: value for key, value in options.items() if value is not None} | ({"sets": sets} if sets else {})
    faults, warnings = [], []
    for file in files:
        try:
            what, found = check_and_warn(file, bool(allow_code), options)
            warnings += found
            for warning in found:
                note(f"warning: {warning}")
            say(f"{file}: a {what}, no faults", to_stderr=json_path == "-")
        except BadInput as error:
            faults += error.faults
    if json_path:
        document = {"faults": [f.as_json() for f in faults], "warnings": [w.as_json() for w in warnings]}
        write_json(json_path, {"schema": "chipweave.check/1", **document})
    if faults:
        raise BadInput(faults)
