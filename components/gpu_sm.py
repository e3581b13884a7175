"""The SMs of a GPU die at line rate: every load and store, line by line (csrc/behaviours/sm/sm.c).

Models      warps in order with loads in flight, blocks that follow one another, L1 with lines and sectors, load-store
            unit with wavefronts, banks and tags, a limit of sectors in flight, addresses dealt to slices and 2 MiB
            pages, shared memory, that of the other SMs of a cluster, mbarriers of bulk copies, launches by a command
            processor.
Leaves out  instruction issue, register and shared-memory limits, TLBs; blocks are dealt to SMs in turn.
Checked by  tests/die
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from chipweave.component import Component, Param, Port, component
from chipweave.line_rate.passed import Passed, passed

LINE = 128


@component("gpu.sm")
class GpuSm(Component):
    """All SMs of one die; even ones belong to partition 0 of the L2, odd ones to partition 1."""

    engine = "endpoint"
    behaviour = "sm"

    memory = Port(uses="memory.lines", doc="lines requested from the L2 slices of the SM's own partition")

    cluster = Port(uses="sm.network", optional=True, doc="shared memory of the other SMs of the GPC")
    copies = Port(
        uses="sm.copies", optional=True, doc="commands for the SM's engine of bulk copies, and the lines it asks for"
    )
    front = Port(provides="sm.launches", optional=True, doc="kernels to start, and word of their end")

    sms = Param("int", low=1, doc="streaming multiprocessors")
    clock = Param("frequency", low="1 MHz", doc="SM clock")
    l1 = Param("bytes", low="1 KiB", doc="data capacity of L1")
    l1_ways = Passed("sm", "l1_ways", default=2)
    hit_cycles = Passed("sm", "hit_cycles")
    miss_cycles = Passed("sm", "miss_cycles")
    gpcs = Param("int", default=8, low=1, doc="GPCs; pairs of SMs (TPCs) are dealt to them in turn")
    lsu_bytes = Passed("sm", "lsu_bytes", default=128)
    lsu_banks = Passed("sm", "lsu_banks", default=32)
    lsu_tags = Passed("sm", "lsu_tags", default=4)
    lsu_slots = Passed("sm", "lsu_slots", default=0)
    shared_cycles = Passed("sm", "shared_cycles", default=29)
    load_sectors = Passed("sm", "load_sectors")
    store_sectors = Passed("sm", "store_sectors")
    turnaround = Passed("sm", "turnaround")
    warp_launch = Passed("sm", "warp_launch", default=1)
    port_bytes = Param("int", low=1, doc="bytes a cycle between an SM and the crossbar, each direction")
    crossbar = Param("time", low="1 ps", rounding=True, doc="one way between an SM and a slice of its partition")
    unit = Passed("sm", "unit", default=4, more="a guess")
    request_bytes = Passed("sm", "request_bytes", default=0)

    def endpoints(self) -> list[dict[str, int]]:
        """Parameters of every SM."""
        slices = self.links["memory"][0][0].slices
        common = {"clock": int(self.clock), "l1_sets": max(1, self.l1 // (LINE * self.l1_ways)), "slices": slices}
        common |= passed(self)
        return [common | {"partition": i % 2, "rank": rank} for i, (_, rank) in enumerate(self.places)]

    @cached_property
    def places(self) -> list[tuple[int, int]]:
        """(GPC, rank in it) of every SM. TPCs are dealt to the GPCs in turn; SMs of even and odd GPCs are numbered by
        turns, as they belong to the partitions of the L2."""
        sides: list[list[int]] = [[], []]
        for sm in range(self.sms):
            gpc = sm // 2 % self.gpcs
            sides[gpc % 2].append(gpc)
        sides.sort(key=len, reverse=True)
        longer, shorter = sides
        gpcs = [g for pair in zip(longer, shorter, strict=False) for g in pair] + longer[len(shorter) :]
        taken = [0] * self.gpcs
        places = []
        for gpc in gpcs:
            places.append((gpc, taken[gpc]))
            taken[gpc] += 1
        return places

    def clusters(self, size: int) -> list[list[int]]:
        """SM numbers of every cluster of `size` SMs that fits: a cluster lies in one GPC."""
        in_gpc = [[i for i, (g, _) in enumerate(self.places) if g == gpc] for gpc in range(self.gpcs)]
        return [sms[k : k + size] for sms in in_gpc for k in range(0, len(sms) - size + 1, size)]

    def lanes(self, port: str, index: int, other: Any) -> list[int] | range:
        """Slices of the SM's partition, in the order in which addresses are dealt; its GPC's network; its own engine of
        copies."""
        if port == "cluster":
            return [self.places[index][0]]
        if port == "copies":
            return [index]
        return range(index % 2 * other.slices // 2, (index % 2 + 1) * other.slices // 2)

    def wire_latency(self, port: str) -> int:
        """ps of each wire of a port; within an SM and its GPC the behaviours count the time, and a wire takes the least
        there is."""
        return self.crossbar if port == "memory" else 1

    def rates(self) -> dict[str, tuple[int, int]]:
        """ps a KiB out of and into each SM's port to memory."""
        per_kib = round(1024 * 10**12 / (self.port_bytes * self.clock))
        return {"memory": (per_kib, per_kib)}
