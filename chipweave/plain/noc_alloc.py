"""The matchers of the plain router: a requester gets at most one resource, a resource at most one requester.

A request is (input, output, input priority, output priority); more is served first, ties go round. Rules are those of
BookSim 2's allocators as the routers use them; they are stated above each class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from chipweave.noc.allocators import Allocator

# {(input, output): (input priority, output priority)}; priorities of one round compare with each other
Requests = Mapping[tuple[int, int], tuple[Any, Any]]


class Matcher(Protocol):
    """What matches inputs with outputs."""

    def match(self, requests: Requests) -> dict[int, int]:
        """{input: output} of what is granted."""
        ...


class RoundRobin:
    """First at or after the pointer; the pointer moves behind the winner when the match is made."""

    def __init__(self, size: int) -> None:
        self.size, self.pointer = size, 0

    def choose(self, wishes: Mapping[int, Any]) -> int:
        """wishes: {index: priority}, not empty."""
        return max(wishes, key=lambda i: (wishes[i], -((i - self.pointer) % self.size)))

    def served(self, index: int) -> None:
        """The pointer moves behind the winner."""
        self.pointer = (index + 1) % self.size


class Matrix:
    """Least recently served first; among the never served the highest index."""

    def __init__(self, size: int) -> None:
        self.rank = list(reversed(range(size)))  # served first ... served last

    def choose(self, wishes: Mapping[int, Any]) -> int:
        """The one served longest ago among those of the highest priority."""
        best = max(wishes.values())
        return next(i for i in self.rank if wishes.get(i) == best)

    def served(self, index: int) -> None:
        """The winner becomes the last in the order."""
        self.rank.remove(index)
        self.rank.append(index)


class Arbiter(Protocol):
    """What chooses one of several wishes."""

    def choose(self, wishes: Mapping[int, Any]) -> int:
        """The index that wins."""
        ...

    def served(self, index: int) -> None:
        """`index` has won and got what it wished for."""
        ...


ARBITERS: dict[str, Callable[[int], Arbiter]] = {"round_robin": RoundRobin, "matrix": Matrix}


class Separable:
    """One side picks one request each, then the other side picks among those. Only a full match moves arbiters."""

    def __init__(self, inputs: int, outputs: int, arbiter: str, input_first: bool) -> None:
        """arbiter: a name of ARBITERS; input_first: inputs pick first, then outputs among what was picked."""
        make = ARBITERS[arbiter]
        self.input_first = input_first
        self.at_input = [make(outputs) for _ in range(inputs)]
        self.at_output = [make(inputs) for _ in range(outputs)]

    def match(self, requests: Requests) -> dict[int, int]:
        """requests: {(input, output): (input priority, output priority)} -> {input: output}"""
        first, second = (self.at_input, self.at_output) if self.input_first else (self.at_output, self.at_input)
        wishes: dict[int, dict[int, Any]] = {}
        picked: dict[int, dict[int, Any]] = {}
        for (i, o), (at_in, at_out) in requests.items():
            mine, other, priority = (i, o, at_in) if self.input_first else (o, i, at_out)
            wishes.setdefault(mine, {})[other] = priority
        for mine, wish in wishes.items():
            other = first[mine].choose(wish)
            pair = (mine, other) if self.input_first else (other, mine)
            picked.setdefault(other, {})[mine] = requests[pair][1 if self.input_first else 0]
        matched = {}
        for other, wish in picked.items():
            mine = second[other].choose(wish)
            first[mine].served(other)
            second[other].served(mine)
            i, o = (mine, other) if self.input_first else (other, mine)
            matched[i] = o
        return matched


class Islip:
    """Outputs grant, inputs accept, several rounds; pointers move only for what the first round matched."""

    def __init__(self, inputs: int, outputs: int, iterations: int) -> None:
        self.inputs, self.outputs, self.iterations = inputs, outputs, iterations
        self.grant, self.accept = [0] * outputs, [0] * inputs

    def match(self, requests: Requests) -> dict[int, int]:
        """{input: output} after `iterations` rounds of grant and accept (McKeown, IEEE/ACM ToN 7(2), 1999)."""
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


class Wavefront:
    """Highest priority first, then diagonal by diagonal; the first diagonal moves on by one each time it is used."""

    def __init__(self, inputs: int, outputs: int) -> None:
        self.square, self.first = max(inputs, outputs), 0

    def match(self, requests: Requests) -> dict[int, int]:
        """{input: output} by priority, then diagonal (Tamir and Chi, IEEE TPDS 4(1), 1993)."""
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


MATCHERS: dict[str, Callable[[Allocator, int, int], Matcher]] = {
    "separable_input_first": lambda spec, inputs, outputs: Separable(inputs, outputs, spec.arbiter, True),
    "separable_output_first": lambda spec, inputs, outputs: Separable(inputs, outputs, spec.arbiter, False),
    "islip": lambda spec, inputs, outputs: Islip(inputs, outputs, spec.iterations),
    "wavefront": lambda spec, inputs, outputs: Wavefront(inputs, outputs),
}


def allocator(text: str, inputs: int, outputs: int) -> Matcher:
    """The matcher that a user's spelling names."""
    spec = Allocator.of(text)
    return MATCHERS[spec.matcher](spec, inputs, outputs)
