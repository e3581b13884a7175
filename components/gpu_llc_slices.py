"""The L2 of a GPU die at line rate, in slices of two partitions (csrc/behaviours/llc_slice/llc_slice.c).

Models      near and far hits, home lines and copies in one pool, lines and sectors, a data port a slice with queue, the
            coalescer before it, write-back, the door to memory.
Leaves out  compression, atomics, persistence hints.
Checked by  tests/die
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from chipweave.component import Component, Param, Port, component
from chipweave.line_rate.passed import Passed, passed

LINE = 128
FEMTO = 10**15


@component("gpu.llc_slices")
class GpuLlcSlices(Component):
    """All slices of one die: slice j of partition p is number p * slices / 2 + j."""

    engine = "endpoint"
    behaviour = "llc_slice"

    near = Port(provides="memory.lines", many=True, doc="requests of the SMs (and doors) of the slice's partition")
    memory = Port(uses="memory.bursts", doc="fills and write-backs of home lines")

    slices = Passed("llc_slice", "slices")
    slice_capacity = Param("bytes", low="1 KiB", doc="data of one slice")
    ways = Passed("llc_slice", "ways", default=16)
    latency = Param("time", low="1 ps", rounding=True, doc="request in to answer out, on a hit")
    slice_bandwidth = Param("bandwidth", low="1 B/s", doc="data port of one slice")
    partition_link = Param("time", low="1 ps", rounding=True, doc="one way between the two partitions")
    memory_wire = Param("time", low="1 ps", rounding=True, doc="one way between a slice and its memory channel")
    memory_port = Param("bandwidth", low="1 B/s", doc="between a slice and its memory channel, each direction")
    fill = Param("bytes", default="64 B", low="32 B", high="128 B", doc="least that a fill requests from memory")
    write_backs = Passed("llc_slice", "write_backs", default=32)
    unit = Passed("llc_slice", "unit", default=4, more="a guess")
    request_bytes = Passed("llc_slice", "request_bytes", default=0)

    def endpoints(self) -> Any:
        """Parameters of every slice."""
        channels = self.links["memory"][0][0].channel_count
        share = max(1, self.slices // channels)
        common = passed(self) | {
            "sets": self.slice_capacity // (LINE * self.ways),
            "latency": self.latency,
            "sector_fs": round(Fraction(32 * FEMTO) / self.slice_bandwidth),
            "fill": self.fill // 32,
            "channel_share": share,
        }
        half = self.slices // 2
        return [common | {"partition": p, "channel_index": (2 * j + p) % share} for p in (0, 1) for j in range(half)]

    def inner_wires(self) -> Any:
        """The links between the partitions: slice j of one to slice j of the other."""
        half = self.slices // 2
        return [(j, "peer", half + j, "peer", self.partition_link) for j in range(half)]

    def lanes(self, port: str, index: int, other: Any) -> list[int]:
        """The channel of a slice: homes are dealt to the partitions in turn."""
        half = self.slices // 2
        dealt = 2 * (index % half) + index // half
        return [dealt * other.channel_count // self.slices]

    def wire_latency(self, port: str) -> int:
        """ps of each wire of a port."""
        return self.memory_wire

    def rates(self) -> dict[str, tuple[int, int]]:
        """ps a KiB at the memory port."""
        per_kib = round(Fraction(1024 * 10**12) / self.memory_port)
        return {"memory": (per_kib, per_kib)}
