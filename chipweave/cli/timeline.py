"""`chipweave timeline`: a run as a trace for Perfetto."""

from __future__ import annotations

import click


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run", type=click.Path(), metavar="RUN")
@click.option("--strategy", help="Which row of the folder  [default: the first]")
@click.option("--link-model", help="Which row of the folder  [default: the first]")
@click.option(
    "--most",
    type=click.IntRange(1, 10_000_000),
    default=60_000,
    show_default=True,
    help="About how many stages to keep.",
)
@click.option(
    "-o", "--out", type=click.Path(dir_okay=False), help="The trace, .json or .json.gz  [default: RUN/timeline.json.gz]"
)
@click.option("--force", is_flag=True, help="Replace a file at --out that is no timeline.")
@click.option("--debug", is_flag=True, hidden=True)
def command(
    run: str, strategy: str | None, link_model: str | None, most: int, out: str | None, force: bool, debug: bool
) -> None:
    """Write a row of the folder RUN (of --out) as a trace: open it at ui.perfetto.dev.

    Tracks are those of each die's resources, transfers are flows through them, links are counters. Layer-steps are kept
    whole or not at all; the file says which.
    """
    from pathlib import Path

    from chipweave.io.console import note
    from chipweave.run.why.folder import one_of
    from chipweave.views import timeline

    path = out or Path(run) / "timeline.json.gz"
    about = timeline.write(one_of(run, strategy, link_model), path, most, force)
    note(f"wrote {path}: {about['strategy']}, {about['link_model']}; {about['rule']}")
