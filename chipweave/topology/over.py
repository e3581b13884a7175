"""Wires that lead over a network: `{between: [cp.launch, die.cp.launch], over: control}`.

Both parts take part in the network. A message is sent through it by the route between them, under the network's link
model and among all else that is sent there (chipweave.run.clock.Way). The wire's own figures are those of an empty
network: its latency is the sum of those on the route, its bandwidth the least there.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from chipweave.errors import nearest
from chipweave.noc.graph_network import Network
from chipweave.topology.links import Wirer


def resolve(networks: dict[str, Network], named: Collection[str], regions: Collection[str], wirer: Wirer) -> None:
    """Give each wire that leads over a network the figures of its route; faults go to the wirer.

    named: all networks that the files name, made or not; regions: those that are parts of others.
    """
    whole = [name for name in named if name not in regions]
    for number, (user, provider, settings) in enumerate(wirer.wires):
        if "over" not in settings:
            continue
        place, name = wirer.places[number], settings["over"]
        if name not in whole:
            what = f"network {name} is a region of another" if name in regions else f"no network is called {name!r}"
            wirer.say(what, place, ", ".join(whole), nearest(name, whole))
        elif name in networks:  # it could be made
            network = networks[name]
            missing = [part for part, _ in (user, provider) if part not in network.place_of]
            if missing:
                cure = f"joins of {name} with a port of {missing[0]} that uses a network"
                wirer.say(f"{missing[0]} takes no part in network {name}, which this link leads over", place, cure)
            elif not wirer.faults.found:  # some routes may not be there
                wirer.wires[number] = user, provider, figures(network, user[0], provider[0])


def figures(network: Network, start: str, end: str) -> dict[str, Any]:
    """{latency_ps, bandwidth, over} of the route between two endpoints."""
    route = network.link_route(network.number(start), network.number(end))
    latency = sum(int(network.latency_ps[link]) for link in route)
    least = min((network.bandwidth[link] for link in route), default=None)
    return {"latency_ps": latency, "bandwidth": least, "over": network.name}
