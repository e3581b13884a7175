"""Neighbours in a grid of any number of axes.

Models: a link between each two places that differ by one along one axis; a place that is absent leaves a hole.
Links: the sum over the axes of (length - 1) times the product of the other lengths. Sorts of links: x, y, z.
Checked by: tests/flit/test_shapes.py, against closed forms and NetworkX's grid graphs.
"""

import numpy as np

from chipweave.noc.shape import Reader, Shape, axis_names, shape
from chipweave.noc.wiring import Grid, Places, Wiring


@shape("mesh")
class Mesh(Shape):
    """Neighbours in a grid of any number of axes; [Y, X], [Z, Y, X]."""

    grid = True
    wraps = False
    routing = "xy"

    def wire(self, places: Places, reader: Reader) -> Wiring:
        """Links along each axis in turn."""
        index, pairs, sort = places.index(), [], []
        for axis in range(len(places.dims)):
            along = np.moveaxis(index, axis, 0)
            ends = [(along[:-1], along[1:])]
            if self.wraps and len(along) > 2:
                ends.append((along[-1], along[0]))
            for a, b in ends:
                both = (a >= 0) & (b >= 0)
                pairs.append(np.stack([a[both], b[both]], axis=1))
                sort.append(np.full(len(pairs[-1]), axis, np.int8))
        grid = Grid(places.dims, places.at, self.wraps)
        return Wiring(np.concatenate(pairs), np.concatenate(sort), axis_names(len(places.dims)), grid=grid)
