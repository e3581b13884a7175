"""The options that `run` and `compare` share: what a run file says, said on the command line."""

from __future__ import annotations

from typing import Any

import click

from chipweave.cli import _names


def each_once(context: click.Context, option: click.Parameter, sets: tuple[str, ...]) -> tuple[str, ...]:
    """The texts of `--set`; a path that is set twice is refused, where the last one would win without a word."""
    names = [text.partition("=")[0].strip() for text in sets]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise click.BadParameter(f"{', '.join(twice)} is set twice", context, option)
    return sets


def _set_option(metavar: str, words: str) -> Any:
    """A `--set` that may be given several times."""
    return click.option("--set", "sets", multiple=True, metavar=metavar, callback=each_once, help=words)


topology_sets = _set_option("A.B=VALUE", "Override a parameter of the topology.")
"""The `--set` of commands that take a whole system."""

network_sets = _set_option(
    "NAME=VALUE", "A router parameter (vcs=8, routing_delay=0) or any a.b=value of the topology."
)
"""The `--set` of commands that run one network, whose routers' parameters need no path."""

OPTIONS = [
    click.option("--topology", shell_complete=_names.topologies, help="Shipped topology or file  [default: wafer_5x5]"),
    click.option("--model", shell_complete=_names.models, help="Shipped model or file  [default: deepseek-v3]"),
    click.option(
        "--trace",
        shell_complete=_names.traces,
        help="Routing trace: file or shipped name  [default: generated for the model from the seed]",
    ),
    click.option("--batch", type=int, help="Requests decoded together  [default: 4096]"),
    click.option("--steps", type=int, help="Steps, the prefill counts as one  [default: 128]"),
    click.option(
        "--preset",
        shell_complete=_names.presets,
        help="Preset of behaviour: physical, artifact, paper, h100  [default: physical]",
    ),
    click.option("--link-model", help="circuit, fair or flit  [default: the topology's, else the preset's]"),
    click.option("--admission", help="work_conserving, head_only or early_booking  [default: the preset's]"),
    click.option("--wait-queue", help="sorted or artifact_heap  [default: the preset's]"),
    click.option("--seed", type=int, help="Seed of a generated trace  [default: 1]"),
    topology_sets,
    click.option("--engine", help="kernel, or plain: the Python twin  [default: kernel]"),
    click.option("--allow-code", is_flag=True, default=None, help="Import code that the YAML names."),
]


threads_option = click.option(
    "--threads",
    default=1,
    show_default=True,
    type=click.IntRange(1, 1024),
    help="Layer-steps of a sample under flit that run side by side; the result is the same for any number.",
)
"""The `--threads` of `run` and `compare`."""


checkpoint_option = click.option(
    "--checkpoint-every",
    "every_s",
    default=60.0,
    show_default=True,
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="How often a run with --out writes how far it is; 0: after every layer-step. Killed, it goes on from there.",
)
"""The `--checkpoint-every` of `run` and `compare`."""


energy_option = click.option(
    "--energy",
    is_flag=False,
    flag_value="own",
    default=None,
    metavar="[NAME]",
    help="Count joules too, by the system's own figures or those of the package NAME (b200 where it has none).",
)
"""The `--energy` of `run`, `compare` and `step`."""


def run_options(function: Any) -> Any:
    """Decorator: add `OPTIONS` to a command."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function
