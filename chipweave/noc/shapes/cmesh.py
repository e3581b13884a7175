"""Concentrated mesh: blocks of endpoints share a router, the routers are a mesh.

Models: with `concentration: [2, 2]` a grid [8, 8] of endpoints has a mesh [4, 4] of routers with four terminals each,
as BookSim 2's `cmesh` of k = 4, c = 4. A number alone, `concentration: [4]`, gives consecutive endpoints to a router
along the last axis. Leaves out: express links between far routers.
Checked by: tests/flit/test_shapes.py; against the same graph as `edges` with `terminals`.
"""

import numpy as np

from chipweave.declare.params import Param
from chipweave.noc.shape import Reader, Shape, shape
from chipweave.noc.shapes.mesh import Mesh
from chipweave.noc.wiring import Places, Wiring


@shape("cmesh")
class ConcentratedMesh(Shape):
    """A mesh of routers with a block of endpoints at each."""

    grid = True
    routing = "xy"
    concentration = Param("count", low=1, many=True, doc="endpoints of a router along each axis, [2, 2]")

    def block(self, places: Places) -> tuple[int, ...]:
        """Endpoints of a router along each axis of the grid."""
        return (1,) * (len(places.dims) - len(self.concentration)) + self.concentration

    def fault(self, places: Places) -> str:
        """The grid must be a whole number of blocks."""
        if len(self.concentration) > len(places.dims):
            return f"concentration {list(self.concentration)} has more axes than the grid {list(places.dims)}"
        rest = [d % b for d, b in zip(places.dims, self.block(places), strict=True)]
        return (
            f"a grid of {list(places.dims)} is no whole number of blocks of {list(self.block(places))}"
            if any(rest)
            else ""
        )

    def wire(self, places: Places, reader: Reader) -> Wiring:
        """Routers are numbered by rows behind the endpoints."""
        block = np.array(self.block(places))
        dims = tuple(int(d) for d in np.array(places.dims) // block)
        at = np.indices(dims).reshape(len(dims), -1).T.astype(np.int32)
        names = tuple("router" + "".join(f"[{i}]" for i in place) for place in at.tolist())
        mesh = Mesh().wire(Places(names, at, dims), reader)
        terminals = np.ravel_multi_index(tuple((places.at // block).T), dims).astype(np.int32) + places.count
        return Wiring(mesh.pairs + places.count, mesh.sort, mesh.sorts, names, terminals, mesh.grid)
