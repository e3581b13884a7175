"""Each endpoint to the next, the last to the first: a torus of one axis, whatever places the endpoints have.

Links: N, and 1 for two endpoints; an absent endpoint of a row takes its two links with it. Routes go the shorter way
round, at equal lengths upwards; datelines keep it free of deadlock under flit.
Checked by: tests/flit/test_shapes.py; the same links and routes as `grid: [N], shape: torus`.
"""

import numpy as np

from chipweave.noc.shape import Reader, shape
from chipweave.noc.shapes.torus import Torus
from chipweave.noc.wiring import Places, Wiring


@shape("ring")
class Ring(Torus):
    """Each to the next in endpoint order, the last to the first."""

    grid = False  # x and y mean nothing here
    routing = "ring"

    def wire(self, places: Places, reader: Reader) -> Wiring:
        """A torus over the endpoints' places in a row, of a grid of several axes over their numbers."""
        row = Places(places.names, places.seats.astype(np.int32)[:, None], (places.room,))
        return super().wire(row, reader)
