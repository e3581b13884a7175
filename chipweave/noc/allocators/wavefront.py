"""Highest priority first, then diagonal by diagonal; the first diagonal moves on by one each time it is used.

Native: csrc/flit/router/allocators/wavefront.c. Checked by: tests/flit/test_kernel_is_twin.py, test_allocators.py."""

from typing import Any

from chipweave.noc.allocator import Allocator, Matcher, Requests, allocator


@allocator("wavefront")
class Wavefront(Matcher):
    """Diagonal by diagonal."""

    def __init__(self, inputs: int, outputs: int, spec: Allocator) -> None:
        self.square, self.first = max(inputs, outputs), 0

    def match(self, requests: Requests) -> dict[int, int]:
        """See Matcher."""
        matched: dict[int, int] = {}
        taken: set[int] = set()
        if not requests:
            return matched

        def order(request: Any) -> Any:
            (i, o), (at_in, at_out) = request
            return (rank[at_out, at_in], (i + o - self.first) % self.square, o)

        rank = {pair: n for n, pair in enumerate(sorted({(b, a) for a, b in requests.values()}, reverse=True))}
        for (i, o), _ in sorted(requests.items(), key=order):
            if i not in matched and o not in taken:
                matched[i] = o
                taken.add(o)
        self.first = (self.first + 1) % self.square
        return matched
