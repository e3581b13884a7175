"""Up*/down* routing: free of deadlock on any graph that is connected both ways (Schroeder et al., Autonet, 1991).

Routers are levelled by their distance from a root, the most central one; a link is *up* where it leads to a lower level
or, within a level, to a lower number. A packet goes up any number of links and then down any number: after a down link
no up link follows, so no circle of links can wait for itself. At each router: down by the shortest way of down links
where one leads to the destination, else up towards the router from which the rest is shortest.
Leaves out: the shortest of all legal ways, which would need to know where a packet came from; ways near the root fill
first. Checked by: tests/flit/test_routings.py: every pair reached, the channel dependency graph without a cycle, on
random graphs."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from chipweave.noc.route_rule import routing
from chipweave.noc.routings.shortest import Shortest

CENTRES = 2048  # routers up to which the most central one is looked for


@routing("up_down")
class UpDown(Shortest):
    """Up a tree's levels, then down: free of deadlock on any connected graph."""

    spreads = False

    @cached_property
    def level(self) -> np.ndarray:
        """int32[n]: links from the root to each router; -1: out of reach, or no router."""
        links, routers = self.network.router_adjacency, np.arange(self.network.first_router, self.network.node_count)
        root = routers[0] if len(routers) else 0
        if len(routers) <= CENTRES:
            far = links.distances(routers)[routers]
            worst = np.where((far < 0).any(axis=0), np.iinfo(np.int32).max, far.max(axis=0))
            root = routers[int(np.argmin(worst))]  # the first of equals
        return links.distances(np.array([root]))[:, 0]

    @cached_property
    def up(self) -> np.ndarray:
        """bool[links]: which links lead up."""
        links, level = self.network.router_adjacency, self.level
        return (level[links.dst] < level[links.src]) | (
            (level[links.dst] == level[links.src]) & (links.dst < links.src)
        )

    def table(self, way: int) -> np.ndarray:
        """Down where a way of down links is left, else up; routers nearer the root are settled first."""
        if way in self.tables:
            return self.tables[way]
        links, goals, up = self.network.router_adjacency, self.goals, self.up
        far = links.distances(goals, ~up)
        step = np.full(far.shape, -1, np.int32)
        whole = np.where(far < 0, np.iinfo(np.int32).max // 2, far).astype(np.int64)
        order = np.lexsort([np.arange(links.n), self.level])
        for router in order.tolist():
            own = slice(links.start[router], links.start[router + 1])
            there, rising = links.dst[own], up[own]
            if not len(there):
                continue
            down = np.where(
                (~rising)[:, None] & (far[there] >= 0) & (far[there] == far[router] - 1), there[:, None], links.n
            )
            step[router] = down.min(axis=0)
            if rising.any():
                ahead = whole[there[rising]]
                best = np.argmin(ahead, axis=0)
                lift = far[router] < 0
                whole[router] = np.where(lift, ahead[best, np.arange(len(goals))] + 1, whole[router])
                step[router] = np.where(lift, there[rising][best], step[router])
        step[(step == links.n) | (whole >= np.iinfo(np.int32).max // 2)] = -1
        self.tables[way] = step
        return step
