"""Dimension order, the last axis (x) first: on a grid [Z, Y, X] along x, then y, then z.

On a torus each axis is gone along in the shorter direction; at equal lengths towards higher coordinates. Under flit a
dateline splits the VCs of a closed axis into two halves, one for packets that will pass the end of the axis.
Deadlock: free on whole meshes, and with an even number of VCs a class on tori (Dally and Seitz, 1987).
Checked by: tests/core/test_topology.py, tests/flit/test_deadlock.py, tests/flit/test_routings.py; BookSim 2's `dor`.
"""

from __future__ import annotations

import numpy as np

from chipweave.noc.route_rule import Routing, routing


class DimensionOrder(Routing):
    """One axis after the other; `axes` says in which order."""

    grid = True
    missing: np.ndarray | None = None  # the place where a route last ended

    def axes(self) -> list[int]:
        """The axes of the grid in order of travel."""
        raise NotImplementedError

    def hop(self, here: np.ndarray, goal: np.ndarray, way: int) -> np.ndarray:
        """The neighbour along the first axis in which the two differ."""
        grid, first = self.network.in_grid, self.network.first_router
        at, to = grid.at[here - first], grid.at[goal - first]
        axes = self.axes()
        axis = np.argmax((at != to)[:, axes], axis=1)
        axis = np.array(axes)[axis]
        rows, lengths = np.arange(len(here)), np.array(grid.dims)[axis]
        ahead = (to[rows, axis] - at[rows, axis]) % lengths
        up = to[rows, axis] > at[rows, axis]
        if grid.wraps:
            up = np.where(lengths > 2, 2 * ahead <= lengths, up)
        there = at.copy()
        there[rows, axis] = (at[rows, axis] + np.where(up, 1, -1)) % lengths
        found = self.network.router_at[tuple(there.T)]
        self.missing = there[np.argmax(found < 0)] if (found < 0).any() else None
        return np.where(found < 0, -1, found + first)

    def gap(self, here: int, goal: int) -> tuple:
        """The place where nothing is."""
        return tuple(int(x) for x in self.missing) if self.missing is not None else (here, goal)

    def first_unroutable(self) -> tuple[int, int, tuple] | None:
        """On a whole grid every route exists, so no pair need be tried."""
        return None if self.network.whole else super().first_unroutable()


@routing("xy")
class Xy(DimensionOrder):
    """Dimension order, the last axis first: along x, then y, then z."""

    def axes(self) -> list[int]:
        """x is the last axis of the grid."""
        return list(reversed(range(len(self.network.in_grid.dims))))
