"""Least sum of the links' latencies; ties as BookSim 2's `min` on an `anynet`.

Dijkstra's from each router: the nearest router first, then the one of least number, neighbours in ascending order; a
way is replaced only by a strictly shorter one. Each router goes by its own first hops.
Deadlock: as `shortest`.
Checked by: tests/flit/test_anynet.py, against BookSim 2's recorded runs.
"""

from __future__ import annotations

import numpy as np

from chipweave.noc.route_rule import routing
from chipweave.noc.routing import first_hops
from chipweave.noc.routings.shortest import Shortest


@routing("shortest_latency")
class ShortestLatency(Shortest):
    """Least sum of latencies; ties as BookSim 2's `min` on a graph."""

    spreads = False  # equal sums are a matter of chance

    def table(self, way: int) -> np.ndarray:
        """Each router's own first hops."""
        if way not in self.tables:
            links = self.network.router_adjacency
            out = [links.dst[links.start[r] : links.start[r + 1]].tolist() for r in range(links.n)]
            latency = self.network.latency_ps[self.network.router_links].tolist()
            cost = dict(zip(zip(links.src.tolist(), links.dst.tolist(), strict=True), latency, strict=True))
            step = np.full((links.n, len(self.goals)), -1, np.int32)
            for router in range(self.network.first_router, links.n):
                for goal, first in first_hops(router, out, {pair: (ps,) for pair, ps in cost.items()}).items():
                    if self.columns[goal] >= 0:
                        step[router, self.columns[goal]] = first
            self.tables[way] = step
        return self.tables[way]
