"""SM cluster of one die whose GEMM time comes from a table of utilisation.

Models      the slice of one expert (one of its three matrices) for n tokens: 2 x weights x n flop at peak x
            utilisation(n), the table being that of the model (calibrated by the paper to H100 GEMMs, arXiv 2510.05497).
            One slice at a time; it starts when its weights are there.
            With a characterised table (docs/two_speeds.md) the rows are those of the measured expert of the same size.
Leaves out  tiles and waves (sm.tile has them), overlap of a slice's load with its own computation.
Checked by  tests/components/test_sm_cluster_table.py
"""

from __future__ import annotations

from typing import Any

from chipweave.chain import DONE, Steps, amount
from chipweave.component import Param, Port, characterised, component
from chipweave.component.broadcast import Cast
from chipweave.component.controller import Controller
from chipweave.component.kernel_launch import Report
from chipweave.component.staged import Staged
from chipweave.component.transfer_operands import OPERANDS


@component("sm.utilisation_table")
class SmClusterTable(Staged, Controller):
    """All SMs of a die as one unit with a utilisation table."""

    memory = Port(
        uses="memory.access", many=True, doc="where weights are read from: the die's LLC; several take slices in turn"
    )
    work = Port(provides="cp.kernel", doc="sub-kernels from the die's local CP")

    dealt_by = "expert"  # several clusters on a die take experts in turn

    peak = Param("compute", default="989 TFLOPS", low="1 flop/s", each=True, doc="dense FP16 peak of the die")
    round_to = Param("time", default="1 ps", low="1 ps", each=True, doc="times are rounded up to this")
    table = Param(
        "str",
        default=None,
        doc="characterised table, shipped or a path, in place of the model's own rows where it has the model's size",
    )

    def declare(self, layout: Any, work: Any) -> None:
        """The compute units of all dies, and the chain of one expert slice."""
        self.units = layout.resources(self.group, len(self.replicas), [p.name for p in self.replicas])
        self.lasts = self.duration(work)

    def facts(self) -> dict[str, Any]:
        """What policies may build on: the peak of each die."""
        return {"compute": self.each("peak")}

    def publish(self, layout: Any) -> Any:
        """The chain of one slice: read its weights, then compute."""
        chain = layout.chain("slice", OPERANDS, priority="remote")
        compute = chain.hold("gemm", self.units.at("die"), self.lasts, then=DONE)
        chain.start = self.ask("memory", "access", chain, deal_by="line", at="die", home="home", then=compute)
        return chain

    def utilisation(self, work: Any) -> tuple[tuple[Any, ...], ...]:
        """Rows (tokens up to, share of the peak): of the characterised table, else of the model."""
        return self.table and characterised.load(self.table).utilisation_of(work.slice_bytes) or work.utilisation

    def duration(self, work: Any) -> Steps:
        """2 x weights x tokens flop at peak x utilisation, rounded up."""
        rows = self.utilisation(work)
        upto = tuple(limit for limit, _ in rows[:-1])
        flop = amount(("tokens", work.flop_per_token))

        def of(part: Any) -> Any:
            rates = tuple(part.peak * share for _, share in rows)
            return Steps("tokens", flop, upto, rates, quantum_ps=part.round_to)

        return self.by_die("die", of)

    def begin(self, simulation: Any, run: Any) -> None:
        """Find the way back once: it is taken in every layer."""
        super().begin(simulation, run)
        self.to_local_cps = Cast(self, "work")

    def on_work(self, sub_kernel: Any) -> None:
        """A sub-kernel has come: its part of the kernel starts; a `Report` goes back when the kernel has ended."""
        sub_kernel.kernel.start(sub_kernel.dies, self.kernel_ended)

    on_work_all = on_work

    def kernel_ended(self, kernel: Any, dies: Any) -> None:
        """Tell the local CPs."""
        self.to_local_cps.send(Report(kernel, dies))
