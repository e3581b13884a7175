"""The links of a network: what its shape wires, each with latency and bandwidth, and overrides laid over them."""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.declare.params import Param, named, read_all
from chipweave.errors import nearest
from chipweave.noc.graph_network import Links
from chipweave.noc.listed import Ends
from chipweave.noc.shape import MAX_LINKS, Reader
from chipweave.noc.wiring import Places, Wiring
from chipweave.topology.overrides import LinkTable, Overrides

TERMINAL = "terminal"
OF_SORT = named(
    {
        "latency": Param("time", default=None, low="1 ps", doc="of links of this sort; the network's where left out"),
        "bandwidth": Param("bandwidth", default=None, low="1 B/s", doc="of links of this sort"),
    }
)


def make_links(reader: Reader, settings: dict[str, Any], places: Places, wiring: Wiring) -> tuple[Links, bool]:
    """(links, whether none of the shape is missing) of a network.

    Terminal links join an endpoint to the router it sits at; they are a sort of their own.
    """
    if len(wiring.pairs) > MAX_LINKS:
        reader.faults.add(f"more than {MAX_LINKS} links", reader.node.place)
        return empty(), False
    nodes = [*places.names, *(f"{reader.name}.{name}" for name in wiring.routers)]
    table = tabulate(settings, read_sorts(reader, wiring), places, wiring, len(nodes))
    twice = table.doubled()
    if twice:
        what = f"network {reader.name!r}: two links lead from {nodes[twice[0]]} to {nodes[twice[1]]}"
        cure = "one link for each pair of neighbours; for a second one a d2d.port on each die"
        reader.faults.add(what, reader.node.place, cure)
        return empty(), False
    override = reader.node.get("override")
    whole = True
    if override is not None:
        whole = Overrides(table, Ends(nodes, places.by_text()), places.dims, reader).apply(override)
    kept = table.there
    links = Links(table.src[kept], table.dst[kept], table.latency_ps[kept], table.rate[kept], tuple(table.rates))
    return links, whole


def empty() -> Links:
    """No links."""
    none = np.empty(0, np.int64)
    return Links(none, none, none, none, ())


def read_sorts(reader: Reader, wiring: Wiring) -> dict[str, dict[str, Any]]:
    """Sort of link -> its own latency and bandwidth, of the key `links`.

    A shape names its sorts (a dragonfly's local and global); "terminal" are the links of endpoints
    to routers where the shape has such. Faults name the sorts that there are.
    """
    node = reader.node.get("links")
    if node is None:
        return {}
    known = (*wiring.sorts, *((TERMINAL,) if wiring.terminals is not None else ()))
    if not node.is_map:
        reader.faults.add(
            f"links must be a mapping of sorts of links, not {node.shape()}", node.place, ", ".join(known) or "none"
        )
        return {}
    found = {}
    for name, values in node.value.items():
        if name not in known:
            what = f"network {reader.name!r} has no links of sort {name!r}"
            reader.faults.add(what, node.keys[name], ", ".join(known) or "none", nearest(name, known))
        elif not values.is_map:
            what = f"links.{name} must be a mapping, not {values.shape()}"
            reader.faults.add(what, values.place, "latency, bandwidth")
        else:
            found[name], sources = read_all(OF_SORT, values, reader.faults, f"links.{name}")
            if name != TERMINAL and (wiring.sort is None or not (wiring.sort == wiring.sorts.index(name)).any()):
                reader.faults.warn(f"network {reader.name} has no link of sort {name!r}", node.keys[name])
            reader.note(values, OF_SORT, sources, f"networks.{reader.name}.links.{name}")
    return found


def tabulate(
    settings: dict[str, Any], sorts: dict[str, dict[str, Any]], places: Places, wiring: Wiring, nodes: int
) -> LinkTable:
    """The links in both directions, with what the network, their sort and they themselves say, in this order.

    Arrays over links: the two directions of pair i are adjacent, a one-way link has one. `rate`
    indexes `rates`, since exact fractions do not fit an array. Terminal links follow the others.
    """
    pairs = wiring.pairs.astype(np.int64)
    latency = np.full(len(pairs), settings["latency"], np.int64)
    rates, rate = [settings["bandwidth"]], np.zeros(len(pairs), np.int64)
    for place, name in enumerate(wiring.sorts if wiring.sort is not None else ()):
        says, mine = sorts.get(name, {}), wiring.sort == place
        if says.get("latency"):
            latency[mine] = says["latency"]
        if says.get("bandwidth"):
            rates.append(says["bandwidth"])
            rate[mine] = len(rates) - 1
    one_way = np.zeros(len(pairs), bool)
    for number, own in wiring.own.items():
        latency[number] = own.latency_ps or latency[number]
        one_way[number] = own.one_way
        if own.bandwidth:
            if own.bandwidth not in rates:
                rates.append(own.bandwidth)
            rate[number] = rates.index(own.bandwidth)
    if wiring.terminals is not None:
        ends, says = np.arange(places.count), sorts.get(TERMINAL, {})
        pairs = np.concatenate([pairs, np.stack([ends, wiring.terminals], axis=1)])
        mine = np.full(places.count, says.get("latency") or settings["latency"], np.int64)
        for endpoint, ps in wiring.terminal_latency_ps.items():
            mine[endpoint] = ps
        rates.append(says.get("bandwidth") or settings["bandwidth"])
        latency, rate = np.concatenate([latency, mine]), np.append(rate, np.full(places.count, len(rates) - 1))
        one_way = np.append(one_way, np.zeros(places.count, bool))
    back = ~one_way
    return LinkTable(
        nodes,
        np.concatenate([pairs[:, 0], pairs[back, 1]]),
        np.concatenate([pairs[:, 1], pairs[back, 0]]),
        np.concatenate([latency, latency[back]]),
        np.concatenate([rate, rate[back]]),
        rates,
    )
