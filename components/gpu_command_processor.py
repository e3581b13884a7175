"""The command processor of a GPU die: launches one behind the other
(csrc/behaviours/command_processor/command_processor.c).

Models      the host's call until a launch stands in the queue, the start of a kernel announced to every SM, the wait
            for all blocks and stores, the gap before the next launch, by stream or from a graph.
Leaves out  concurrent kernels, priorities, copies of its own; the host's software is in the two fixed times.
Checked by  tests/die/test_launches.py
"""

from __future__ import annotations

from typing import Any

from chipweave.component import Component, Param, Port, component
from chipweave.line_rate.passed import Passed, passed


@component("gpu.command_processor")
class GpuCommandProcessor(Component):
    """One command processor."""

    engine = "endpoint"
    behaviour = "command_processor"

    sms = Port(uses="sm.launches", doc="all SMs")

    way = Param(
        "choice",
        choices=("stream", "graph"),
        default="stream",
        doc="how launches are handed in: one by one, or as a graph",
    )
    call = Param(
        "time", default="0 ps", low="0 ps", rounding=True, doc="the host's call until the launch stands in the queue"
    )
    stream_gap = Param(
        "time", low="0 ps", rounding=True, doc="a kernel's end to the next one's start, launched one by one"
    )
    graph_gap = Param("time", low="0 ps", rounding=True, doc="the same within a graph")
    deal_cycles = Passed("command_processor", "deal_cycles", default=1)

    def endpoints(self) -> list[dict[str, int]]:
        """Parameters of the command processor."""
        sm = self.links["sms"][0][0]
        gap = self.graph_gap if self.way == "graph" else self.stream_gap
        return [
            {"clock": int(sm.clock), "sms": sm.sms, "call_ps": self.call, "gap_ps": gap} | passed(self),
        ]

    def lanes(self, port: str, index: int, other: Any) -> range:
        """Every SM."""
        return range(other.sms)

    def wire_latency(self, port: str) -> int:
        """ps: the least that a wire takes; what the way takes is in the gaps."""
        return 1
