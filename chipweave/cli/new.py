"""`chipweave new`: a working skeleton with its test."""

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("what", type=click.Choice(["component", "policy", "topology", "case"]))
@click.argument("name")
@click.option(
    "--folder",
    default=".",
    type=click.Path(exists=True, file_okay=False),
    help="Where to write; the current folder otherwise.",
)
def command(what, name, folder):
    """A skeleton of a component, policy, topology or case, with a test that passes."""
    from chipweave.io.console import note
    from chipweave.views.skeleton import write

    part, test = write(what, name, folder)
    note(f"wrote {part} and {test}; try: pytest {test}")
