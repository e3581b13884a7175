"""One side picks one request each, then the other side picks among those. Only a full match moves arbiters.

Native: csrc/flit/router/allocators/separable.c. Checked by: tests/flit/test_kernel_is_twin.py, test_allocators.py."""

from typing import Any

from chipweave.noc.allocator import Allocator, Matcher, Requests, allocator, arbiters


class Separable(Matcher):
    """Both orders."""

    takes = "arbiter"
    input_first = True

    def __init__(self, inputs: int, outputs: int, spec: Allocator) -> None:
        make = arbiters.find(spec.arbiter)
        self.at_input = [make(outputs) for _ in range(inputs)]
        self.at_output = [make(inputs) for _ in range(outputs)]

    def match(self, requests: Requests) -> dict[int, int]:
        """See Matcher."""
        first, second = (self.at_input, self.at_output) if self.input_first else (self.at_output, self.at_input)
        by_index: dict[int, dict[int, Any]] = {}
        picked: dict[int, dict[int, Any]] = {}
        for (i, o), (at_in, at_out) in requests.items():
            mine, other, priority = (i, o, at_in) if self.input_first else (o, i, at_out)
            by_index.setdefault(mine, {})[other] = priority
        for mine, wanted in by_index.items():
            other = first[mine].choose(wanted)
            pair = (mine, other) if self.input_first else (other, mine)
            picked.setdefault(other, {})[mine] = requests[pair][1 if self.input_first else 0]
        matched = {}
        for other, wanted in picked.items():
            mine = second[other].choose(wanted)
            first[mine].served(other)
            second[other].served(mine)
            i, o = (mine, other) if self.input_first else (other, mine)
            matched[i] = o
        return matched


@allocator("separable_input_first")
class InputFirst(Separable):
    """Inputs pick an output each, then outputs an input."""


@allocator("separable_output_first")
class OutputFirst(Separable):
    """Outputs pick an input each, then inputs an output."""

    input_first = False
