"""Parameters of the input-queued virtual-channel router, with BookSim 2's names and meanings; each declared here alone.

A field of `Router` holds its default, its range and its words. What YAML allows (router_yaml.py), the faults below and
the native configuration (chipweave/fabric/noc.py) are read from it. `Router.of()` takes names and values as a user or a
BookSim run description spells them (`vc_buf_size`, `num_vcs`, `islip(4)`), and says which name was meant where one is
wrong."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from chipweave.declare.params import Param
from chipweave.errors import Fault, Faults, nearest
from chipweave.noc.allocator import BESIDE, FLOW_CONTROLS, PRIORITIES, Allocator

SPELLINGS = {
    "num_vcs": "vcs",
    "vc_buf_size": "vc_depth",
    "routing_function": "routing",
    "injection_rate": "load",
}


def _number(default: float, low: float, high: float, doc: str, type: str = "int", derived: bool = False) -> Any:
    """A field with a range; `derived`: where YAML leaves it out it is worked out from the network."""
    param = Param(type, default=None if derived else default, low=low, high=high, doc=doc)
    return field(default=default, metadata={"param": param})


def _switch(doc: str, default: int = 0) -> Any:
    """A field that is 0 or 1."""
    return _number(default, 0, 1, doc)


def _text(default: str, doc: str) -> Any:
    """A field of text; what it may hold is checked in `Router.faults`."""
    return field(default=default, metadata={"param": Param("str", default=default, doc=doc)})


def _choice(default: str, choices: Iterable[str], doc: str) -> Any:
    """A field that is one of `choices`."""
    return field(default=default, metadata={"param": Param("choice", default=default, choices=tuple(choices), doc=doc)})


@dataclass(frozen=True)
class Router:
    """All parameters of a router. Defaults: the run description of the BookSim 2 speed reference.

    Delays are in cycles, depths in flits; switches are 0 or 1. `vc_classes` cuts the VCs into as many equal ranges, one
    per traffic class."""

    vcs: int = _number(4, 1, 32, "virtual channels of a link")
    vc_depth: int = _number(
        8,
        1,
        32767,
        "flits that one VC buffers; the credit loop of a link where left out, 8 on a bare network",
        derived=True,
    )
    vc_classes: int = _number(
        1,
        1,
        32,
        (
            "equal ranges the VCs are cut into, one per class of traffic; "
            "requests and replies apart where left out, 1 on a bare network"
        ),
        derived=True,
    )
    routing_delay: int = _number(1, 0, 16, "cycles from arrival to route")
    vc_alloc_delay: int = _number(1, 1, 16, "cycles of VC allocation")
    sw_alloc_delay: int = _number(1, 1, 16, "cycles of switch allocation")
    st_prepare_delay: int = _number(0, 0, 16, "cycles from grant to crossing")
    st_final_delay: int = _number(1, 0, 16, "cycles of crossing")
    credit_delay: int = _number(1, 0, 64, "cycles of a credit within a router")
    vc_allocator: str = _text(
        "separable_input_first", "who gets a VC of the next router: separable_input_first, islip(2), ..."
    )
    sw_allocator: str = _text("separable_input_first", "who crosses the router")
    priority: str = _text("none", "which packets go first: " + ", ".join(PRIORITIES))
    speculative: int = _switch("ask for the switch before the VC is granted")
    spec_sw_allocator: str = _text("prio", "who crosses the router on speculation")
    spec_check_elig: int = _switch("speculate only for VCs that can be granted", 1)
    spec_check_cred: int = _switch("speculate only with credit", 1)
    spec_mask_by_reqs: int = _switch("requests, not grants, keep speculation out")
    wait_for_tail_credit: int = _number(
        0,
        0,
        1,
        "a VC is free only when its buffer is empty; where left out 1 on a network of parts with escape VCs, else 0",
        derived=True,
    )
    vc_busy_when_full: int = _switch("a VC without credit is not offered")
    hold_switch_for_packet: int = _switch("a packet keeps its way through the crossbar")
    input_speedup: int = _number(1, 1, 32, "crossbar inputs for each port")
    output_speedup: int = _number(1, 1, 32, "crossbar outputs for each port")
    internal_speedup: float = _number(1.0, 1, 8, "router cycles in one cycle of the link", "float")
    output_buffer_size: int = _number(-1, -1, 1 << 20, "flits that wait behind the crossbar; -1: any number")
    noq: int = _switch("routes are looked up one hop ahead and queued by next output")
    flow_control: str = _choice("wormhole", FLOW_CONTROLS, "what must fit before a packet goes on")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Router":
        """Router from a mapping of names to text or numbers; BadInput names every wrong one at once."""
        faults, known = Faults(), {f.name: f for f in fields(cls)}
        given: dict[str, Any] = {}
        for key, value in values.items():
            name = SPELLINGS.get(key, key)
            if name not in known:
                faults.add(f"unknown router parameter {key!r}", allowed=", ".join(known), nearest=nearest(key, known))
                continue
            kind: type[Any] = type(known[name].default)
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

    def faults(self) -> list[Fault]:
        """Every parameter out of its range, or pair that does not go together."""
        found = []

        def need(ok: object, what: str, allowed: str = "") -> None:
            if not ok:
                found.append(Fault(what, allowed=allowed))

        for each in fields(self):
            param, value = each.metadata["param"], getattr(self, each.name)
            if param.low is not None:
                need(param.low <= value <= param.high, f"{each.name} = {value}", f"{param.low} to {param.high}")
        for name in ("vc_allocator", "sw_allocator", "spec_sw_allocator"):
            text = getattr(self, name)
            if (name, text) in BESIDE:
                continue
            try:
                Allocator.of(text)
            except ValueError as error:
                need(False, f"{name}: {error}")
        need(self.priority in PRIORITIES, f"priority = {self.priority!r}", ", ".join(PRIORITIES))
        need(
            self.flow_control in FLOW_CONTROLS,
            f"flow_control = {self.flow_control!r}",
            ", ".join(FLOW_CONTROLS),
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
    def st_delay(self) -> int:
        """Cycles from the switch grant to the output queue."""
        return self.st_prepare_delay + self.st_final_delay

    def vc_range(self, vc_class: int) -> tuple[int, int]:
        """(first, last) VC of a traffic class."""
        width = self.vcs // self.vc_classes
        return vc_class * width, vc_class * width + width - 1
