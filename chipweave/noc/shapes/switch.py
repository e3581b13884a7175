"""Switch planes: every endpoint has a link to every switch, as GPUs to the NVSwitches of a node.

Links: endpoints x switches. Each endpoint is a router of its own in front of the planes; messages are spread over the
planes (docs/guide/yaml.md, `spread`), and an endpoint sends at the sum of its links' rates.
Checked by: tests/flit/test_shapes.py.
"""

import numpy as np

from chipweave.declare.params import Param
from chipweave.noc.shape import MAX_LINKS, Reader, Shape, shape
from chipweave.noc.wiring import Places, Wiring, pairs_of


@shape("switch")
class Switch(Shape):
    """Every endpoint to every one of `switches` switches."""

    spread = "packet"
    switches = Param("count", default=None, low=1, doc="number of switch planes; 1 where left out")

    def fault(self, places: Places) -> str:
        """Links are counted before they are made."""
        return f"more than {MAX_LINKS} links" if places.count * (self.switches or 1) > MAX_LINKS else ""

    def wire(self, places: Places, reader: Reader) -> Wiring:
        """Switches are numbered behind the endpoints."""
        planes = self.switches or 1
        pairs = np.indices((places.count, planes)).reshape(2, -1).T + [0, places.count]
        names = tuple(f"switch[{i}]" for i in range(planes)) if self.switches else ("switch",)
        return Wiring(pairs_of(pairs), routers=names)
