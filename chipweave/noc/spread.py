"""What goes by which of several equally short ways, for link models whose routes are fixed for a pair.

    none      every pair has one way
    pair      the ways are dealt to the pairs of endpoints
    message   messages take turns under flit; under circuit and fair as `pair`, for a route is that of a pair there
    packet    packets take turns under flit; under circuit and fair a message is carried by all its ways at once

With `packet` a message is cut into equal pieces, one for each way. Where every message uses the links of a bundle (the
links that its ways have in one place) alike, as in front of switch planes, a bundle is one link of their common rate,
and each of its links carries its share of all that the bundle carries: that is exact, and costs what one link does.
Elsewhere (two nodes of several switches, uneven planes) each piece goes its way by itself (chipweave.chain.ways).
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from chipweave.declare.registry import link_models
from chipweave.errors import BadInput, Fault
from chipweave.noc.graph_network import Network

MOST_NODES = 1024  # up to which links without a route are looked for


def together(network: Network, link_model: str) -> Bundles | int | None:
    """How messages take several ways at once under a link model: as `Bundles`, or so many ways by themselves; None: one
    way each.

    BadInput under a link model that takes one way alone, where ways cannot be put together.
    """
    if network.spread != "packet" or network.ways == 1 or link_model == "flit":
        return None
    bundles = Bundles(network)
    if bundles.alike:
        return bundles
    if not link_models.find(link_model).splits:
        raise BadInput(
            Fault(
                f"network {network.name}: spread: packet, and link model {link_model} takes one way alone, where a "
                "network's ways differ in latency or bandwidth, or are not as many for every pair",
                network.written,
                "spread: message or pair; or link_model: circuit, fair or flit",
            )
        )
    return network.ways


class Bundles:
    """The links of a network that spreads its packets, put together.

    Attributes:
        alike: whether every message uses the links of a bundle alike; if not, they cannot be put together.
        first: int64[links], the link that stands for each link's bundle (itself where it is alone).
        size: int64[links], links of the bundle.
    """

    def __init__(self, network: Network) -> None:
        ways = np.stack([network.routes(way)[1] for way in range(network.ways)])
        count = len(network.src)
        self.first, self.size = np.arange(count), np.ones(count, np.int64)
        ordered = np.sort(ways, axis=0)
        distinct = 1 + (ordered[1:] != ordered[:-1]).sum(axis=0)
        self.size[ways[0]] = distinct
        for way in ways:
            self.first[way] = ways[0]
        alike = (self.size[ways[0]] == distinct).all() and all((self.first[way] == ways[0]).all() for way in ways)
        alike &= bool((self.first[self.first] == self.first).all())
        same = (network.rate == network.rate[self.first]).all() & (
            network.latency_ps == network.latency_ps[self.first]
        ).all()
        self.alike = bool(alike and same)
        self.size = self.size[self.first]

    def rates(self, bandwidth: list[Fraction]) -> list[Fraction]:
        """Of each link's bundle."""
        return [Fraction(rate) * n for rate, n in zip(bandwidth, self.size.tolist(), strict=True)]

    def dealt(self, cells: np.ndarray) -> np.ndarray:
        """int64[..., links, 3]: what each link did, of what was counted for the first of its bundle.

        Bytes are dealt to the links, what is left over to the first; all of them are busy, and stalled, together.
        """
        out = cells[..., self.first, :].copy()
        whole = out[..., 0].copy()
        out[..., 0] = whole // self.size
        alone = np.flatnonzero((self.first == np.arange(len(self.first))) & (self.size > 1))
        out[..., alone, 0] += whole[..., alone] % self.size[alone]
        return out


def way_of(network: Network, source: int, target: int) -> int:
    """The way of a pair under `pair` and `message`."""
    if network.spread not in ("pair", "message"):
        return 0
    return (source + (target - source - 1) % network.endpoint_count) % network.ways


def unused(network: Network) -> list[Fault]:
    """Warnings of links and routers on no route of any way; grids and very large networks are not looked through."""
    if network.rule.grid or network.rule.adaptive or network.node_count > MOST_NODES:
        return []
    idle = network.unused()
    if not len(idle):
        return passed_by(network)
    names = [
        network.nodes[i] for i in sorted(set(network.dst[idle].tolist()) - set(np.delete(network.dst, idle).tolist()))
    ]
    shown = ", ".join(
        [f"{network.nodes[network.src[i]]} -> {network.nodes[network.dst[i]]}" for i in idle[:4].tolist()]
    )
    more = f" and {len(idle) - 4} more" if len(idle) > 4 else ""
    way = (
        "spread: packet, pair or message uses all equally short ways" if network.rule.spreads else "another routing may"
    )
    routers = f"; nothing reaches {', '.join(names[:4])}{' and others' if len(names) > 4 else ''}" if names else ""
    what = f"network {network.name}: {shown}{more} are on no route{routers}; {way}"
    return [Fault(what, network.written)]


def passed_by(network: Network) -> list[Fault]:
    """Warnings of endpoints that no route leads through, though routes lead through another with the same neighbours.

    So it is with all spines but one of a fat tree listed by hand, where spines are endpoints like all others."""
    count = network.endpoint_count
    if network.spread != "none" or not network.rule.spreads or network.terminals is not None:
        return []
    starts, links = network.routes()
    target = np.repeat(np.arange(count * count) % count, np.diff(starts))
    through = set(network.dst[links[network.dst[links] != target]].tolist())
    neighbours: list[list[int]] = [[] for _ in range(network.node_count)]
    for a, b in zip(network.src.tolist(), network.dst.tolist(), strict=True):
        neighbours[a].append(b)
    taken = {tuple(sorted(neighbours[node])) for node in through}
    idle = [
        n for n in range(count) if n not in through and len(neighbours[n]) > 1 and tuple(sorted(neighbours[n])) in taken
    ]
    if not idle:
        return []
    names = ", ".join(network.nodes[n] for n in idle[:4]) + (" and others" if len(idle) > 4 else "")
    what = (
        f"network {network.name}: no route leads through {names}, though routes lead through others with the same links"
    )
    return [Fault(f"{what}; spread: packet, pair or message uses all equally short ways", network.written)]
