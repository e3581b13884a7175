"""Dimension order, the first axis first: on a grid [Z, Y, X] along z, then y, then x. Otherwise as `xy`.

Checked by: tests/core/test_topology.py, tests/flit/test_routings.py.
"""

from chipweave.noc.route_rule import routing
from chipweave.noc.routings.xy import DimensionOrder


@routing("yx")
class Yx(DimensionOrder):
    """Dimension order, the first axis first: along y, then x."""

    def axes(self) -> list[int]:
        """In the order in which they are written."""
        return list(range(len(self.network.in_grid.dims)))
