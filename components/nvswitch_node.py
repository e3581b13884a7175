"""The NVLink side of a node: ports of its GPUs and the switches between them.

Every GPU has `link_count` NVLinks, spread over the switches, so that it can send to any other GPU with all of them. For the
transfers of a collective a GPU is two links: what leaves it ("out", rank) and what enters it ("in", rank).
"""

from chipweave.component import Component, Param, component


@component("node.nvlink_port")
class NvlinkPort(Component):
    "The NVLinks of one GPU: how many, how fast, and what share of them carries payload."
    link_count = Param("count", default=18, low=1, doc="NVLinks of the GPU (H100 SXM5: 18; H800: 8)")
    link_bandwidth = Param("bandwidth", default="25 GB/s", doc="one link, one direction, as stated by the maker (450 GB/s / 18)")
    payload_bandwidth = Param("bandwidth", default="20.6 GB/s", doc="one link's payload: NCCL's SM90_NVLINK_BW; 18 of them are the 370 GB/s its maintainers name as the cap")

    @property
    def bandwidth(self):
        """Payload of all links, one direction, bytes/s."""
        return self.link_count * self.payload_bandwidth


@component("node.nvswitch")
class Nvswitch(Component):
    "The switches of a node, as one: full bandwidth for permutations, a share of it when every port sends to every other."
    exchange_share = Param("share", default="85 %", low="1 %", high="100 %", doc="of a port's payload when it exchanges with several ports at once (NCCL's nvlsEfficiency of Hopper)")

    def shared(self, port, ranks, exchange=False):
        """link -> bytes/s of a node of `ranks` GPUs with `port`; `exchange`: every port sends to several."""
        several = exchange and ranks > 2
        rate = port.bandwidth * self.exchange_share if several else port.bandwidth
        return {(way, rank): rate for rank in range(ranks) for way in ("out", "in")}


@component("node.pcie_host_link")
class PcieHostLink(Component):
    "PCIe between a GPU and its host: a wire with latency and payload bandwidth."
    bandwidth = Param("bandwidth", default="64 GB/s", doc="PCIe Gen5 x16, one direction, nominal")
    efficiency = Param("share", default="86 %", doc="payload of 256-byte packets over payload, header, CRC and 1b/1b flits at Gen5 with 128b/130b")
    latency = Param("time", default="1 us", doc="posted write, GPU to host memory")

    def time(self, size):
        """ps until `size` bytes are over."""
        return self.latency + int(size * 10**12 / (self.bandwidth * self.efficiency))
