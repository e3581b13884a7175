"""Least recently served first; among the never served the highest index.

Native: csrc/flit/router/arbiters/matrix.c. Checked by: tests/flit/test_kernel_is_twin.py, test_allocators.py."""

from collections.abc import Mapping
from typing import Any

from chipweave.noc.allocator import Arbiter, arbiter


@arbiter("matrix")
class Matrix(Arbiter):
    """Least recently served."""

    def __init__(self, size: int) -> None:
        self.rank = list(reversed(range(size)))  # served first ... served last

    def choose(self, requests: Mapping[int, Any]) -> int:
        """See Arbiter."""
        best = max(requests.values())
        return next(i for i in self.rank if requests.get(i) == best)

    def served(self, index: int) -> None:
        """See Arbiter."""
        self.rank.remove(index)
        self.rank.append(index)
