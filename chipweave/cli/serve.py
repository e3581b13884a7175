"""`chipweave serve`: requests on a server, and how long they take."""

from __future__ import annotations

from typing import Any

import click

COVERS = (
    "all requests, from the first arrival to the last token; first token: from arrival, prefill included; per output "
    "token, between tokens: those after the first; output: tokens made, the first of each request too, prompts not"
)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run", type=click.Path(exists=True, dir_okay=False))
@click.option("--json", "json_path", metavar="FILE", help="Write the result as JSON; - for standard output.")
@click.option(
    "--requests", "requests_path", type=click.Path(dir_okay=False), help="Write every request's times as CSV."
)
@click.option("--picture", type=click.Path(dir_okay=False), help="Draw latencies and the queue (SVG, PNG, PDF).")
@click.option("--allow-code", is_flag=True, help="Import code that the run names.")
@click.option("--debug", is_flag=True, hidden=True)
def command(run: Any, json_path: Any, requests_path: Any, picture: Any, allow_code: Any, debug: Any) -> None:
    """Play the requests of RUN.yaml on a server: batching, prompts in chunks, cache blocks, preemption."""
    from chipweave.io.atomic import write_json
    from chipweave.io.outputs import check_document, check_picture, check_text
    from chipweave.serving import serve, served

    check_document(json_path)
    check_text(requests_path, served.HEADER, "table of served requests")
    check_picture(picture)

    def left(world: Any) -> None:
        if requests_path:
            served.write(world, requests_path)
        if picture:
            served.draw(world, picture)

    result = serve.play(serve.read(run, allow_code), left)
    if json_path:
        write_json(json_path, result)
    if json_path != "-":
        _show(result)


def _show(result: Any) -> None:
    """The result on the terminal: latencies with their median and tail, rates, and what each engine did."""
    from chipweave.io.console import say
    from chipweave.topology.inherited import in_words

    lines = [f"{result['requests']:,} requests in {result['seconds']:,.1f} s on {result['gpus']} GPUs"]
    for key, words in (
        ("ttft_ms", "first token"),
        ("queue_ms", "of it queued"),
        ("tpot_ms", "per output token"),
        ("itl_ms", "between tokens"),
    ):
        v = result[key]
        if v["mean"] is not None:
            lines.append(f"  {words:<17} mean {v['mean']:10,.1f} ms   p50 {v['p50']:10,.1f}   p99 {v['p99']:10,.1f}")
    lines.append(
        f"  output {result['output_tokens_per_s']:,.0f} tokens/s, {result['output_tokens_per_s_per_gpu']:,.1f} a GPU"
    )
    for e in result["engines"]:
        reused = e["step_shapes_reused"] / max(1, e["steps"])
        lines.append(
            f"  {e['does']}: {e['steps']:,} steps, busy {e['busy']:.0%}; {reused:.0%} "
            f"of step times reused, error at most {e['largest_error_of_reuse']:.2%}; "
            f"cache {e['kv_blocks_peak']:,} of {e['kv_blocks']:,} blocks, {e['preemptions']:,} preemptions"
        )
    for c in result["composed"]:
        lines.append(
            f"  experts and moving tokens: {c['simulated']} sizes of a step simulated on {c['topology']}, "
            f"{c['strategy']}, links {c['link_model']}, {c['admission']} "
            f"(preset {c['preset']}), trace {c['trace']['name']}"
        )
    if result["inherited"]:
        lines.append(f"  It rests on figures of another device: {in_words(result['inherited'])}.")
    lines.append(COVERS)
    say("\n".join(lines))
