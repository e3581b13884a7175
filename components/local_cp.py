"""Local command processor of one die: takes sub-kernels from the global CP, starts them, reports back.

Models      programs the PDU with the prediction bits it was sent, starts its part of the kernel after the dispatch
            time, reports when the kernel has ended (arXiv 2510.05497, IV-E3).
Leaves out  how work is dealt to the SMs inside the die: the SM cluster is one unit to it.
Checked by  tests/components/test_command_processors.py
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from chipweave.component import Param, Port, Stat, component
from chipweave.component.broadcast import Cast
from chipweave.component.controller import Controller


@component("cp.local")
class LocalCp(Controller):
    """Command processor of one die."""

    launch = Port(provides="cp.launch", doc="sub-kernels with prediction bits; reports go back on it")
    control = Port(uses="network", optional=True, doc="a network that wires of control lead over (`over`)")
    kernel = Port(
        uses="cp.kernel", many=True, doc="the die's SM cluster; of several the first starts the kernel for all"
    )
    pdu = Port(uses="d2d.prediction", doc="prediction bits for the die's D2D router")

    dispatch_time = Param("time", default="0 ps", doc="sub-kernel received to its start; the paper gives no cost")

    report_size = Param(
        "bytes", default="0 B", doc="the message that a kernel has ended; not published, and 0 takes the latency alone"
    )

    kernels = Stat("kernels", "sub-kernels started")

    def begin(self, simulation: Any, run: Any) -> None:
        """Find the ways out once: they are taken in every layer."""
        super().begin(simulation, run)
        self.to_clusters, self.to_global, self.to_pdus = (Cast(self, port) for port in ("kernel", "launch", "pdu"))
        self.launched: Counter[tuple[int, ...]] = Counter()  # sub-kernels by the dies they were for, not in `stats` yet

    def settle(self) -> None:
        """Count for every die what has been launched: a launch itself costs the same for any number of dies."""
        for dies, times in self.launched.items():
            for die in dies:
                self.replicas[die].stats["kernels"] += times
        self.launched.clear()

    def on_launch(self, sub_kernel: Any) -> None:
        """A `SubKernel` has come from the global CP, for this die or for several of the group."""
        self.launched[sub_kernel.dies] += 1
        sub_kernel = replace(sub_kernel, each=0) if sub_kernel.each else sub_kernel  # within the die it has no size
        if sub_kernel.mask is not None:
            self.to_pdus.send(sub_kernel)
        self.to_clusters.send(sub_kernel, after=self.dispatch_time)

    on_launch_all = on_launch

    def on_kernel(self, report: Any) -> None:
        """The SM clusters have ended: pass their `Report` on."""
        self.to_global.send(replace(report, each=self.report_size) if self.report_size else report)

    on_kernel_all = on_kernel
