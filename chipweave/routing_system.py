"""From a topology's network to what the flit kernel is told: routers, links in cycles, routes and router options."""

import dataclasses
from fractions import Fraction
from math import ceil

from chipweave.errors import BadInput, Fault
from chipweave.router import SPELLINGS, Router
from chipweave.routing import grid, irregular

ROUTER_FIELDS = {f.name for f in dataclasses.fields(Router)}


def router_of(network):
    """chipweave.router.Router of a system's network."""
    values = {name: value for name, value in network.router.values.items() if name in ROUTER_FIELDS}
    return Router.of(values)


def cycles_of(network, edge):
    """(latency, interval) of a link in cycles of the network's clock, both rounded up to whole cycles.

    Raises BadInput where a link would move more than one flit a cycle: the flit or the clock is too small.
    """
    link, clock = network.graph.edges[edge], Fraction(network.router.clock)
    rate = Fraction(network.router.flit) * clock
    if link["bandwidth"] > rate:
        raise BadInput(Fault(f"network {network.name}: link {edge[0]} -> {edge[1]} moves more than one flit a cycle",
                             allowed=f"router.flit x router.clock of at least {float(link['bandwidth']):.4g} B/s (now {float(rate):.4g})"))
    return max(1, ceil(link["latency_ps"] * clock / 10**12)), max(1, ceil(rate / link["bandwidth"]))


def routers_of(network):
    """chipweave.routing.Network of a system's network: grids by dimension order, anything else by its routes."""
    names = list(network.graph.nodes)
    number = {name: i for i, name in enumerate(names)}
    edges = {(number[a], number[b]): cycles_of(network, (a, b)) for a, b in network.graph.edges}
    x_first_rows = network.order == "rows" and network.routing == "xy"
    if network.shape in ("mesh", "torus") and network.whole and (x_first_rows or len(network.dims) == 1) and min(network.dims) > 2:
        net = grid(tuple(reversed(network.dims)), wrap=network.shape == "torus", name=network.name)
        net.links = [dataclasses.replace(k, latency=edges[k.src, k.dst][0], interval=edges[k.src, k.dst][1]) for k in net.links]
        return net
    seats = [number[e] for e in network.endpoints]
    hops = [[None] * len(seats) for _ in names]
    for source in network.endpoints:
        for target, goal in enumerate(network.endpoints):
            for a, b in network.route(source, goal):
                hops[number[a]][target] = number[b]
    for router, row in enumerate(hops):  # routers no route leaves for an endpoint: any way towards it will do
        for target, step in enumerate(row):
            if step is None and seats[target] != router:
                row[target] = min(b for a, b in edges if a == router)
    return irregular(len(names), edges, seats, hops, name=network.name)


def router_sets(sets, network):
    """`--set` texts with router parameters, bare or by BookSim's spelling, given their full path.

    `num_vcs=8`, `router.vcs=8` and `networks.mesh.router.vcs=8` mean the same; others pass as they are.
    """
    out = []
    for text in sets:
        key, equals, value = text.partition("=")
        name = key.strip().removeprefix("router.")
        name = SPELLINGS.get(name, name)
        if name in ROUTER_FIELDS | {"clock", "flit"}:
            key = f"networks.{network}.router.{name}"
        elif name in ("latency", "bandwidth", "routing", "order", "grid"):
            key = f"networks.{network}.{name}"
        out.append(f"{key}{equals}{value}")
    return out


def load(topology, sets=(), allow_code=False, network=None):
    """(Network, Router) of a topology's network (its only one where none is named).

    Raises BadInput for every fault of the topology, its settings and the router's parameters.
    """
    from chipweave import topology as loader

    names = list(loader.load(topology, allow_code=allow_code).networks)
    if network is None and len(names) != 1:
        raise BadInput(Fault(f"{topology} has {len(names)} networks: name one", allowed=", ".join(names)))
    name = network or names[0]
    system = loader.load(topology, sets=router_sets(sets, name), allow_code=allow_code)
    return routers_of(system.networks[name]), router_of(system.networks[name])
