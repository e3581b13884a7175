"""Parameters of the routers of a network under `link_model: flit`, as YAML is checked by them.

Those of a router are declared by chipweave.noc.router.Router alone; here stand the network's own. Delays are in cycles
of the network's clock, depths in flits; switches are 0 or 1. Defaults are those of the shipped bare networks, which
carry one flit a cycle. What goes together with what is checked where routers are built."""

from dataclasses import fields

from chipweave.declare.params import Declared, Param
from chipweave.noc.router import Router

GRAINS = ("auto", *(str(1 << n) for n in range(11)))  # of a network: fine flits in a flit
ROUTER = {each.name: each.metadata["param"] for each in fields(Router)}
NETWORK = {
    "clock": Param(
        "frequency",
        default=None,
        low="1 Hz",
        doc="one cycle of routers and links; bandwidth of the fastest link / flit where left out",
    ),
    "flit": Param("bytes", default="32 B", low="1 B", doc="what a link moves in one cycle"),
    "message_vcs": Param(
        "int",
        default=0,
        low=0,
        high=ROUTER["vcs"].high,
        doc="VCs that one message keeps to, in turn within its class; 0: all of the class",
    ),
    "max_packet": Param("bytes", default="4 KiB", low="1 B", doc="messages are cut into packets of at most this"),
    "skip": Param(
        "int",
        default=1,
        low=0,
        high=1,
        doc="look for whole periods to advance by; the results are the same either way",
    ),
}
ABOUT = "Input-queued virtual-channel routers, credits, VC and switch allocation, cycle by cycle."
FlitRouter: type[Declared] = type(
    "FlitRouter", (Declared,), {"__doc__": ABOUT, "__module__": __name__, **NETWORK, **ROUTER}
)
