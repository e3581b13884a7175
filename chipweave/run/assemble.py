"""A system and its work -> a fabric that runs: layout, chains, wires.

The system (chipweave.topology) says which parts there are and how they are joined; the parts say what they do
(`declare`, `publish`). Nothing here knows a kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chipweave.chain.branches import settle_starts
from chipweave.chain.layout import Layout, Link
from chipweave.component.controller import Controller
from chipweave.component.staged import Staged
from chipweave.declare import registry
from chipweave.errors import BadInput, Fault
from chipweave.fabric import build
from chipweave.fabric.sends import efficiency
from chipweave.noc.graph_network import Network
from chipweave.noc.spread import Bundles, together, way_of


def assemble(
    system: Any,
    groups: list[Any],
    work: Any,
    admission: str,
    wait_queue: str,
    link_model: str | None,
    engine: str,
    alter: Any = None,
    **switches: Any,
) -> tuple[Any, Layout]:
    """(fabric, layout) of a system whose replicas are gathered; arguments are those of `laid_out` and of build()."""
    layout = laid_out(system, groups, work, link_model, alter)
    return build(layout, admission=admission, wait_queue=wait_queue, engine=engine, **switches), layout


def laid_out(system: Any, groups: list[Any], work: Any, link_model: str | None, alter: Any = None) -> Layout:
    """The layout of a system whose replicas are gathered; `link_model` None: as the topology says.

    alter  changes links and layout before they are built (chipweave.run.why.ideal), or None
    """
    check_wires(system)
    layout = Layout()
    for network in system.networks.values():
        add_network(layout, system, network, link_model, alter)
    staged = [part for part in groups if isinstance(part, Staged)]
    for part in staged:
        for member in part.members:
            member.layout = layout
        part.declare(layout, work)
    for part in staged:
        layout.publisher = part
        part.publish(layout)
    for part in staged:
        layout.publisher = part
        part.carry(layout, work)
    layout.publisher = None
    if not layout.chains:
        raise BadInput("no part of the topology publishes a chain: nothing would ever be moved")
    settle_starts(layout)
    for name in sorted({wire["over"] for *_, wire in system.wires() if "over" in wire}):
        publish_control(layout, name)
    operands = {name for chain in layout.chains.values() for name in chain.operands}
    layout.usual = {name: getattr(work, name) for name in operands if isinstance(getattr(work, name, None), int)}
    if alter:
        alter.layout(layout, groups)
    return layout


def check_wires(system: Any) -> None:
    """BadInput where a wire by which parts read from one another has a latency of its own: no run would read it."""
    faults: dict[Any, Fault] = {}
    for ((a, port), (b, other), settings), place in zip(system.joined, system.joined_at, strict=True):
        start, end = system.parts[a], system.parts[b]
        data = isinstance(start, Staged) and isinstance(end, Staged) and not hasattr(end, f"on_{other}")
        if data and settings["latency_ps"]:
            what = f"{a}.{port} to {b}.{other}: reads take the times of these parts, and not this latency and bandwidth"
            faults.setdefault(place, Fault(what, place, "latency: included, and the time in a parameter of the parts"))
    if faults:
        raise BadInput(list(faults.values()))


def publish_control(layout: Layout, name: str) -> None:
    """The chain of messages of control over a network: they share its links with all that is sent there.

    Data says which share of a link's bandwidth long messages reach; without data, or where links are held, it is all.
    """
    network = next(n for n in layout.parts["networks"] if n.name == name)
    shared = not registry.link_models.find(network.model).held
    chain = layout.chain(control_chain(name), ("sender", "receiver", "message_bytes"))
    layout.chains[control_chain(name)].control = True
    share = efficiency(layout, network) if shared else 1
    chain.send("message", network, "sender", "receiver", "message_bytes", efficiency=share)


def control_chain(network: str) -> str:
    """The name of the chain of messages of control over a network."""
    return f"control over {network}"


def add_network(layout: Layout, system: Any, network: Network, link_model: str | None, alter: Any = None) -> None:
    """The network of the topology under the run's link model; its endpoints find it as `part.networks[port]`.

    alter: changes latency and bandwidth of links for what-if runs. Where packets are spread over several ways, parallel
    links are one bundle of their summed rate, or a message takes all its ways at once (chipweave.noc.spread).
    """
    model = link_model or network.link_model
    spread = together(network, model)
    bundles = spread if isinstance(spread, Bundles) else None
    ways = spread if isinstance(spread, int) else 1
    rates = bundles.rates(network.bandwidth) if bundles else network.bandwidth
    given = zip(network.src.tolist(), network.dst.tolist(), network.latency_ps.tolist(), rates, strict=True)
    ends = [(a, b, *(alter.link(ps, rate) if alter else (ps, rate))) for a, b, ps, rate in given]
    links = [Link(f"{network.nodes[a]} -> {network.nodes[b]}", a, b, ps, rate) for a, b, ps, rate in ends]

    parts = [system.parts[name] for name in network.endpoints if name in system.parts]
    place = endpoints_of(network, parts)

    def routes(source: int, target: int) -> list[int]:
        start, end = place[source], place[target]
        if start is None or end is None:
            return []
        if ways > 1:
            return [link for way in range(ways) for link in network.link_route(start, end, way)]
        return network.link_route(start, end, way_of(network, start, end))

    def dealt(source: int, target: int) -> list[list[int]]:
        """The links of each way that packets are dealt to in turn."""
        start, end = place[source], place[target]
        if start is None or end is None:
            return []
        return [network.link_route(start, end, way) for way in range(network.ways)]

    options = registry.link_models.find(model).options(network)
    if network.ways > 1 and network.spread in ("packet", "message"):
        options["dealt"] = dealt
    if place != list(range(len(network.endpoints))):
        options["endpoint_of"] = tuple(-1 if number is None else number for number in place)
    if bundles:
        options["bundles"] = bundles
    if ways > 1:
        options["ways"] = ways
    made = layout.network(
        network.name, model, len(place), links, routes, directed=network.duplex == "directed", **options
    )
    layout.seats[network.name] = {network.endpoints[at]: n for n, at in enumerate(place) if at is not None}
    others: dict[Any, list[int]] = {}
    for part in parts:
        if isinstance(part, Staged) and part.die is not None:
            others.setdefault(part.members[0], []).append(part.die)
    for part in parts:
        port = next(p for p in part.ports if p in network.port.split("/"))
        if port in part.networks:
            raise BadInput(f"{part.name}.{port} takes part in {part.networks[port].name} and in {network.name}")
        part.networks[port], part.others[port] = made, others


def endpoints_of(network: Network, parts: Sequence[Any]) -> list[int | None]:
    """[endpoint of each die, None where it has none] of a network of dies, then those of parts of control that have a
    seat of their own; of any other network its own numbers.

    BadInput where two parts of one die join: the die would have two addresses.
    """
    if not any(isinstance(part, Staged) and part.die is not None for part in parts):
        return list(range(len(network.endpoints)))
    place: list[int | None] = [None] * parts[0].dies
    for number, part in enumerate(parts):
        if not isinstance(part, Staged):
            place.append(number)
        if not isinstance(part, Staged) or part.die is None:
            continue
        there = place[part.die]
        if there is not None:
            raise BadInput(
                f"{part.name} and {network.endpoints[there]} are of one die and both endpoints of network "
                f"{network.name}: a network has one endpoint for each die; join the others to a network of their own"
            )
        place[part.die] = number
    return place


def way_over(layout: Layout, wire: dict[str, Any], start: Any, end: Any) -> tuple[str, int, int] | None:
    """(chain, endpoint, endpoint of the other part) of a wire that leads over a network; None of any other."""
    if "over" not in wire:
        return None
    seats = layout.seats[wire["over"]]
    return control_chain(wire["over"]), seats[start.name], seats[end.name]


def wires(system: Any, layout: Layout) -> dict[tuple[Any, str], list[tuple[Any, ...]]]:
    """{(part, port): [(peer, peer's port, latency ps, bandwidth, way), ...]} between controllers, peers by die; see
    `chipweave.run.clock.Simulation`."""
    found: dict[tuple[Any, str], list[tuple[Any, ...]]] = {}
    for start, end, wire in system.wires():
        start, end = system.parts[start], system.parts[end]
        if isinstance(start, Controller) and isinstance(end, Controller):
            here, there = wire["ports"]
            figures = wire["latency_ps"], wire["bandwidth"]
            found.setdefault((start, here), []).append((end, there, *figures, way_over(layout, wire, start, end)))
            found.setdefault((end, there), []).append((start, here, *figures, way_over(layout, wire, end, start)))
    for ends in found.values():
        ends.sort(key=lambda end: -1 if end[0].die is None else end[0].die)
    return found
