"""Parameters of the input-queued virtual-channel router, with BookSim 2's names and meanings.

One `Router` describes all routers of a network. `Router.of()` reads names and values as a user or a BookSim run
description spells them (`vc_buf_size`, `num_vcs`, `islip(4)`), and says which name was meant where one is wrong.
"""

import re
from dataclasses import dataclass, fields

from chipweave.errors import Fault, Faults, nearest

MATCHERS = ("separable_input_first", "separable_output_first", "islip", "wavefront")
ARBITERS = ("round_robin", "matrix")
PRIORITIES = ("none", "age", "network_age", "local_age", "hop_count", "queue_length", "class")
SPELLINGS = {
    "num_vcs": "vcs",
    "vc_buf_size": "vc_depth",
    "routing_function": "routing",
    "injection_rate": "load",
}


@dataclass(frozen=True)
class Allocator:
    """A matcher of requests to resources: `separable_input_first(matrix)`, `islip(4)`, `wavefront`.

    `arbiter` serves the separable ones, `iterations` serves islip.
    """

    matcher: str = "separable_input_first"
    arbiter: str = "round_robin"
    iterations: int = 1

    @classmethod
    def of(cls, text):
        """From BookSim's spelling; ValueError in words where it is none."""
        match = re.fullmatch(r"\s*(\w+)\s*(?:\(\s*(\w*)\s*\))?\s*", str(text))
        name, argument = match.groups() if match else (str(text), None)
        if name not in MATCHERS:
            raise ValueError(
                f"unknown allocator {text!r}; allowed: {', '.join(MATCHERS)}; nearest: {nearest(name, MATCHERS)}"
            )
        if not argument:
            return cls(name)
        if name == "islip" and argument.isdecimal() and 1 <= int(argument) <= 64:
            return cls(name, iterations=int(argument))
        if name.startswith("separable") and argument in ARBITERS:
            return cls(name, arbiter=argument)
        raise ValueError(
            f"{text!r}: {argument!r} is no argument of {name}; allowed: islip(1..64), separable_*(round_robin|matrix)"
        )

    def __str__(self):
        if self.matcher == "islip":
            return f"islip({self.iterations})"
        return self.matcher if self.arbiter == "round_robin" else f"{self.matcher}({self.arbiter})"


@dataclass(frozen=True)
class Router:
    """All parameters of a router. Defaults: the run description of the BookSim 2 speed reference.

    Delays are in cycles, depths in flits. `vc_classes` cuts the VCs into as many equal ranges, one per traffic class.
    """

    vcs: int = 4
    vc_depth: int = 8
    routing_delay: int = 1
    vc_alloc_delay: int = 1
    sw_alloc_delay: int = 1
    st_prepare_delay: int = 0
    st_final_delay: int = 1
    credit_delay: int = 1
    speculative: int = 0
    spec_sw_allocator: str = "prio"
    spec_check_elig: int = 1
    spec_check_cred: int = 1
    spec_mask_by_reqs: int = 0
    wait_for_tail_credit: int = 0
    vc_busy_when_full: int = 0
    hold_switch_for_packet: int = 0
    input_speedup: int = 1
    output_speedup: int = 1
    internal_speedup: float = 1.0
    output_buffer_size: int = -1
    vc_allocator: str = "separable_input_first"
    sw_allocator: str = "separable_input_first"
    priority: str = "none"
    noq: int = 0
    flow_control: str = "wormhole"
    vc_classes: int = 1

    @classmethod
    def of(cls, values, place=None):
        """Router from a mapping of names to text or numbers; BadInput names every wrong one at once."""
        faults, known, given = Faults(), {f.name: f for f in fields(cls)}, {}
        for key, value in values.items():
            name = SPELLINGS.get(key, key)
            if name not in known:
                faults.add(f"unknown router parameter {key!r}", allowed=", ".join(known), nearest=nearest(key, known))
                continue
            kind = known[name].type
            try:
                given[name] = kind(value)
            except (TypeError, ValueError):
                faults.add(f"{key}: {value!r} is no {kind.__name__}")
        faults.raise_if_any()
        router = cls(**given)
        for fault in router.faults():
            faults.add(fault.what, allowed=fault.allowed, nearest=fault.nearest)
        faults.raise_if_any()
        return router

    def faults(self):
        """Every parameter out of its range, or pair that does not go together."""
        found = []

        def need(ok, what, allowed=""):
            if not ok:
                found.append(Fault(what, allowed=allowed))

        for name, low, high in LIMITS:
            value = getattr(self, name)
            need(low <= value <= high, f"{name} = {value}", f"{low} to {high}")
        for name in ("vc_allocator", "sw_allocator", "spec_sw_allocator"):
            text = getattr(self, name)
            if (name, text) in (("spec_sw_allocator", "prio"), ("vc_allocator", "piggyback")):
                continue
            try:
                Allocator.of(text)
            except ValueError as error:
                need(False, f"{name}: {error}")
        need(self.priority in PRIORITIES, f"priority = {self.priority!r}", ", ".join(PRIORITIES))
        need(
            self.flow_control in ("wormhole", "cut_through"),
            f"flow_control = {self.flow_control!r}",
            "wormhole, cut_through",
        )
        need(self.vc_allocator != "piggyback" or self.speculative, "vc_allocator = piggyback needs speculative = 1")
        need(not self.noq or self.routing_delay == 0, "noq = 1 needs routing_delay = 0")
        need(self.st_delay >= 1, "st_prepare_delay + st_final_delay = 0", "1 or more")
        need(
            not self.vc_classes or self.vcs % max(1, self.vc_classes) == 0,
            f"vcs = {self.vcs} in {self.vc_classes} equal classes",
        )
        return found

    @property
    def st_delay(self):
        """Cycles from the switch grant to the output queue."""
        return self.st_prepare_delay + self.st_final_delay

    def vc_range(self, vc_class):
        """(first, last) VC of a traffic class."""
        width = self.vcs // self.vc_classes
        return vc_class * width, vc_class * width + width - 1


LIMITS = [
    ("vcs", 1, 32),
    ("vc_depth", 1, 32767),
    ("routing_delay", 0, 16),
    ("vc_alloc_delay", 1, 16),
    ("sw_alloc_delay", 1, 16),
    ("st_prepare_delay", 0, 16),
    ("st_final_delay", 0, 16),
    ("credit_delay", 0, 64),
    ("speculative", 0, 1),
    ("spec_check_elig", 0, 1),
    ("spec_check_cred", 0, 1),
    ("spec_mask_by_reqs", 0, 1),
    ("wait_for_tail_credit", 0, 1),
    ("vc_busy_when_full", 0, 1),
    ("hold_switch_for_packet", 0, 1),
    ("input_speedup", 1, 32),
    ("output_speedup", 1, 32),
    ("internal_speedup", 1.0, 8.0),
    ("output_buffer_size", -1, 1 << 20),
    ("noq", 0, 1),
    ("vc_classes", 1, 32),
]
