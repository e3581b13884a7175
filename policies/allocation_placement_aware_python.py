"""Algorithm 1 in plain Python: slow, obvious, and equal to the C one bit for bit.

Question   Which dies work on an expert, and on how many of its tokens?
Answer     As allocation_placement_aware.py, whose words and parameters hold here.
Beside     allocation_placement_aware.py
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chipweave.policy import Plan, policy

from .allocation_placement_aware import PlacementAware


@dataclass
class Load:
    """What one die is known to have to do so far, in ns."""

    compute_local: float = 0.0
    compute_remote: float = 0.0
    hbm_local: float = 0.0
    hbm_remote: float = 0.0
    link_in: float = 0.0

    def time(self) -> float:
        return max(max(self.compute_local, self.hbm_local + self.hbm_remote), self.link_in) + self.compute_remote


@policy("allocation.placement_aware_python")
class PlacementAwarePython(PlacementAware):
    """Algorithm 1 in plain Python: slow, obvious, and equal to the C one bit for bit."""

    def allocate(self, view: Any) -> Plan:
        """The Plan of one layer, step by step as Algorithm 1 has it; the C policy must give the same."""
        costs, loads = self.estimate(view.costs), [Load() for _ in range(view.dies)]
        active = [int(e) for e in np.flatnonzero(view.counts)]
        for e in active:
            loads[view.home[e]].hbm_local += costs.memory_ns(view.home[e])
        mean = int(view.counts.sum()) / view.experts
        given = {}
        for e in sorted(active, key=lambda e: (view.counts[e], e)):
            candidates = self.candidates(view, e, mean, loads, costs)
            given[e] = self.give(view, e, candidates, loads, costs)
        entries = [(e, d, n) for e in active for d, n in given[e].items() if n]
        return Plan(*np.array(entries, np.int32).reshape(-1, 3).T.copy())

    def candidates(self, view: Any, e: int, mean: float, loads: list[Load], costs: Any) -> list[tuple[int, bool]]:
        """[(die, holds a part)] in the order that decides ties and issue."""
        ranked: list[tuple[float, int, bool]] = []
        reach = self.distance
        while not ranked and reach <= max(self.distance, view.dies):
            for d in filter(costs.computes, range(view.dies)):
                holder = self.holds(view, e, d)
                if holder:
                    ranked.append((loads[d].time(), d, holder))
                elif self.is_near(view, e, d, reach):
                    ranked.append((loads[d].time() + transfer(view, e, d, costs), d, holder))
            reach += 1
        most = self.dies
        if self.tokens_per_die:
            most = max(most, int(int(view.counts[e]) // max(mean, self.tokens_per_die)))
        return [(d, holder) for _, d, holder in sorted(ranked)[:most]]

    def holds(self, view: Any, e: int, d: int) -> bool:
        return d == view.home[e] or view.holders[e, d] > 0

    def is_near(self, view: Any, e: int, d: int, reach: Any) -> bool:
        anchors = [view.home[e]] if self.near == "home" else [a for a in range(view.dies) if self.holds(view, e, a)]
        return any(view.distance[a, d] <= reach for a in anchors)

    def give(
        self, view: Any, e: int, candidates: list[tuple[int, bool]], loads: list[Load], costs: Any
    ) -> dict[int, int]:
        """die -> tokens, in the order of candidates."""
        left = int(view.counts[e])
        tokens = dict.fromkeys((d for d, _ in candidates), 0)
        while left:
            block = min(left, self.block)
            if self.absorb_remainder and left - block < self.block:
                block = left
            trials = []
            for rank, (d, holder) in enumerate(candidates):
                own, source = self.after(view, e, d, holder, tokens[d] == 0, block, loads, costs)
                time = own.time() if holder else max(own.time(), source.time())
                trials.append((time, not holder, rank, d, own, source))
            _, remote, _, d, own, source = min(trials, key=lambda t: t[:3])
            loads[d] = own
            if remote:
                loads[source_of(view, e, d)] = source
            tokens[d] += block
            left -= block
        return tokens

    def after(
        self, view: Any, e: int, d: int, holder: bool, first: bool, block: int, loads: list[Load], costs: Any
    ) -> tuple[Load, Load]:
        """Loads of die d and of the die that it reads from if d takes `block` more tokens."""
        there = source_of(view, e, d)
        own, source = replace(loads[d]), replace(loads[there])
        compute = costs.compute_ns(d, block)
        if holder:
            own.compute_local += compute
            if first and view.sources is not None and there == d != view.home[e]:  # a replica
                own.hbm_local += costs.memory_ns(d)
        else:
            own.compute_remote += compute
            if first or self.each_block(view.costs):
                own.link_in += transfer(view, e, d, costs)
            if first:
                source.hbm_remote += costs.memory_ns(there)
        return own, source


def transfer(view: Any, e: int, d: int, costs: Any) -> float:
    """ns to bring the whole expert from where die d reads it."""
    source = source_of(view, e, d)
    return costs.transfer_ns(source, d, int(view.distance[source, d]))


def source_of(view: Any, e: int, d: int) -> int:
    """The die that die d reads expert e from."""
    return int(view.home[e] if view.sources is None else view.sources[e, d])
