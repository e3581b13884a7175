"""Global command processor: plans each MoE layer over the dies, launches it, keeps the expert distribution table.

Models      per layer: allocation and prediction by the run's policies, a sub-kernel with prediction bits to each
            local CP, a barrier on their reports, the table of copies brought up to date before the next plan
            (arXiv 2510.05497, IV-E1 to E3). Where it sits is a matter of wiring: on the wafer, or on the host behind
            a host.link. With tokens: moved, dispatch before the experts and combine after them, each a barrier.
Leaves out  that a plan grows with its entries (`launch_size` is one figure); the heat map's own memory traffic;
            dispatch or combine beside the experts' own computation, scales of FP8 vectors.
Checked by  tests/components/test_command_processors.py
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from chipweave.component import Param, Port, Stat, component
from chipweave.component.broadcast import Cast
from chipweave.component.controller import Controller
from chipweave.component.kernel_launch import Kernel, SubKernel
from chipweave.component.token_moves import CHAIN, TokenMoves
from chipweave.component.transfer_operands import MOVES, Rows
from chipweave.errors import BadInput
from chipweave.policy.guard import mask_of, plan_of
from chipweave.policy.view import read_only


@component("cp.global")
class GlobalCp(Controller):
    """Command processor of the whole wafer."""

    launch = Port(uses="cp.launch", many=True, doc="sub-kernels to the local CPs, reports from them")
    control = Port(uses="network", optional=True, doc="a network that wires of control lead over (`over`)")

    plan_time = Param(
        "time", default="0 ps", doc="allocation and prediction of one layer; the artifact charges nothing"
    )
    launch_size = Param(
        "bytes",
        default="0 B",
        doc="a sub-kernel's message to one die; not published, and 0 takes its way's latency alone",
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

    tokens = Param(
        "choice",
        default="off",
        choices=("off", "moved"),
        doc="whether tokens' vectors travel to the dies that compute their experts (dispatch) and back (combine)",
    )
    token_sends = Param(
        "choice",
        default="expert",
        choices=("expert", "die"),
        doc="a token goes to a die once for each of its experts there (DeepEP's low-latency kernels), or once (normal)",
    )
    dispatch_element = Param(
        "bytes", default="1 B", low="1 B", high="8 B", doc="an element of a vector that is dispatched: FP8, as DeepEP"
    )
    combine_element = Param(
        "bytes", default="2 B", low="1 B", high="8 B", doc="an element of a result that comes back: BF16, as DeepEP"
    )

    layers_planned = Stat("layers", "plans made")
    weights_moved = Stat("slices", "weights that came to live on another die between steps")

    @property
    def moves_tokens(self) -> bool:
        """Whether this run moves tokens."""
        return bool(self.tokens == "moved")

    def begin(self, simulation: Any, run: Any) -> None:
        """Make the table of holders of every expert of every layer, in slices; check that the model fits."""
        super().begin(simulation, run)
        self.run, self.work, self.policies = run, run.work, run.policies
        placed = run.placing.placed
        self.holders = placed.holds.astype(np.uint8) * np.uint8(self.work.slices)
        self.copies = np.zeros_like(self.holders) if run.placing.every else None  # beside what lives there
        self.reports, self.to_dies = 0, Cast(self, "launch", run.workers)
        self.all_reported: Any = None  # an event of SimPy
        self.rows = Rows(self.work, run.home, placed.sources(run.placing.distance))
        self.bits_set = False  # whether any PDU holds a bit
        self.check_fit()
        self.moves: TokenMoves | None = None
        if self.moves_tokens:
            self.move_tokens()
        run.done = simulation.process(self.serve())

    def check_fit(self) -> None:
        """Whether the home weights fit the dies: a fault where capacity is enforced, a note of the result otherwise."""
        of_all = self.run.placing.placed.holds.sum(axis=(0, 1))
        homes, room = -(-of_all // len(self.work.layers)), self.run.facts["hbm_bytes"]
        share = self.usable_hbm if self.capacity == "enforced" else 1
        sizes = sorted({(-int(n), int(bytes)) for n, bytes in zip(homes, room, strict=False) if n})
        fits = [self.run.model.fit(self.run.dies, bytes, share, -n) for n, bytes in sizes]
        fit = max(fits, key=lambda each: each.overflow_bytes)
        if fit.overflow_bytes and self.capacity == "enforced":
            raise BadInput(fit.fault())
        self.run.notes["hbm_overflow_bytes_per_die"] = fit.overflow_bytes

    def move_tokens(self) -> None:
        """Get ready for dispatch and combine; BadInput where no part carries them."""
        if CHAIN not in self.run.layout.chains:
            raise BadInput(
                f"{self.name}: tokens = moved, and no part of the topology carries them as a d2d.router does"
            )
        there, back = (self.work.hidden * element for element in (self.dispatch_element, self.combine_element))
        once = self.token_sends == "die"
        self.moves = TokenMoves(self.run.workers, self.run.dies, there, back, once)

    def serve(self) -> Iterator[Any]:
        """The process: one layer after the other until the workload ends."""
        for job in self.run.jobs(self.holders):
            asked = self.simulation.now
            if self.run.placing.due(job.step):
                yield from self.migrate(job)
            yield from self.layer(job, asked)

    def migrate(self, job: Any) -> Iterator[Any]:
        """Ask the placement again between two steps, and wait until the weights are where it wants them."""
        placing, known = self.run.placing, self.run.workload
        new = placing.ask(job.step, job.view.phase, self.run.home, known.popularity, known.pairs)
        bounded = bool(self.policies.prediction.predicts and self.work.copy_capacity)
        rows = placing.move(new, self.work, bounded)
        self.check_fit()
        if len(rows):
            if MOVES not in self.run.layout.chains:
                raise BadInput(f"{self.name}: the placement moves weights, and no part of the topology carries them")
            yield self.simulation.transfers(MOVES, rows, self.work.slices, "line")
        self.stats["weights_moved"] += len(rows) * self.work.slices
        self.rows.sources = placing.placed.sources(placing.distance)
        self.holders[:] = np.where(placing.placed.holds, np.uint8(self.work.slices), self.copies)

    def layer(self, job: Any, asked: int) -> Iterator[Any]:
        """Plan, launch, wait for the reports, learn what was copied.

        asked: when the layer's time begins, which is that of the move of weights before it.
        """
        beforehand = self.simulation.now - asked
        if self.rows.sources is not None:
            job = replace(job, view=replace(job.view, sources=self.rows.sources[job.layer_index]))
        plan = plan_of(self.policies.allocation, job.view)
        mask = self.predict(job, plan)
        self.layers_planned += 1
        if self.plan_time:
            yield self.simulation.wait(self.plan_time)
        operands = self.rows.of(plan, job.layer_index)
        workers = self.run.workers
        moved = [(CHAIN, rows) for rows in self.moves.messages(job, plan)] if self.moves else ()
        kernel = Kernel(self.simulation, self.run.chain, operands, len(workers), self.work.slices, "line", *moved)
        self.reports, self.all_reported = len(workers), self.simulation.event()
        self.to_dies.send(SubKernel(kernel.number, workers, read_only(mask), each=self.launch_size))
        yield self.all_reported
        self.learn(self.run.copies_changed())
        job = replace(job, moved_ps=self.count_tokens(kernel))
        begin, end = (
            (kernel.begin - beforehand, kernel.end) if self.layer_time == "kernel" else (asked, self.simulation.now)
        )
        self.run.layer_done(job, plan, begin, end)

    def count_tokens(self, kernel: Kernel) -> tuple[int, int] | None:
        """ps of this layer's dispatch and combine; what they have moved and taken so far is noted in the run."""
        if self.moves is None or kernel.begin is None:
            return None
        there, computed, back = kernel.ended
        told = self.run.tokens
        told |= {"dispatch_bytes": self.moves.dispatched, "combine_bytes": self.moves.combined}
        told["dispatch_ps"] = told.get("dispatch_ps", 0) + there - kernel.begin
        told["combine_ps"] = told.get("combine_ps", 0) + back - computed
        return there - kernel.begin, back - computed

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
            table = self.holders if self.copies is None else self.copies
            of_all_layers = table.reshape(-1, self.run.dies)
            die, line, sign = changes.T
            expert = line // self.work.slices
            np.add.at(of_all_layers, (expert, die), sign.astype(of_all_layers.dtype))
            if self.copies is not None:
                lives = self.run.placing.placed.holds.reshape(-1, self.run.dies)[expert, die]
                told = np.where(lives, np.uint8(self.work.slices), of_all_layers[expert, die])
                self.holders.reshape(-1, self.run.dies)[expert, die] = told
