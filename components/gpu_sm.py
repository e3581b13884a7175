"""The SMs of a GPU die at line rate: every load and store, line by line (csrc/behaviours/sm.c).

Models      warps in order with loads in flight, blocks that follow one another, L1 with lines and sectors, load-store
            unit with banks and tags, a limit of sectors in flight, addresses dealt to slices and 2 MiB pages.
Leaves out  instruction issue, register and shared-memory limits, TLBs; blocks are dealt to SMs in turn.
Checked by  tests/die
"""

from chipweave.component import Component, Param, Port, component

LINE = 128


@component("gpu.sm")
class GpuSm(Component):
    """All SMs of one die; even ones belong to partition 0 of the L2, odd ones to partition 1."""

    engine = "endpoint"
    behaviour = "sm"

    memory = Port(uses="memory.lines", doc="lines asked of the L2 slices of the SM's own partition")

    sms = Param("int", low=1, doc="streaming multiprocessors")
    clock = Param("frequency", low="1 MHz", doc="SM clock")
    l1 = Param("bytes", low="1 KiB", doc="data capacity of L1")
    l1_ways = Param("int", default=2, low=1, doc="lines of an L1 set")
    hit_cycles = Param("int", low=1, doc="load to use on an L1 hit")
    miss_cycles = Param("int", low=0, doc="part of the way to L2 and back that runs in the SM clock")
    lsu_permille = Param("int", low=1, doc="cycles of the load-store unit for 128 B, times 1000")
    load_sectors = Param("int", low=4, doc="sectors of loads in flight beyond L1, one SM")
    store_sectors = Param("int", low=4, doc="sectors of stores in flight, one SM")
    turnaround = Param("int", low=0, doc="SM cycles from a block's end to the first instruction of the next in its place")
    warp_launch = Param("int", default=1, low=0, doc="SM cycles between the starts of two warps")
    port_bytes = Param("int", low=1, doc="bytes a cycle between an SM and the crossbar, each direction")
    crossbar = Param("time", low="1 ps", rounding=True, doc="one way between an SM and a slice of its partition")
    request_bytes = Param("int", default=0, low=0, doc="header of a message on the crossbar")

    def endpoints(self):
        """Parameters of every SM."""
        slices = self.links["memory"][0][0].slices
        common = {"clock": int(self.clock), "l1_sets": max(1, self.l1 // (LINE * self.l1_ways)), "slices": slices}
        same = ("l1_ways", "hit_cycles", "miss_cycles", "lsu_permille", "load_sectors", "store_sectors", "turnaround", "warp_launch", "request_bytes")
        common |= {name: getattr(self, name) for name in same}
        return [common | {"partition": i % 2} for i in range(self.sms)]

    def lanes(self, port, index, other):
        """Slices of the SM's partition, in the order in which addresses are dealt."""
        return range(index % 2 * other.slices // 2, (index % 2 + 1) * other.slices // 2)

    def wire_latency(self, port):
        """ps of each wire of a port."""
        return self.crossbar

    def rates(self):
        """ps a KiB out of and into each SM's port."""
        per_kib = round(1024 * 10**12 / (self.port_bytes * self.clock))
        return {"memory": (per_kib, per_kib)}
