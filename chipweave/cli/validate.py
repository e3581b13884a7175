"""`chipweave validate`: the ledgers, every row, misses first."""

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("suites", nargs=-1, metavar="[SUITE ...]")
@click.option("--reference", type=click.Path(exists=True), help="A folder or file of the same format in place of the shipped one.")
@click.option("--group", "groups", multiple=True, help="Only these groups.")
@click.option("--device", help="Only rows of devices whose name contains this.")
@click.option("--jobs", default=1, show_default=True, help="Worker processes.")
@click.option("--json", "json_path", metavar="FILE", help="Write the rows as JSON; - for standard output.")
@click.option("--debug", is_flag=True, hidden=True)
def command(suites, reference, groups, device, jobs, json_path, debug):
    """Hold the model against references: h100, booksim, artifact, analytic (all where none is named)."""
    from chipweave import validate
    from chipweave.errors import BAR_MISSED, DONE

    missed = validate.run(suites, reference=reference, groups=groups, device=device, jobs=jobs, json_path=json_path)
    return BAR_MISSED if missed else DONE
