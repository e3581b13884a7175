"""Outputs grant, inputs accept, several rounds; pointers move only for what the first round matched.

Native: csrc/flit/router/allocators/islip.c. Checked by: tests/flit/test_kernel_is_twin.py, test_allocators.py."""

from chipweave.noc.allocator import Allocator, Matcher, Requests, allocator


@allocator("islip")
class Islip(Matcher):
    """Grant and accept in several rounds."""

    takes = "iterations"

    def __init__(self, inputs: int, outputs: int, spec: Allocator) -> None:
        self.inputs, self.outputs, self.iterations = inputs, outputs, spec.iterations
        self.grant, self.accept = [0] * outputs, [0] * inputs

    def match(self, requests: Requests) -> dict[int, int]:
        """See Matcher."""
        matched: dict[int, int] = {}
        taken: set[int] = set()
        for iteration in range(self.iterations):
            granted: dict[int, list[int]] = {}
            for output in sorted({o for _, o in requests} - taken):
                asking = [i for i, o in requests if o == output and i not in matched]
                if asking:
                    first = min(asking, key=lambda i: (i - self.grant[output]) % self.inputs)
                    granted.setdefault(first, []).append(output)
            for i, offers in granted.items():
                output = min(offers, key=lambda o: (o - self.accept[i]) % self.outputs)
                matched[i] = output
                taken.add(output)
                if iteration == 0:
                    self.grant[output] = (i + 1) % self.inputs
                    self.accept[i] = (output + 1) % self.outputs
        return matched
