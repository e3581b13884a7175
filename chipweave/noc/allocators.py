"""Allocators, arbiters and priorities of routers: their names, and what the native engine calls them.

Each stands once: what may be written, the numbers of csrc/flit/flit.h (read from the library by these names) and the
plain twins (chipweave/plain/noc_alloc.py, held to these tables by a test) follow from here. The names are BookSim 2's.

One more arbiter: its name here, a class in plain/noc_alloc.py, a number in csrc/flit/flit.h, its choice in
csrc/flit/router/match.c; tests/flit/test_kernel_is_twin.py draws it then and holds C to the class.
"""

import re
from dataclasses import dataclass

from chipweave.errors import nearest


@dataclass(frozen=True)
class Matcher:
    """A way to match requests to resources.

    native: its name in csrc/flit/flit.h; argument: what it takes in brackets, "arbiter", "iterations" or "".
    """

    native: str
    argument: str
    about: str


MATCHERS = {
    "separable_input_first": Matcher("NOC_INPUT_FIRST", "arbiter", "inputs pick an output each, then outputs an input"),
    "separable_output_first": Matcher(
        "NOC_OUTPUT_FIRST", "arbiter", "outputs pick an input each, then inputs an output"
    ),
    "islip": Matcher("NOC_ISLIP", "iterations", "grant and accept in several rounds"),
    "wavefront": Matcher("NOC_WAVEFRONT", "", "diagonal by diagonal"),
}
ARBITERS = {"round_robin": "NOC_ROUND_ROBIN", "matrix": "NOC_MATRIX"}
MOST_ITERATIONS = 64
PRIORITIES = {
    "none": "NOC_NONE",
    "age": "NOC_AGE",
    "network_age": "NOC_NETWORK_AGE",
    "local_age": "NOC_LOCAL_AGE",
    "hop_count": "NOC_HOP_COUNT",
    "queue_length": "NOC_QUEUE_LENGTH",
    "class": "NOC_CLASS",
}
FLOW_CONTROLS = ("wormhole", "cut_through")
BESIDE = {("spec_sw_allocator", "prio"): "NOC_PRIO", ("vc_allocator", "piggyback"): "NOC_PIGGYBACK"}
"""(parameter, text) -> native name: allowed there beside the matchers."""


@dataclass(frozen=True)
class Allocator:
    """A matcher of requests to resources: `separable_input_first(matrix)`, `islip(4)`, `wavefront`.

    `arbiter` serves the separable ones, `iterations` serves islip.
    """

    matcher: str = "separable_input_first"
    arbiter: str = "round_robin"
    iterations: int = 1

    @classmethod
    def of(cls, text: str) -> "Allocator":
        """From BookSim's spelling; ValueError with the reason where it is none."""
        match = re.fullmatch(r"\s*(\w+)\s*(?:\(\s*(\w*)\s*\))?\s*", str(text))
        name, argument = match.groups() if match else (str(text), None)
        if name not in MATCHERS:
            raise ValueError(
                f"unknown allocator {text!r}; allowed: {', '.join(MATCHERS)}; nearest: {nearest(name, MATCHERS)}"
            )
        if not argument:
            return cls(name)
        takes = MATCHERS[name].argument
        if takes == "iterations" and argument.isdecimal() and 1 <= int(argument) <= MOST_ITERATIONS:
            return cls(name, iterations=int(argument))
        if takes == "arbiter" and argument in ARBITERS:
            return cls(name, arbiter=argument)
        allowed = {"iterations": f"{name}(1..{MOST_ITERATIONS})", "arbiter": f"{name}({'|'.join(ARBITERS)})"}
        raise ValueError(f"{text!r}: {argument!r} is no argument of {name}; allowed: {allowed.get(takes, name)}")

    def __str__(self) -> str:
        if MATCHERS[self.matcher].argument == "iterations":
            return f"{self.matcher}({self.iterations})"
        return self.matcher if self.arbiter == "round_robin" else f"{self.matcher}({self.arbiter})"
