"""What every SM cluster of a die does: read the slice of an expert, compute, report; how long is the kind's own.

Models      one slice at a time on a die; it starts when its weights are there. Kinds derive from this and say
            `duration`.
Leaves out  overlap of a slice's load with its own computation.
Checked by  tests/components/test_sm_cluster_table.py, tests/kernels/test_sm_cluster_tile.py
"""

from __future__ import annotations

from typing import Any

from chipweave.chain import DONE
from chipweave.component import Port
from chipweave.component.broadcast import Cast
from chipweave.component.controller import Controller
from chipweave.component.kernel_launch import Report
from chipweave.component.staged import Staged
from chipweave.component.transfer_operands import OPERANDS


class SmCluster(Staged, Controller):
    """All SMs of a die as one unit."""

    memory = Port(
        uses="memory.access", many=True, doc="where weights are read from: the die's LLC; several take slices in turn"
    )
    work = Port(provides="cp.kernel", doc="sub-kernels from the die's local CP")

    time_class = "compute"
    dealt_by = "expert"  # several clusters on a die take experts in turn

    def declare(self, layout: Any, work: Any) -> None:
        """The compute units of all dies, and the chain of one expert slice."""
        self.units = layout.resources(self.group, len(self.replicas), [p.name for p in self.replicas])
        self.lasts = self.duration(work)

    def publish(self, layout: Any) -> Any:
        """The chain of one slice: read its weights, then compute."""
        chain = layout.chain("slice", OPERANDS, priority="remote")
        compute = chain.hold("gemm", self.units.at("die"), self.lasts, then=DONE)
        chain.start = self.ask("memory", "access", chain, deal_by="line", at="die", home="home", then=compute)
        return chain

    def duration(self, work: Any) -> Any:
        """The rule (chipweave.chain) of how long one slice takes, by the operands `die` and `tokens`."""
        raise NotImplementedError

    def begin(self, simulation: Any, run: Any) -> None:
        """Find the way back once: it is taken in every layer."""
        super().begin(simulation, run)
        self.to_local_cps = Cast(self, "work")

    def on_work(self, sub_kernel: Any) -> None:
        """A sub-kernel has come: its part of the kernel starts; a `Report` goes back when the kernel has ended."""
        self.simulation.kernels[sub_kernel.kernel].start(sub_kernel.dies, self.kernel_ended)

    on_work_all = on_work

    def kernel_ended(self, kernel: Any, dies: Any) -> None:
        """Tell the local CPs."""
        self.to_local_cps.send(Report(kernel.number, dies))
