"""A network as a region of another one: `regions: [{network: rows}, {network: columns}]` of shape `joined`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chipweave.declare.yamlfile import Node
from chipweave.noc.wiring import Own, Region
from chipweave.topology.network_settings import OF_LINKS, SETTINGS

if TYPE_CHECKING:
    from chipweave.topology.networks import NetworkMaker


def named_regions(network: Node) -> list[Node]:
    """The names of the networks that are regions of the one that this Node describes."""
    regions = network.get("regions") if network.is_map else None
    items = regions.value if regions is not None and regions.is_list else []
    return [item.value["network"] for item in items if item.is_map and item.get("network") is not None]


def open_region(whole: NetworkMaker, name: Node) -> Region | None:
    """The network of this name as a region of the network `whole`; None after a fault."""
    other = whole.others.get(name.text) if name.is_scalar else None
    if other is None or other.open or other is whole:
        known = ", ".join(n for n in whole.others if n != whole.name)
        whole.faults.add(f"region {name.text!r} of network {whole.name!r} is no other network", name.place, known)
        return None
    for key, node in other.node.value.items() if other.node.is_map else ():
        if key == "router" or (key in SETTINGS and key not in OF_LINKS):
            what = f"network {name.text}: {key} is not read, since it is a region of network {whole.name}"
            whole.faults.add(what, other.node.keys.get(key, node.place), f"networks.{whole.name}.{key}")
    other.taken_as = whole.taken_as
    return as_region(other)


def as_region(maker: NetworkMaker) -> Region | None:
    """The links of a network with all that they say, without routes; None after a fault."""
    before, maker.open = len(maker.faults.found), True
    made = maker.links()
    maker.open = False
    if made is None or len(maker.faults.found) > before:
        return None
    port, places, wiring, links, _ = made
    says = zip(links.src.tolist(), links.dst.tolist(), links.latency_ps.tolist(), links.rate.tolist(), strict=True)
    one = {(a, b): (ps, links.rates[rate]) for a, b, ps, rate in says}
    rows = [
        (a, b, Own(*figures, one_way=one.get((b, a)) != figures))
        for (a, b), figures in one.items()
        if a < b or one.get((b, a)) != figures
    ]
    return Region(places.names, tuple(f"{maker.name}.{r}" for r in wiring.routers), port, tuple(rows))
