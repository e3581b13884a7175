"""Statistics of the links of a network, and the locks of links that are held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chipweave.chain.nouns import Network


@dataclass
class LinkStatistics:
    """int64 arrays over links (the order of `Network.links`); `bins` is [bin, link, (bytes, busy ps, stalled ps)]."""

    bytes: np.ndarray
    busy_ps: np.ndarray
    stalled_ps: np.ndarray
    bin_ps: int
    bins: np.ndarray


def lock_numbers(network: Network) -> list[int]:
    """The lock of each link, numbered from 0: undirected, all links between a pair of routers share one."""
    numbers: dict[int | frozenset[int], int] = {}
    for i, link in enumerate(network.links):
        numbers.setdefault(i if network.directed else frozenset((link.source, link.target)), len(numbers))
    return [
        numbers[i if network.directed else frozenset((link.source, link.target))]
        for i, link in enumerate(network.links)
    ]
