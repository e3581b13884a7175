"""Every two endpoints have a link. Links: N (N - 1) / 2.

Checked by: tests/flit/test_shapes.py.
"""

import numpy as np

from chipweave.noc.shape import MAX_LINKS, Reader, Shape, shape
from chipweave.noc.wiring import Places, Wiring, pairs_of


@shape("full")
class Full(Shape):
    """A link between every two endpoints."""

    def fault(self, places: Places) -> str:
        """Links grow with the square of the endpoints; they are counted before they are made."""
        links = places.count * (places.count - 1) // 2
        return f"more than {MAX_LINKS} links" if links > MAX_LINKS else ""

    def wire(self, places: Places, reader: Reader) -> Wiring:
        """All pairs, in endpoint order."""
        return Wiring(pairs_of(np.stack(np.triu_indices(places.count, 1), axis=1)))
