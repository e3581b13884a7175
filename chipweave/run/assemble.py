"""A system and its work -> a fabric that runs: layout, chains, wires.

The system (chipweave.topology) says which parts there are and how they are joined; the parts say what they do
(`declare`, `publish`). Nothing here knows a kind.
"""

from chipweave.chain.layout import Layout, Link
from chipweave.component.controller import Controller
from chipweave.component.staged import Staged
from chipweave.errors import BadInput
from chipweave.fabric import build
from chipweave.noc import network as flit_network


def assemble(system, groups, work, admission, wait_queue, link_model, engine, **switches):
    """(fabric, layout) of a system whose replicas are gathered; `link_model` None: as the topology says."""
    layout = Layout()
    for network in system.networks.values():
        add_network(layout, system, network, link_model)
    staged = [part for part in groups if isinstance(part, Staged)]
    for part in staged:
        for replica in part.replicas:
            replica.layout = layout
        part.declare(layout, work)
    for part in staged:
        part.publish(layout)
    if not layout.chains:
        raise BadInput("no part of the topology publishes a chain: nothing would ever be moved")
    return build(layout, admission=admission, wait_queue=wait_queue, engine=engine, **switches), layout


def add_network(layout, system, network, link_model):
    """The network of the topology under the run's link model; its endpoints find it as `part.networks[port]`."""
    edges = network.graph.edges
    links = [
        Link(f"{a} -> {b}", network.rank[a], network.rank[b], edges[a, b]["latency_ps"], edges[a, b]["bandwidth"])
        for a, b in network.links
    ]

    def routes(source, target):
        return [network.link_index[link] for link in network.route(source, target)]

    model = link_model or network.link_model
    options = {"flit": lambda classes: flit_network.of(network, classes)} if model == "flit" else {}
    made = layout.network(
        network.name, model, len(network.endpoints), links, routes, directed=network.duplex == "directed", **options
    )
    for number, name in enumerate(network.endpoints):
        part = system.parts.get(name)
        if part is None:
            continue
        if part.die != number:
            raise BadInput(
                f"{name} is die {part.die} and endpoint {number} of network {network.name}: dies are numbered by columns, so must the network be"
            )
        part.networks[network.port] = made


def wires(system):
    """{(part, port): [(peer, peer's port, latency ps, bandwidth), ...]} between controllers, peers by die."""
    found = {}
    for start, end, wire in system.wires():
        start, end = system.parts[start], system.parts[end]
        if isinstance(start, Controller) and isinstance(end, Controller):
            here, there = wire["ports"]
            found.setdefault((start, here), []).append((end, there, wire["latency_ps"], wire["bandwidth"]))
            found.setdefault((end, there), []).append((start, here, wire["latency_ps"], wire["bandwidth"]))
    for ends in found.values():
        ends.sort(key=lambda end: end[0].die)
    return found
