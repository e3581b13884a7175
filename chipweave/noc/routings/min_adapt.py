"""Minimal adaptive routing on a mesh: any port nearer to the destination, dimension order on the escape VC.

BookSim 2's `min_adapt`: the first VC of a class is the escape. Needs two VCs a class. Under circuit and fair it is
`xy`. Checked by: tests/flit/test_kernel_is_twin.py, tests/flit/test_routings.py."""

from __future__ import annotations

import numpy as np

from chipweave.noc.route_rule import routing
from chipweave.noc.routings.xy import Xy


@routing("min_adapt")
class MinAdapt(Xy):
    """Minimal adaptive on a whole mesh, with dimension order on the escape VC."""

    adaptive = True

    def fault(self) -> str:
        """Tori need more than an escape VC, and holes have no dimension order."""
        grid = self.network.grid
        if (grid.wraps and max(grid.dims) > 2) or not self.network.whole:
            return "routing min_adapt needs a whole mesh"
        return ""

    def escape(self, here: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Dimension order."""
        return self.hop(here, goal, 0)

    def choices(self) -> np.ndarray:
        """bool[links between routers, nodes]: whether a link leads nearer to a router."""
        network, links = self.network, self.network.router_adjacency
        at = np.zeros((links.n, len(network.grid.dims)), np.int64)
        at[network.first_router :] = network.grid.at
        before, after = at[links.src][:, None, :] - at[None], at[links.dst][:, None, :] - at[None]
        return np.abs(after).sum(axis=2) < np.abs(before).sum(axis=2)
