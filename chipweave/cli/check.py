"""`chipweave check`: every fault in YAML files, without running anything."""

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--allow-code", is_flag=True, help="Import code that the files name (./hbm4.py:Hbm4).")
def command(files, allow_code):
    """Every fault in YAML files, with line and column.

    FILE is a topology, preset, model, strategy, run file, or the name of a shipped topology. Exit code 2 if
    there is any fault.
    """
    from chipweave.errors import BadInput
    from chipweave.io.console import note, say
    from chipweave.views.filetypes import check_and_warn

    faults = []
    for file in files:
        try:
            what, warnings = check_and_warn(file, allow_code)
            for warning in warnings:
                note(f"{file}: warning: {warning}")
            say(f"{file}: a {what}, no faults")
        except BadInput as error:
            faults += error.faults
    if faults:
        raise BadInput(faults)
