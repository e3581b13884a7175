"""Global command processor: plans each MoE layer over the dies, launches it, keeps the expert distribution table.

Models      per layer: allocation and prediction by the run's policies, a sub-kernel with prediction bits to each
            local CP, a barrier on their reports, the table of copies brought up to date before the next plan
            (arXiv 2510.05497, IV-E1 to E3). Where it sits is a matter of wiring: on the wafer, or on the host behind
            a host.link.
Leaves out  the size of plans and reports on the wire; the heat map's own memory traffic.
Checked by  tests/components/test_command_processors.py
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chipweave.component import Param, Port, Stat, component
from chipweave.component.broadcast import Cast
from chipweave.component.controller import Controller
from chipweave.component.kernel_launch import Kernel, SubKernel, read_only
from chipweave.component.transfer_operands import Rows
from chipweave.errors import BadInput
from chipweave.policy.guard import mask_of, plan_of


@component("cp.global")
class GlobalCp(Controller):
    """Command processor of the whole wafer."""

    launch = Port(uses="cp.launch", many=True, doc="sub-kernels to the local CPs, reports from them")

    plan_time = Param(
        "time", default="0 ps", doc="allocation and prediction of one layer; the artifact charges nothing"
    )
    layer_time = Param(
        "choice",
        default="control",
        choices=("control", "kernel"),
        doc="a layer lasts from its plan to the last report (control) or from its first transfer to its last (kernel)",
    )

    capacity = Param(
        "choice",
        default="enforced",
        choices=("enforced", "reported"),
        doc="what happens where home weights do not fit the dies: an error, or a note in the result",
    )
    usable_hbm = Param(
        "share", default=0.9, low=0.01, high=1, doc="of a die's HBM that weights may take, where enforced"
    )

    layers_planned = Stat("layers", "plans made")

    def begin(self, simulation: Any, run: Any) -> None:
        """Make the table of holders of every expert of every layer, in slices; check that the model fits."""
        super().begin(simulation, run)
        self.run, self.work, self.policies = run, run.work, run.policies
        self.holders = run.held * np.uint8(self.work.slices)
        self.reports, self.to_dies = 0, Cast(self, "launch", run.workers)
        self.all_reported: Any = None  # an event of SimPy
        self.rows = Rows(self.work, run.home)
        self.bits_set = False  # whether any PDU holds a bit
        self.check_fit()
        run.done = simulation.process(self.serve())

    def check_fit(self) -> None:
        """Whether the home weights fit the dies: a fault where capacity is enforced, a note of the result otherwise."""
        held, room = self.run.held.sum(axis=(0, 1), dtype=np.int64), self.run.facts["hbm_bytes"]
        homes = -(
            -held // len(self.work.layers)
        )  # experts of one layer on a die; of unequal layers the mean, rounded up
        share = self.usable_hbm if self.capacity == "enforced" else 1
        sizes = sorted({(-int(n), int(bytes)) for n, bytes in zip(homes, room, strict=False) if n})
        fits = [self.run.model.fit(self.run.dies, bytes, share, -n) for n, bytes in sizes]
        fit = max(fits, key=lambda each: each.overflow_bytes)
        if fit.overflow_bytes and self.capacity == "enforced":
            raise BadInput(fit.fault())
        self.run.notes["hbm_overflow_bytes_per_die"] = fit.overflow_bytes

    def serve(self) -> Iterator[Any]:
        """The process: one layer after the other until the workload ends."""
        for job in self.run.jobs(self.holders):
            yield from self.layer(job)

    def layer(self, job: Any) -> Iterator[Any]:
        """Plan, launch, wait for the reports, learn what was copied."""
        asked = self.simulation.now
        plan = plan_of(self.policies.allocation, job.view)
        mask = self.predict(job, plan)
        self.layers_planned += 1
        if self.plan_time:
            yield self.simulation.wait(self.plan_time)
        operands = self.rows.of(plan, job.layer_index)
        workers = self.run.workers
        kernel = Kernel(self.simulation, self.run.chain, operands, len(workers), self.work.slices, "line")
        self.reports, self.all_reported = len(workers), self.simulation.event()
        self.to_dies.send(SubKernel(kernel.number, workers, read_only(mask)))
        yield self.all_reported
        self.learn(self.run.copies_changed())
        begin, end = (kernel.begin, kernel.end) if self.layer_time == "kernel" else (asked, self.simulation.now)
        self.run.layer_done(job, plan, begin, end)

    def predict(self, job: Any, plan: Any) -> np.ndarray | None:
        """Prediction bits for the PDUs, or None where these hold the right ones already (all zero, from layer to
        layer)."""
        if not (self.policies.prediction.predicts and self.work.keeps_copies):
            return None
        mask = mask_of(self.policies.prediction, job.view, plan)
        if isinstance(self.work.keeps_copies, tuple):
            mask = mask * np.array(self.work.keeps_copies, mask.dtype)[:, None]  # no room, no copy
        were_set, self.bits_set = self.bits_set, bool(mask.any())
        return mask if self.bits_set or were_set else None

    def on_launch(self, report: Any) -> None:
        """Local CPs report the end of their parts."""
        self.reports -= len(report.dies)
        if not self.reports:
            self.all_reported.succeed()

    on_launch_all = on_launch

    def learn(self, changes: np.ndarray) -> None:
        """Bring the table of holders up to date: `changes` has rows (die, line, +1 stored or -1 dropped)."""
        if len(changes):
            of_all_layers = self.holders.reshape(-1, self.run.dies)
            die, line, sign = changes.T
            np.add.at(of_all_layers, (line // self.work.slices, die), sign.astype(of_all_layers.dtype))
