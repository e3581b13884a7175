"""Statistics of the links of a network, and the locks of links that are held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chipweave.chain.nouns import LayoutNetwork


@dataclass
class LinkStatistics:
    """int64 arrays over links (the order of `LayoutNetwork.links`); `bins` is [bin, link,
    (bytes, busy ps, stalled ps)].

    Bytes are those of messages, without heads, padding and what the efficiency of a link adds. `wire` is
    [bin, link], bytes of flits; None under link models that have none.
    """

    bytes: np.ndarray
    busy_ps: np.ndarray
    stalled_ps: np.ndarray
    bin_ps: int
    bins: np.ndarray
    wire: np.ndarray | None = None

    @classmethod
    def of_flits(cls, counted: LinkStatistics, payload: list[int] | None, sent: int, on_wire: int) -> LinkStatistics:
        """Statistics whose bytes are `payload`, of such whose bytes are those on the wire.

        Args:
            counted: bytes are flits x bytes of a flit.
            payload: bytes of messages of each link; None where routes are chosen on the way: then every link has its
                wire bytes' share of `sent`, rounded down (an estimate: flits of all messages are taken to be alike).
            sent: bytes of all messages.
            on_wire: bytes of all their flits.

        Over time both move in proportion, rounded down in each bin's sum so that nothing is lost.
        """
        wire = counted.bins[:, :, 0]
        crossed = wire.cumsum(axis=0).astype(object)  # products pass 64 bits
        total = crossed[-1] if len(crossed) else np.zeros(wire.shape[1], object)
        held = np.array(payload, object) if payload is not None else total * sent // max(1, on_wire)
        upto = crossed * held // np.maximum(total, 1)
        bins = counted.bins.copy()
        bins[:, :, 0] = np.diff(upto, axis=0, prepend=0).astype(np.int64)
        return cls(bins[:, :, 0].sum(axis=0), counted.busy_ps, counted.stalled_ps, counted.bin_ps, bins, wire.copy())


def keeps_to_routes(network: Any) -> bool:
    """Whether packets of a chipweave.noc.routing.RouterGraph all take the one route of their pair."""
    return network.minimal is None and (network.ways == 1 or network.spread == "pair")


def lock_numbers(network: LayoutNetwork) -> list[int]:
    """The lock of each link, numbered from 0: undirected, all links between a pair of routers share one."""
    numbers: dict[int | frozenset[int], int] = {}
    for i, link in enumerate(network.links):
        numbers.setdefault(i if network.directed else frozenset((link.source, link.target)), len(numbers))
    return [
        numbers[i if network.directed else frozenset((link.source, link.target))]
        for i, link in enumerate(network.links)
    ]
