"""`chipweave study`: published studies, run again and held against what they print."""

from __future__ import annotations

from typing import Any

import click

OPTIONS = {"help_option_names": ["-h", "--help"]}


@click.group(context_settings=OPTIONS)
def command() -> None:
    """Published studies, run again and held against what they print."""


@command.command(context_settings=OPTIONS)
@click.option(
    "--traces", type=click.Path(file_okay=False), help="Your copy of the published traces; without it they are made."
)
@click.option(
    "--out", type=click.Path(file_okay=False), help="Folder of points, tables and pictures; run again, it goes on."
)
@click.option("--models", help="Names with commas between; by default the four of the paper.")
@click.option("--topologies", help="wafer_5x5,wafer_8x3 (the default), or others of yours.")
@click.option("--batches", help="Requests decoded together: 4096,8192,16384,32768 (the default).")
@click.option("--strategies", help="By default base,ep,allo,pred,allo+pred and keep,pred-hbm,keep-hbm beside them.")
@click.option(
    "--steps", default=128, show_default=True, type=click.IntRange(2), help="Steps, the prompts count as one."
)
@click.option(
    "--requests",
    default=8192,
    show_default=True,
    type=click.IntRange(1),
    help="Distinct requests of a made trace; a larger batch takes each several times.",
)
@click.option(
    "--tasks",
    default=1,
    show_default=True,
    type=click.IntRange(1, 256),
    help="Tasks that take turns in a made trace, each with popular experts of its own.",
)
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Of made traces.")
@click.option("--preset", default="artifact", show_default=True, help="Behaviour laid over the topologies.")
@click.option("--link-model", default="circuit", show_default=True, help="circuit, fair or flit.")
@click.option("--admission", help="How held links are granted; the preset's where left out.")
@click.option("--host/--no-host", default=True, help="Also the cost of a command processor on the host.")
@click.option("--executor", default="local", show_default=True, help="As of sweep.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(min=1), help="Points at a time.")
@click.option("--json", "json_path", metavar="FILE", help="Write the document as JSON; - for standard output.")
def chaos(**options: Any) -> None:
    """arXiv 2510.05497: five strategies, four models, two wafers, four batches, beside the printed bars."""
    from chipweave.study import run_chaos

    run_chaos.command(**options)


@command.command(context_settings=OPTIONS)
@click.option("--model", default="qwen3-235b", show_default=True, help="A model.")
@click.option("--trace", help="Its trace; made by its law where left out.")
@click.option("--batches", default="4096,8192,16384,24576", show_default=True, help="Requests decoded together.")
@click.option("--steps", default=16, show_default=True, type=click.IntRange(1), help="Answer steps that are timed.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Of a made trace.")
@click.option(
    "--forecast",
    default="prompts",
    show_default=True,
    type=click.Choice(["prompts", "answers"]),
    help="What Remap and Dup are placed by; answers: the first half of the steps, and the second is timed.",
)
@click.option(
    "--cost",
    default="roofline",
    show_default=True,
    type=click.Choice(["roofline", "tokens"]),
    help="Of an expert: its GEMMs or the read of its weights, whichever is longer; or its tokens alone.",
)
@click.option("--json", "json_path", metavar="FILE", help="Write the document as JSON; - for standard output.")
def remap(**options: Any) -> None:
    """Case study 2 of arXiv 2510.05497: experts moved or doubled on eight H100, beside the printed speed-ups."""
    from chipweave.study import run_remap

    run_remap.command(**options)
