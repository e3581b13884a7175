"""`chipweave run`: one simulation."""

from __future__ import annotations

from typing import Any

import click

from chipweave.cli._run_options import checkpoint_option, energy_option, run_options, threads_option


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run_file", metavar="RUN.yaml")
@run_options
@click.option("--strategy", help="Shipped strategy or file, in place of the run file's.")
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
    """Run the simulation that RUN.yaml describes."""
    from chipweave.run import compare

    compare.run(
        run_file,
        options,
        None,
        1,
        out,
        json_path,
        single=True,
        force=force,
        where=where,
        threads=threads,
        every_s=every_s,
        whose=energy,
    )
