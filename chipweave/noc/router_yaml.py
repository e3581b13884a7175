"""Parameters of the routers of a network under `link_model: flit`, as YAML is checked by them.

Names and meanings are BookSim 2's, delays are in cycles of the network's clock, depths in flits; switches are 0 or 1.
Defaults are those of the shipped bare networks, which carry one flit a cycle. What goes together with what is checked where routers are built.
"""

from __future__ import annotations

from typing import Any

from chipweave.declare.params import Declared, Param


def _cycles(default: Any, low: Any, high: Any, doc: Any) -> Any:
    return Param("int", default=default, low=low, high=high, doc=doc)


def _switch(doc: Any, default: int = 0) -> Any:
    return Param("int", default=default, low=0, high=1, doc=doc)


class FlitRouter(Declared):
    """Input-queued virtual-channel routers, credits, VC and switch allocation, cycle by cycle."""

    clock = Param(
        "frequency",
        default=None,
        low="1 Hz",
        doc="one cycle of routers and links; bandwidth of the fastest link / flit where left out",
    )
    flit = Param("bytes", default="32 B", low="1 B", doc="what a link moves in one cycle")
    vcs = Param("int", default=4, low=1, high=32, doc="virtual channels of a link")
    vc_depth = Param(
        "int",
        default=None,
        low=1,
        high=32767,
        doc="flits that one VC buffers; the credit loop of a link where left out, 8 on a bare network",
    )
    vc_classes = Param(
        "int",
        default=None,
        low=1,
        high=32,
        doc="equal ranges the VCs are cut into, one per class of traffic; requests and replies apart where left out, 1 on a bare network",
    )
    message_vcs = Param(
        "int",
        default=0,
        low=0,
        high=32,
        doc="VCs that one message keeps to, in turn within its class; 0: all of the class",
    )
    max_packet = Param("bytes", default="4 KiB", low="1 B", doc="messages are cut into packets of at most this")
    routing_delay = _cycles(1, 0, 16, "cycles from arrival to route")
    vc_alloc_delay = _cycles(1, 1, 16, "cycles of VC allocation")
    sw_alloc_delay = _cycles(1, 1, 16, "cycles of switch allocation")
    st_prepare_delay = _cycles(0, 0, 16, "cycles from grant to crossing")
    st_final_delay = _cycles(1, 0, 16, "cycles of crossing")
    credit_delay = _cycles(1, 0, 64, "cycles of a credit within a router")
    vc_allocator = Param(
        "str",
        default="separable_input_first",
        doc="who gets a VC of the next router: separable_input_first, islip(2), ...",
    )
    sw_allocator = Param("str", default="separable_input_first", doc="who crosses the router")
    priority = Param("str", default="none", doc="which packets go first: none, age, ...")
    speculative = _switch("ask for the switch before the VC is granted")
    spec_sw_allocator = Param("str", default="prio", doc="who crosses the router on speculation")
    spec_check_elig = _switch("speculate only for VCs that can be granted", 1)
    spec_check_cred = _switch("speculate only with credit", 1)
    spec_mask_by_reqs = _switch("requests, not grants, keep speculation out")
    wait_for_tail_credit = _switch("a VC is free only when its buffer is empty")
    vc_busy_when_full = _switch("a VC without credit is not offered")
    hold_switch_for_packet = _switch("a packet keeps its way through the crossbar")
    input_speedup = _cycles(1, 1, 32, "crossbar inputs for each port")
    output_speedup = _cycles(1, 1, 32, "crossbar outputs for each port")
    internal_speedup = Param("float", default=1.0, low=1, high=8, doc="router cycles in one cycle of the link")
    output_buffer_size = Param(
        "int", default=-1, low=-1, high=1048576, doc="flits that wait behind the crossbar; -1: any number"
    )
    noq = _switch("routes are looked up one hop ahead and queued by next output")
    flow_control = Param(
        "choice", default="wormhole", choices=["wormhole", "cut_through"], doc="what must fit before a packet goes on"
    )
    skip = _switch("look for whole periods to advance by; the results are the same either way", 1)
