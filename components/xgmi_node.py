"""The xGMI side of a node: ports of its GPUs, each joined to every other, and what RCCL does with them.

Leaves out  single links, packets, more than one node.
Checked by  tests/kernels/test_many_dies.py; the ledger's group amd_collective
"""

from chipweave.component import Component, Param, Port, component


@component("node.xgmi_port")
class XgmiPort(Component):
    """The links of one GPU to its peers, and RCCL's figures for rings over them."""

    network = Port(uses="network", doc="to the other GPUs")
    link_count = Param("count", low=1, doc="links to peers")
    link_bandwidth = Param("bandwidth", low="1 B/s", doc="payload of one link, one direction")
    ring_share = Param("share", low="1 %", high="100 %", doc="of all links together that a ring sustains")
    call = Param("time", low="1 ps", rounding=True, doc="a call before its first step")
    protocols = Param(
        "table",
        columns={"name": "str", "base": "time", "step": "time", "share": "share"},
        doc="protocols that the library chooses from: time before the first step, time a step, share of the bus",
    )
