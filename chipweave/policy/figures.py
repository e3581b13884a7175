"""The system's own figures as arrays, for policies: per die, and per pair of dies.

view.costs.dies.compute              # float64 [D] flop/s, 0 where a die computes nothing
view.costs.dies.route_latency_ps     # int64 [D, D]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heappop, heappush
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class DieFigures:
    """What each die and each route can do, without any efficiency. D dies, numbered as plans number them.

    compute           float64 [D], flop/s; 0: no work may be given to the die
    hbm_bandwidth     float64 [D], bytes/s of all its memories
    hbm_latency_ps    int64 [D], of one access (of several memories the longest)
    hbm_bytes         int64 [D], what its memories hold
    routes            called once, on first use: (int64 [D, D] latency in ps, float64 [D, D] bytes/s of the slowest
                      link, infinite on the diagonal), from the row's die to the column's
    links_alike       whether all links have one latency and one rate
    names             the dies' names ("die[0][3]")
    """

    compute: np.ndarray
    hbm_bandwidth: np.ndarray
    hbm_latency_ps: np.ndarray
    hbm_bytes: np.ndarray
    routes: Callable[[], tuple[np.ndarray, np.ndarray]] = field(repr=False)
    links_alike: bool = True
    names: tuple[str, ...] = ()

    @cached_property
    def workers(self) -> np.ndarray:
        """int32 [n]: the dies that compute."""
        return np.flatnonzero(self.compute > 0).astype(np.int32)

    @cached_property
    def alike(self) -> bool:
        """Whether all dies that compute do so at one rate."""
        rates = self.compute[self.workers]
        return bool((rates == rates[:1]).all())

    @cached_property
    def memories_alike(self) -> bool:
        """Whether all dies have the same memory rate and latency."""
        return bool(
            (self.hbm_bandwidth == self.hbm_bandwidth[:1]).all()
            and (self.hbm_latency_ps == self.hbm_latency_ps[:1]).all()
        )

    @cached_property
    def _routes(self) -> tuple[np.ndarray, np.ndarray]:
        return self.routes()

    @property
    def route_latency_ps(self) -> np.ndarray:
        """int64 [D, D]: latencies of all links of the route, added up."""
        return self._routes[0]

    @property
    def route_bandwidth(self) -> np.ndarray:
        """float64 [D, D]: bytes/s of the slowest link of the route; infinite from a die to itself."""
        return self._routes[1]

    @cached_property
    def kept(self) -> dict[str, Any]:
        """What policies have worked out of these figures once: they do not change in a run."""
        return {}

    def turns(self, length: int) -> np.ndarray:
        """int32 [length]: dies in turn, each as often as its share of the compute; equal dies in the order of
        numbers."""
        known = self.kept.get("turns")
        if known is None or len(known) < length:
            known = self.kept["turns"] = np.array(turns_of(self.compute, length), np.int32)
        turns: np.ndarray = known[:length]
        return turns

    def computing_home(self, home: np.ndarray) -> np.ndarray:
        """int32 [E]: each expert's home; where that computes nothing one of the nearest dies that do, experts in
        turn."""
        if len(self.workers) == len(self.compute):
            return home
        out = np.array(home, np.int32)
        for die in np.flatnonzero(self.compute == 0):
            experts = np.flatnonzero(home == die)
            near = self.route_latency_ps[die, self.workers]
            nearest = self.workers[near == near.min()]
            out[experts] = nearest[np.arange(len(experts)) % len(nearest)]
        return out


def turns_of(rates: np.ndarray, length: int) -> list[int]:
    """Whose turn it is, `length` times: the one whose share would be the least fulfilled after it; ties: the number.

    >>> turns_of(np.array([2.0, 1.0, 0.0]), 6)
    [0, 0, 1, 0, 0, 1]
    """
    queue = [(1 / rate, die) for die, rate in enumerate(rates) if rate > 0]
    queue.sort()
    given, out = [0] * len(rates), []
    for _ in range(length):
        _, die = heappop(queue)
        out.append(die)
        given[die] += 1
        heappush(queue, ((given[die] + 1) / float(rates[die]), die))
    return out
