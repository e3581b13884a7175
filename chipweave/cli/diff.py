"""`chipweave diff`: what changed between two runs, and where the change in time lies."""

from __future__ import annotations

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run_a", type=click.Path(), metavar="RUN_A")
@click.argument("run_b", type=click.Path(), metavar="RUN_B")
@click.option("--strategy", help="Which row of both folders  [default: the first of each]")
@click.option("--link-model", help="Which row of both folders  [default: the first of each]")
@click.option("--json", "json_path", metavar="FILE", help="Write the result as JSON; - for standard output.")
@click.option("--debug", is_flag=True, hidden=True)
def command(
    run_a: str, run_b: str, strategy: str | None, link_model: str | None, json_path: str | None, debug: bool
) -> None:
    """Attribute the change in time from RUN_A to RUN_B to classes of resources and to layers, worst first.

    Each is a folder of --out, or both are the JSON of `step` or of `serve`.
    """
    from chipweave.io.atomic import write_json
    from chipweave.io.outputs import check_document
    from chipweave.run.why import compared, folder, show
    from chipweave.serving import why as serving

    check_document(json_path)
    served = [serving.document(run) for run in (run_a, run_b)]
    if any(served):
        serving.refuse(run_a, [name for name, v in (("--strategy", strategy), ("--link-model", link_model)) if v])
        found = serving.diff(*served)
    else:
        found = compared.diff(*(folder.one_of(run, strategy, link_model) for run in (run_a, run_b)))
    if json_path:
        write_json(json_path, found)
    show.diff(found, json_path == "-")
