"""Fewest links, whatever their latency; of several ways, at each router the neighbour of least number (endpoint order).

Where the network spreads, all equally short ways are numbered and used (docs/guide/yaml.md, `spread`).
Deadlock: whatever the graph's circles allow; proved or refused before a flit run. For graphs with circles use `up_down`
or `shortest_escape`.
Checked by: tests/core/test_topology.py and tests/flit/test_routings.py, against NetworkX's shortest paths.
"""

from __future__ import annotations

from functools import cached_property
from math import lcm

import numpy as np

from chipweave.noc.adjacency import MOST_WAYS
from chipweave.noc.route_rule import Routing, routing


@routing("shortest")
class Shortest(Routing):
    """Fewest links; of several ways the neighbour that comes first in endpoint order."""

    spreads = True

    @cached_property
    def columns(self) -> np.ndarray:
        """int64[n]: the column of the tables in which each router is the destination, -1 where it is none."""
        columns = np.full(self.network.node_count, -1, np.int64)
        columns[self.goals] = np.arange(len(self.goals))
        return columns

    @cached_property
    def goals(self) -> np.ndarray:
        """Routers that endpoints are at, each once."""
        terminals = self.network.terminals
        return np.arange(self.network.endpoint_count) if terminals is None else np.unique(terminals)

    @cached_property
    def ways(self) -> int:
        """The least common multiple of the numbers of ways of all pairs, at most MOST_WAYS; 1 without spreading."""
        if self.network.spread == "none" or not self.spreads:
            return 1
        links, counts = self.network.router_adjacency, set()
        for goals in links.chunks(self.goals):
            far = links.distances(goals)
            counts |= set(np.unique(links.ways(far)[self.goals]).tolist()) - {0}
        return min(lcm(*counts), MOST_WAYS) if counts else 1

    @cached_property
    def tables(self) -> dict[int, np.ndarray]:
        """Way -> int32[n, goals], filled as they are needed."""
        return {}

    def table(self, way: int) -> np.ndarray:
        """int32[n, goals]: the next router on a way, -1 where none leads to the goal."""
        if way not in self.tables:
            links, parts = self.network.router_adjacency, []
            for goals in links.chunks(self.goals):
                far = links.distances(goals)
                parts.append(
                    links.first_nearest(far) if self.ways == 1 else links.nth_nearest(far, links.ways(far), way)
                )
            self.tables[way] = np.concatenate(parts, axis=1)
        return self.tables[way]

    def hop(self, here: np.ndarray, goal: np.ndarray, way: int) -> np.ndarray:
        """The table's entry."""
        return self.table(way)[here, self.columns[goal]]

    def first_unroutable(self) -> tuple[int, int, tuple] | None:
        """The first pair without a way, in endpoint order."""
        starts = np.arange(self.network.endpoint_count) if self.network.terminals is None else self.network.terminals
        lost = self.table(0)[starts][:, self.columns[starts]] < 0
        lost &= starts[:, None] != starts[None, :]
        if not lost.any():
            return None
        source, target = (int(i) for i in np.argwhere(lost)[0])
        return source, target, (source, target)
