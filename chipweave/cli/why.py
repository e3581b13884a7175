"""`chipweave why`: the causal chain behind the time of a run."""

from __future__ import annotations

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run", type=click.Path(), metavar="RUN")
@click.option("--layer", type=int, help="Of this layer alone.")
@click.option("--link", help="Of what was spent at this link: 'die[0][0].d2d -> die[0][1].d2d'.")
@click.option("--part", help="Of what was spent at this part: die[0][3].hbm.")
@click.option(
    "--transfer", type=click.IntRange(min=0), help="The life of this transfer of the layer, in order of issue."
)
@click.option("--strategy", help="Which row of the folder  [default: the first]")
@click.option("--link-model", help="Which row of the folder  [default: the first]")
@click.option("--allow-code", is_flag=True, help="Import code that the run of a server names.")
@click.option("--json", "json_path", metavar="FILE", help="Write the result as JSON; - for standard output.")
@click.option("--debug", is_flag=True, hidden=True)
def command(
    run: str,
    layer: int | None,
    link: str | None,
    part: str | None,
    transfer: int | None,
    strategy: str | None,
    link_model: str | None,
    allow_code: bool,
    json_path: str | None,
    debug: bool,
) -> None:
    """Say what a run waited for, behind whom, and what would speed it up.

    RUN: a folder of --out, or the JSON of `step` or `serve`. The run is simulated again with a record of its critical
    paths, and once more for each class of resources or kind of work.
    """
    from chipweave.io.atomic import write_json
    from chipweave.io.outputs import check_document
    from chipweave.run.why import explain, folder, show
    from chipweave.serving import why as serving

    if link and part:
        raise click.UsageError("--link and --part are both given; one place at a time")
    if transfer is not None and (link or part):
        raise click.UsageError("--transfer and a place are both given; a transfer's life has all its places")
    check_document(json_path)
    if served := serving.document(run):
        given = {"--link": link, "--transfer": transfer, "--strategy": strategy, "--link-model": link_model}
        serving.refuse(run, [name for name, value in given.items() if value is not None])
        found = serving.why(run, served, layer, part, allow_code)
    else:
        found = explain.why(folder.one_of(run, strategy, link_model), layer, link or part, transfer)
    if json_path:
        write_json(json_path, found)
    show.why(found, json_path == "-")
