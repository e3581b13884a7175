"""A mesh of any number of axes whose rows and columns are closed.

Models: the links of the mesh and one more along each row of an axis that is longer than 2; an axis of 1 or 2 has none.
Datelines keep the circles free of deadlock under flit (chipweave/noc/routings/xy.py).
Checked by: tests/flit/test_shapes.py, against closed forms and NetworkX's periodic grid graphs.
"""

from chipweave.noc.shape import shape
from chipweave.noc.shapes.mesh import Mesh


@shape("torus")
class Torus(Mesh):
    """A grid of any number of axes, each row closed to a ring."""

    wraps = True
