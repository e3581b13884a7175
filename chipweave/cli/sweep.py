"""`chipweave sweep`: every point of a sweep file, once, wherever there is room for it."""

from __future__ import annotations

from typing import Any

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file", type=click.Path(dir_okay=False))
@click.option(
    "--out", type=click.Path(file_okay=False), help="Folder of the results; run again, it runs what is missing."
)
@click.option("--executor", default="local", show_default=True, help="local, mpi, dask, slurm, or one of your own.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(min=1), help="Points at a time.")
@click.option("--executor-option", "options", multiple=True, metavar="KEY=VALUE", help="What the executor takes.")
@click.option(
    "--only", type=click.IntRange(min=0), help="Run this point alone, counted from 0 (a task of a job array)."
)
@click.option(
    "--emit", type=click.Choice(["slurm-array"]), help="Print a job script that runs the points, and run none."
)
@click.option("--list", "listed", is_flag=True, help="Print the points, and run none.")
@click.option("--allow-code", is_flag=True, help="Let code of your own in, named by topologies and strategies.")
@click.option("--json", "json_path", metavar="FILE", help="Write sweep.json here too; - for standard output.")
def command(**options: Any) -> None:
    """Run all points of FILE; a point done is never run again, a failed one does not stop the others."""
    from chipweave.study import run_sweep

    run_sweep.command(**options)
