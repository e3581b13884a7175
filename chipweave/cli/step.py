"""`chipweave step`: one step of a model on a server, its parts and what it spends its time on."""

from __future__ import annotations

from typing import Any

import click

from chipweave.cli._run_options import energy_option


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("system")
@click.option("--model", required=True, help="A preset, or the path of a Hugging Face config.json.")
@click.option("--batch", required=True, type=click.IntRange(1, 1 << 20), help="Sequences, over all replicas.")
@click.option("--context", required=True, type=click.IntRange(1, 1 << 24), help="Tokens that each sequence sees.")
@click.option(
    "--prefill", is_flag=True, help="Compute the prompts of CONTEXT tokens; without it, one new token a sequence."
)
@click.option("--parallel", "ways", default="", metavar="tp=8,ep=8,dp=1,pp=1", help="Ranks; what is left out is 1.")
@click.option(
    "--precision",
    "formats",
    default="bf16",
    show_default=True,
    help="bf16, fp8, fp8_block, fp4, int4, nvfp4; dense=, experts=, kv= apart.",
)
@click.option("--framework", default="vllm", show_default=True, help="Whose kernels: vllm, sglang, trtllm, deepseek.")
@click.option(
    "--schedule",
    default="plain",
    show_default=True,
    help="plain, shared_beside, shared_beside_decode, two_batches, or a file.",
)
@click.option(
    "--balance",
    default="popular",
    show_default=True,
    help="Tokens over experts: popular, replicated, forced, trace:NAME.",
)
@click.option("--strategy", help="On a composed system: how experts are placed, read and copied.  [default: ep]")
@click.option("--link-model", help="On a composed system: circuit, fair, flit.  [default: the preset's]")
@click.option("--preset", help="On a composed system: its preset of behaviour.  [default: physical]")
@click.option("--json", "json_path", metavar="FILE", help="Write the parts as JSON; - for standard output.")
@click.option(
    "--picture", type=click.Path(dir_okay=False), help="Draw what the step spends its time on (SVG, PNG, PDF)."
)
@energy_option
@click.option("--debug", is_flag=True, hidden=True)
def command(
    system: Any,
    model: Any,
    batch: Any,
    context: Any,
    prefill: Any,
    ways: Any,
    formats: Any,
    framework: Any,
    schedule: Any,
    balance: Any,
    strategy: Any,
    link_model: Any,
    preset: Any,
    json_path: Any,
    picture: Any,
    energy: Any,
    debug: Any,
) -> None:
    """Time one step of a MODEL on SYSTEM: every layer's kernels and messages, composed by a schedule."""
    from chipweave.errors import BadInput, Fault
    from chipweave.io.outputs import check_document, check_picture
    from chipweave.serving import report, why

    check_document(json_path)
    check_picture(picture)
    under = (strategy, link_model, preset)
    words = (system, model, ways, formats, framework, schedule, balance, batch, context, prefill, *under)
    run = dict(zip(why.STEP, words, strict=True))
    made, work = why.made_of(run)
    if energy and made.kernels.composed:
        what = f"joules of a step on {system}: events of simulated experts are not metered in a step"
        allowed = f"chipweave compare --topology {made.kernels.server.composed} --energy, for its experts"
        raise BadInput(Fault(what, allowed=allowed))
    step = made.step(work)
    joules = None
    if energy:
        from chipweave import topology
        from chipweave.kernel_models.boards import board_for
        from chipweave.serving import energy as metered

        board, _, inherited = board_for(topology.load(made.kernels.server.die), energy)
        joules = metered.document(made, work, step, board, inherited)
    report.write(step, made, work, run, json_path, picture, joules)
