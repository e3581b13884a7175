"""The NVLink side of a node: ports of its GPUs and the switches between them.

Every GPU has links to every switch, so that it can send to any other GPU with all of them. For the transfers of a
collective a GPU is therefore two links: what leaves it ("out", rank) and what enters it ("in", rank).

Leaves out  single links and switches, packets, ordering.
Checked by  tests/comm/test_nccl.py
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from chipweave.component import Component, Param, Port, component


@dataclass(frozen=True)
class Fabric:
    """What a collective sees of a node.

    ranks           GPUs there are
    bandwidth       payload of one GPU's links, one direction, bytes/s
    exchange_share  of it, when every GPU sends to several at once
    adapter         payload of one GPU's network adapter, one direction, bytes/s; 0: the node stands alone
    """

    ranks: int
    bandwidth: Fraction
    exchange_share: Fraction = Fraction(1)
    adapter: Fraction = Fraction(0)

    def links(self, ranks: int, exchange: bool = False) -> dict[Any, Any]:
        """link -> bytes/s for the first `ranks` GPUs; `exchange`: each sends to all others at once."""
        if not 2 <= ranks <= self.ranks:
            raise ValueError(f"{ranks} GPUs on a node of {self.ranks}")
        rate = self.bandwidth * self.exchange_share if exchange and ranks > 2 else self.bandwidth
        return {(way, rank): rate for rank in range(ranks) for way in ("out", "in")}


@component("node.nvlink_port")
class NvlinkPort(Component):
    "The NVLinks of one GPU."

    network = Port(uses="network", doc="to the switches")
    link_count = Param("count", default=18, low=1, of="H100", doc="NVLinks of the GPU")
    link_bandwidth = Param("bandwidth", default="25 GB/s", of="H100", doc="one link, one direction, nominal")


@component("node.nvswitch")
class Nvswitch(Component):
    """The switches of a node, as one: full bandwidth for permutations, a share of it in an exchange of all ports."""

    exchange_share = Param(
        "share",
        default="85 %",
        low="1 %",
        high="100 %",
        of="H100",
        doc="of a port's payload when it exchanges with several ports at once",
    )

    def fabric(self, network: Any, adapter: Any = None) -> Any:
        """The `Fabric` of the node's NVLink network (a `chipweave.noc.graph_network.Network`): its slowest port counts.

        `adapter`: the node.network_adapter of each GPU, or None.
        """
        slowest = min(network.bandwidth)
        return Fabric(len(network.endpoints), slowest, self.exchange_share, adapter.payload if adapter else Fraction(0))


@component("node.network_adapter")
class NetworkAdapter(Component):
    "A GPU's own adapter to the network between nodes."

    bandwidth = Param("bandwidth", default="50 GB/s", doc="one direction, nominal")
    packet = Param("bytes", default="4096 B", low="1 B", doc="largest payload of a packet")
    overhead = Param("bytes", default="82 B", doc="headers, checksums and gap of a packet")

    @property
    def payload(self) -> Fraction:
        """bytes/s of payload, one direction."""
        return self.bandwidth * self.packet / (self.packet + self.overhead)


@component("node.pcie_host_link")
class PcieHostLink(Component):
    "PCIe between a GPU and its host: a wire with latency and payload bandwidth."

    bandwidth = Param("bandwidth", default="64 GB/s", doc="one direction, nominal")
    efficiency = Param("share", default="86 %", low="1 %", high="100 %", doc="payload over all bytes on the wire")
    latency = Param("time", default="1 us", doc="a posted write, GPU to host memory")

    def time(self, size: Any) -> Any:
        """ps until `size` bytes are over."""
        return self.latency + int(size * 10**12 / (self.bandwidth * self.efficiency))
