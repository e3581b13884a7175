"""Host link: what a global CP on the host pays to reach the wafer's local CPs.

Models      every message takes the link's latency plus its share of the per-layer round trip: PCIe, driver and the
            read of the expert distribution table (arXiv 2510.05497, figure 15: 12 to 35 us per MoE layer, implied).
Leaves out  PCIe ordering, retries, the driver's own queues.
Checked by  tests/components/test_command_processors.py
"""

from __future__ import annotations

from typing import Any

from chipweave.component import Param, Port, Stat, component
from chipweave.component.broadcast import Cast
from chipweave.component.controller import Controller


@component("host.link")
class HostLink(Controller):
    """PCIe between the host's global CP and the local CPs."""

    host = Port(provides="cp.launch", many=True, doc="the global CP: one wire for all dies")
    wafer = Port(uses="cp.launch", many=True, doc="the local CPs")
    control = Port(uses="network", optional=True, doc="a network that wires of control lead over (`over`)")

    one_way = Param(
        "time", default="10 us", low="1 ps", doc="half of the per-layer round trip: a plan out, or the reports back"
    )

    messages = Stat("messages", "messages carried")

    def begin(self, simulation: Any, run: Any) -> None:
        """Find the ways out once."""
        super().begin(simulation, run)
        self.to_dies, self.to_host = Cast(self, "wafer"), Cast(self, "host")

    def on_host(self, sub_kernel: Any) -> None:
        """Sub-kernels on their way to their dies."""
        self.messages += len(sub_kernel.dies)
        self.to_dies.send(sub_kernel, after=self.one_way)

    on_host_all = on_host

    def on_wafer(self, report: Any) -> None:
        """Reports on their way back."""
        self.messages += len(report.dies)
        self.to_host.send(report, after=self.one_way)

    on_wafer_all = on_wafer
