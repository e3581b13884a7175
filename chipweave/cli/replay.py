"""`chipweave replay`: listed packets through one network."""

from __future__ import annotations

from typing import Any

import click

from chipweave.cli._run_options import network_sets


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("topology")
@click.argument("packets", metavar="PACKETS.csv")
@network_sets
@click.option(
    "--csv",
    "csv_path",
    metavar="FILE",
    default="-",
    show_default=True,
    help="Where the list goes; - for standard output.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="Coin for equally short ways on a torus; 0: always up.",
)
@click.option("--network", help="Which network, where the topology has several.")
@click.option("--allow-deadlock", is_flag=True, help="Run routes that can deadlock.")
@click.option("--allow-code", is_flag=True, help="Import code that the topology names.")
@click.option("--debug", is_flag=True, hidden=True)
def command(
    topology: Any,
    packets: Any,
    sets: Any,
    csv_path: Any,
    seed: Any,
    network: Any,
    allow_deadlock: Any,
    allow_code: Any,
    debug: Any,
) -> None:
    """Inject the packets of PACKETS.csv (src,dst,size,ctime) and list their itime, atime and hops."""
    import sys

    from chipweave.io.atomic import replacing
    from chipweave.io.console import note
    from chipweave.io.outputs import check_text
    from chipweave.io.watched import watched
    from chipweave.traffic import network_of as routing_system
    from chipweave.traffic import replay

    check_text(csv_path, ",".join(replay.LISTED), "list of replayed packets")
    made = routing_system.load_flit(topology, sets, allow_code, network)
    net, router = made.network, made.router
    routing_system.prove(made, allow_deadlock)
    listed = replay.read(packets, net.endpoints, router)
    arrivals = watched(lambda: replay.run(net, router, listed, seed))
    if csv_path == "-":
        replay.write(sys.stdout, listed, arrivals)
    else:
        with replacing(csv_path) as file:
            replay.write(file, listed, arrivals)
    last = max((a[1] for a in arrivals), default=0)
    note(f"{len(listed)} packets, last arrival in cycle {last}")
