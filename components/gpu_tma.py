"""The SMs' engines of bulk copies (tensor memory accelerators) at line rate (csrc/behaviours/tma/tma.c).

Models      a command with its descriptor, a box of lines at a line a cycle, lines under way, the mbarrier that counts
            bytes; the
            engine's lines share the SM's port to memory with its loads, and each takes a wavefront of its shared
            memory.
Leaves out  swizzles, out-of-bounds fill, multicast, reductions.
Checked by  tests/die/test_bulk_copies.py
"""

from __future__ import annotations

from chipweave.component import Component, Param, Port, component


@component("gpu.tma")
class GpuTma(Component):
    """The engines of all SMs of one die."""

    engine = "endpoint"
    behaviour = "tma"

    sm = Port(provides="sm.copies", doc="commands, and lines on their way")

    setup_cycles = Param("int", low=0, doc="SM cycles from a command's arrival to its first line")
    line_cycles = Param("int", default=1, low=1, doc="SM cycles between two lines")
    lines = Param("int", low=1, doc="lines under way at a time")

    def endpoints(self) -> list[dict[str, int]]:
        """Parameters of every engine."""
        sm = self.links["sm"][0][0]
        return [
            {
                "clock": int(sm.clock),
                "setup_cycles": self.setup_cycles,
                "line_cycles": self.line_cycles,
                "lines": self.lines,
            }
        ] * sm.sms
