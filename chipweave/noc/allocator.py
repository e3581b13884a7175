"""Allocators and arbiters of routers: what they are, and the registries of them; priorities and flow controls.

An allocator is one file of chipweave/noc/allocators/, an arbiter one file of chipweave/noc/arbiters/: a name, BookSim
2's where it has one, and a plain class that states its rule. A router in Python (chipweave/plain/noc_router.py) runs
that class; the native router runs the C code of the same name (csrc/flit/router/allocators/, arbiters/), and a test
holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chipweave.declare.registry import Class, Registry
from chipweave.errors import nearest

allocators = Registry("allocator", "chipweave.noc.allocators")
arbiters = Registry("arbiter", "chipweave.noc.arbiters")

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
"""(parameter, text) -> native name: allowed there beside the allocators."""

Requests = Mapping[tuple[int, int], tuple[Any, Any]]
"""{(input, output): (input priority, output priority)}; more is served first, and priorities of one round compare."""


class Arbiter:
    """Chooses one of several requests, and remembers which it served. One for each input or output of an allocator."""

    kind = ""

    def __init__(self, size: int) -> None:
        """`size` indices may request."""

    def choose(self, requests: Mapping[int, Any]) -> int:
        """The index that wins, of {index: priority}, not empty: the rule decides among those of the highest priority.

        In C the rule sees those alone (noc_match_beats)."""
        raise NotImplementedError

    def served(self, index: int) -> None:
        """`index` has won and got what it wished for."""
        raise NotImplementedError


class Matcher:
    """The rule of an allocator: an input gets at most one output, an output goes to at most one input.

    Attributes of the class:
        kind: the name in YAML.
        takes: what may stand in brackets behind the name: "arbiter", "iterations" or "".
    """

    kind = ""
    takes = ""

    def __init__(self, inputs: int, outputs: int, spec: Allocator) -> None:
        """inputs, outputs: how many of each there are; spec: as users wrote it."""

    def match(self, requests: Requests) -> dict[int, int]:
        """{input: output} of what is granted."""
        raise NotImplementedError


def allocator(kind: str) -> Callable[[Class], Class]:
    """Class decorator: register a Matcher under its name in YAML; errors as of Registry.declares."""
    return allocators.declares(kind, Matcher)


def arbiter(kind: str) -> Callable[[Class], Class]:
    """Class decorator: register an Arbiter under its name in YAML; errors as of Registry.declares."""
    return arbiters.declares(kind, Arbiter)


@dataclass(frozen=True)
class Allocator:
    """An allocator as users write it: `separable_input_first(matrix)`, `islip(4)`, `wavefront`.

    `arbiter` serves those that take one, `iterations` those that work in rounds.
    """

    matcher: str = "separable_input_first"
    arbiter: str = "round_robin"
    iterations: int = 1

    @classmethod
    def of(cls, text: str) -> Allocator:
        """From BookSim's spelling; ValueError with the reason where it is none."""
        match = re.fullmatch(r"\s*(\w+)\s*(?:\(\s*(\w*)\s*\))?\s*", str(text))
        name, argument = match.groups() if match else (str(text), None)
        known = allocators.kinds()
        if name not in known:
            raise ValueError(
                f"unknown allocator {text!r}; allowed: {', '.join(known)}; nearest: {nearest(name, known)}"
            )
        if not argument:
            return cls(name)
        takes = allocators.find(name).takes
        if takes == "iterations" and argument.isdecimal() and 1 <= int(argument) <= MOST_ITERATIONS:
            return cls(name, iterations=int(argument))
        if takes == "arbiter" and argument in arbiters.kinds():
            return cls(name, arbiter=argument)
        allowed = {"iterations": f"{name}(1..{MOST_ITERATIONS})", "arbiter": f"{name}({'|'.join(arbiters.kinds())})"}
        raise ValueError(f"{text!r}: {argument!r} is no argument of {name}; allowed: {allowed.get(takes, name)}")

    def __str__(self) -> str:
        if allocators.find(self.matcher).takes == "iterations":
            return f"{self.matcher}({self.iterations})"
        return self.matcher if self.arbiter == "round_robin" else f"{self.matcher}({self.arbiter})"

    def plain(self, inputs: int, outputs: int) -> Matcher:
        """The plain class at work."""
        made: Matcher = allocators.find(self.matcher)(inputs, outputs, self)
        return made
