"""`chipweave leaderboard`: predictors, placements and strategies ranked on the same work."""

from __future__ import annotations

from typing import Any

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file", type=click.Path(dir_okay=False))
@click.option(
    "--out", required=True, type=click.Path(file_okay=False), help="Folder of the points; run again, it goes on."
)
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(min=1), help="Points at a time.")
@click.option("--allow-code", is_flag=True, help="Let policies of your own in.")
@click.option("--json", "json_path", metavar="FILE", help="Write the ranking as JSON; - for standard output.")
def command(file: Any, out: Any, jobs: Any, allow_code: Any, json_path: Any) -> None:
    """Run the sweep of FILE and rank what differs in strategy or policies over all else that varies."""
    from chipweave.study import leaderboard

    leaderboard.command(file, out, jobs, allow_code, json_path)
