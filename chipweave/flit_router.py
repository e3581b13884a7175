"""Parameters of the routers of a network under `link_model: flit`; declared here so that YAML is checked by them.

Delays are in cycles of the network's clock, names are BookSim 2's where it has one, so that the two can be compared
line by line. Defaults are those of the shipped bare networks.
"""

from chipweave.declare import Declared, Param

ALLOCATORS = ["separable_input_first", "separable_output_first", "islip", "wavefront", "max_size", "pim", "loa", "select"]


class FlitRouter(Declared):
    """Input-queued virtual-channel routers, credits, VC and switch allocation, cycle by cycle."""

    clock = Param("frequency", default="1 GHz", low="1 Hz", doc="one cycle of routers and links")
    flit = Param("bytes", default="32 B", low="1 B", doc="what a link moves in one cycle")
    vcs = Param("int", default=4, low=1, high=64, doc="virtual channels of a link")
    vc_depth = Param("flits", default="8 flit", low="1 flit", high="65535 flit", doc="flits one VC buffers")
    vc_allocator = Param("choice", default="separable_input_first", choices=ALLOCATORS, doc="who gets a VC of the next router")
    switch_allocator = Param("choice", default="separable_input_first", choices=ALLOCATORS, doc="who crosses the router")
    allocator_iterations = Param("int", default=1, low=1, high=16, doc="of iterative allocators")
    speculative = Param("bool", default=False, doc="ask for the switch before the VC is granted")
    routing_delay = Param("int", default=1, low=0, high=64, doc="cycles from arrival to route")
    vc_alloc_delay = Param("int", default=1, low=1, high=64, doc="cycles of VC allocation")
    switch_alloc_delay = Param("int", default=1, low=1, high=64, doc="cycles of switch allocation")
    st_prepare_delay = Param("int", default=0, low=0, high=64, doc="cycles from grant to crossing")
    st_final_delay = Param("int", default=1, low=1, high=64, doc="cycles of crossing")
    credit_delay = Param("int", default=1, low=0, high=64, doc="cycles of a credit within a router")
    injection_delay = Param("int", default=1, low=1, high=1024, doc="cycles of the link from endpoint to router")
    ejection_delay = Param("int", default=1, low=1, high=1024, doc="cycles of the link from router to endpoint")
    input_speedup = Param("int", default=1, low=1, high=16, doc="crossbar inputs for each port")
    output_speedup = Param("int", default=1, low=1, high=16, doc="crossbar outputs for each port")
    internal_speedup = Param("float", default=1.0, low=1, high=16, doc="cycles of the router for one of the link")
    wait_for_tail_credit = Param("bool", default=False, doc="a VC is free only when its buffer is empty")
    vc_busy_when_full = Param("bool", default=False, doc="a VC without credit is not offered")
    hold_switch_for_packet = Param("bool", default=False, doc="a packet keeps its way through the crossbar")
    vc_classes = Param("count", default=None, low=1, many=True, doc="VCs of each class of traffic; left out: all may use all")
