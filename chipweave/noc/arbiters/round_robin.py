"""First at or after the pointer; the pointer moves behind the winner when the match is made.

Native: csrc/flit/router/arbiters/round_robin.c. Checked by: tests/flit/test_kernel_is_twin.py, test_allocators.py."""

from collections.abc import Mapping
from typing import Any

from chipweave.noc.allocator import Arbiter, arbiter


@arbiter("round_robin")
class RoundRobin(Arbiter):
    """In turn."""

    def __init__(self, size: int) -> None:
        self.size, self.pointer = size, 0

    def choose(self, requests: Mapping[int, Any]) -> int:
        """See Arbiter."""
        return max(requests, key=lambda i: (requests[i], -((i - self.pointer) % self.size)))

    def served(self, index: int) -> None:
        """See Arbiter."""
        self.pointer = (index + 1) % self.size
