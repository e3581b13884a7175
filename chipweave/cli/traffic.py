"""`chipweave traffic`: synthetic traffic on one network."""

from __future__ import annotations

from typing import Any

import click

from chipweave.cli._run_options import network_sets


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("topology")
@click.option(
    "--pattern",
    default="uniform",
    show_default=True,
    help=(
        "uniform, transpose, bitcomp, bitrev, shuffle, tornado, neighbor, asymmetric, "
        "diagonal, hotspot({{ids},{weights}}), permutation(FILE), table(FILE)."
    ),
)
@click.option(
    "--load",
    "loads",
    multiple=True,
    required=True,
    help="Flits per endpoint and cycle; several, 0.1,0.2,0.3, make a latency-load curve.",
)
@click.option("--packet-flits", default="1", show_default=True, help="Packet size in flits, or several: 1,5.")
@click.option("--packet-weights", help="Weights of the sizes, per packet: 3,1; the last one holds for the rest.")
@click.option("--injection", default="bernoulli", show_default=True, help="bernoulli or on_off(alpha,beta[,rate]).")
@click.option(
    "--warmup", type=click.IntRange(0, 10**12), default=1000, show_default=True, help="Cycles before measuring."
)
@click.option("--cycles", type=click.IntRange(1, 10**12), default=10_000, show_default=True, help="Measured cycles.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=1, show_default=True)
@click.option(
    "--threads",
    default=1,
    show_default=True,
    type=click.IntRange(1, 1024),
    help="Loads that run side by side; the result is the same for any number.",
)
@network_sets
@click.option("--network", help="Which network, where the topology has several.")
@click.option("--picture", type=click.Path(dir_okay=False), help="Draw the curve of several loads (SVG, PNG, PDF).")
@click.option("--json", "json_path", metavar="FILE", help="Write the result as JSON; - for standard output.")
@click.option(
    "--links",
    "links_path",
    metavar="FILE",
    help="Write every link as JSON: flits, busy, idle, stalls, over time, and its hottest flows.",
)
@click.option("--allow-deadlock", is_flag=True, help="Run routes that can deadlock.")
@click.option("--allow-code", is_flag=True, help="Import code that the topology names.")
@click.option("--debug", is_flag=True, hidden=True)
def command(
    topology: Any,
    pattern: Any,
    loads: Any,
    packet_flits: Any,
    packet_weights: Any,
    injection: Any,
    warmup: Any,
    cycles: Any,
    seed: Any,
    threads: int,
    sets: Any,
    network: Any,
    picture: Any,
    json_path: Any,
    links_path: Any,
    allow_deadlock: Any,
    allow_code: Any,
    debug: Any,
) -> None:
    """Synthetic traffic: warm-up, measurement and drain; a saturated network is a result."""
    from chipweave.io.atomic import write_json
    from chipweave.io.outputs import check_document, check_picture
    from chipweave.traffic import network_of as routing_system
    from chipweave.traffic import report as show
    from chipweave.traffic import synthetic as traffic

    check_picture(picture)
    loads = traffic.loads_of(loads)
    check_document(json_path)
    check_document(links_path)
    made = routing_system.load_flit(topology, sets, allow_code, network)
    net, router = made.network, made.router
    routing_system.prove(made, allow_deadlock)
    options = dict(
        packet_flits=packet_flits,
        weights=packet_weights,
        injection=injection,
        warmup=warmup,
        cycles=cycles,
        seed=seed,
        watch=show.watching(f"{topology}, {pattern}") if threads == 1 else None,
        threads=threads,
    )
    if links_path:
        rows, links = traffic.curve_with_links(net, router, pattern, loads, flit_bytes=made.flit_bytes, **options)
        write_json(links_path, links[0] if len(links) == 1 else links)
    else:
        rows = traffic.curve(net, router, pattern, loads, **options)
    show.traffic(rows, f"{topology}, {pattern}", to_stderr=json_path == "-")
    if picture:
        traffic.draw_curve(rows, picture, f"{topology}, {pattern}")
    if json_path:
        documents = [{k: v for k, v in row.items() if k != "load"} for row in rows]
        write_json(json_path, documents[0] if len(rows) == 1 else documents)
