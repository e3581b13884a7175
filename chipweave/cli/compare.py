"""`chipweave compare`: the same work under several strategies or link models, side by side."""

from __future__ import annotations

from typing import Any

import click

from chipweave.cli._run_options import checkpoint_option, energy_option, run_options, threads_option


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run_file", required=False, metavar="[RUN.yaml]")
@run_options
@click.option("--strategies", help="Names with commas between: base,ep,allo,pred,allo+pred (the default).")
@click.option(
    "--link-models", help="Names with commas between: circuit,fair,flit; circuit then also runs work_conserving."
)
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    help="About N layer-steps under flit, stratified: at least 3 of the prefill and of each quarter of decode.",
)
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(min=1), help="Worker processes.")
@threads_option
@click.option("--out", type=click.Path(file_okay=False), help="Folder for manifest, result, statistics and links.")
@checkpoint_option
@click.option("--force", is_flag=True, help="Replace the results of another run in the folder of --out.")
@click.option("--json", "json_path", metavar="FILE", help="Write the result as JSON; - for standard output.")
@click.option("--breakdown", "where", is_flag=True, help="Show where the time went, by class, part and link.")
@energy_option
@click.option("--debug", is_flag=True, hidden=True)
def command(
    run_file: Any,
    sample: Any,
    jobs: Any,
    out: Any,
    force: Any,
    json_path: Any,
    where: Any,
    energy: Any,
    debug: Any,
    threads: int,
    every_s: float,
    **options: Any,
) -> None:
    """Run strategies or link models on one topology, model and trace; print them side by side."""
    from chipweave.run import compare

    compare.run(
        run_file,
        options,
        sample,
        jobs,
        out,
        json_path,
        force=force,
        where=where,
        threads=threads,
        every_s=every_s,
        whose=energy,
    )
