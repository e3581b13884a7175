"""The SMs' engines of bulk copies (tensor memory accelerators) at line rate (csrc/behaviours/tma/tma.c).

Models      a command with its descriptor, a box of lines at a line a cycle, lines under way, the mbarrier that counts
            bytes; the
            engine's lines share the SM's port to memory with its loads, and each takes a wavefront of its shared
            memory.
Leaves out  swizzles, out-of-bounds fill, multicast, reductions.
Checked by  tests/die/test_bulk_copies.py
"""

from __future__ import annotations

from chipweave.component import Component, Port, component
from chipweave.line_rate.passed import Passed, passed


@component("gpu.tma")
class GpuTma(Component):
    """The engines of all SMs of one die."""

    engine = "endpoint"
    behaviour = "tma"

    sm = Port(provides="sm.copies", doc="commands, and lines on their way")

    setup_cycles = Passed("tma", "setup_cycles")
    line_cycles = Passed("tma", "line_cycles", default=1)
    lines = Passed("tma", "lines")

    def endpoints(self) -> list[dict[str, int]]:
        """Parameters of every engine."""
        sm = self.links["sm"][0][0]
        return [{"clock": int(sm.clock)} | passed(self)] * sm.sms
