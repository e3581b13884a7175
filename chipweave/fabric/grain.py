"""Grain of a network under flit: which `auto` takes, and how long a message of one fine flit is under way.

A coarser network is cheaper by about its grain and answers within a percent or two where messages keep many flits and
links many cycles (docs/guide/link_models.md). Requests would each become a whole coarse flit, so they go beside the
routers, by the latency of an empty network.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from statistics import median_low
from typing import Any

import numpy as np

from chipweave.noc.router import Router
from chipweave.noc.router_yaml import GRAINS

# Flits of a median message and cycles of a link's latency that `auto` keeps: measured, docs/guide/link_models.md
SLOTS, ON_A_LINK = 250, 3


@dataclass(frozen=True)
class Alone:
    """A message of one fine flit takes `base` + the sum of `link[i]` over its route, in fine cycles."""

    base: int
    link: list[int]


def choose(fine: Any, sizes: list[int], flits_per_byte: Fraction) -> int:
    """The grain that `auto` stands for: the largest with SLOTS slots in a median message and ON_A_LINK on a link.

    1 where no size of a message of several flits is known before the run.

    Args:
        fine: the chipweave.noc.network.FlitNetwork of grain 1.
        sizes: bytes of the messages that are known before the run.
        flits_per_byte: fine ones, efficiency included.
    """
    flits = [float(size * flits_per_byte) for size in sizes]
    long = [each for each in flits if each > 1]
    if not long or not len(fine.network.links):
        return 1
    shortest = int(fine.network.links.rows[:, 4].min())
    bears = min(median_low(long) / SLOTS, shortest / ON_A_LINK)
    return max(int(k) for k in GRAINS if k == "1" or (k != "auto" and int(k) <= bears))


def alone(topology_network: Any, fine_latency: np.ndarray, router: Router) -> Alone:
    """The formula of a network of the topology; its endpoints are routers, or terminals of routers by links."""
    constant, each = unloaded(router)
    ends = topology_network.terminals is not None
    base = constant - each if ends else constant + each + 2  # terminals: their links are in the route, one router less
    return Alone(base, [int(cycles) + each for cycles in fine_latency.tolist()])


@lru_cache
def unloaded(router: Router) -> tuple[int, int]:
    """(constant, per router) of the cycles of a one-flit packet through empty routers, links and terminals apart.

    Measured on lines of two and three such routers, so that it holds for every router there is; 4 a router with the
    default delays.
    """
    from chipweave.fabric.noc import replay
    from chipweave.noc.routing import grid

    times = []
    for routers in (2, 3):
        [(_, arrived, _)] = replay(grid([routers], wrap=False), router, [(0, routers - 1, 1, 0)])
        times.append(arrived - (routers - 1) - 2)  # links and both terminals have a cycle each
    each = times[1] - times[0]
    return times[0] - 2 * each, each
