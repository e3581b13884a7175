"""pplx-kernels inside one node, and the padded all-to-all it compares itself with.

As its all-to-all kernels do (perplexityai/pplx-kernels, MIT: csrc/all_to_all/internode_dispatch.cu, _combine.cu,
tests/bench_all_to_all.py): dispatch walks the tokens in every thread block, puts one copy for each expert, then copies
what came into expert order; combine copies all tokens to a send buffer, puts them, and sums what came.
"""

from __future__ import annotations

from typing import Any

from chipweave.component.time_model import TimeModel, time_model
from chipweave.declare import Param

from .collective_schedules import exchange
from .deepep import BLOCK
from .transfer_program import Op, run


@time_model("comm.pplx")
class Pplx(TimeModel):
    "pplx-kernels' dispatch and combine, and torch.distributed's all_to_all_single of the padded buffer."

    dispatch_floor = Param(
        "time", default="41 us", rounding=True, doc="dispatch before its tokens (calibration pplx-0001)"
    )
    combine_floor = Param(
        "time", default="41 us", rounding=True, doc="combine before its tokens (calibration pplx-0002)"
    )
    torch_floor = Param(
        "time", default="7 us", low="-1 ms", rounding=True, doc="what torch adds to NCCL's call (calibration pplx-0003)"
    )
    l1_latency = Param(
        "time",
        default="16.2 ns",
        rounding=True,
        doc="the walk: an index in L1 (calibration uarch-0004, 32 cycles at 1980 MHz)",
    )
    l2_latency = Param(
        "time", default="141.6 ns", rounding=True, doc="a new line of indices from L2 (calibration plateau-0001)"
    )
    shared_latency = Param(
        "time",
        default="16.5 ns",
        rounding=True,
        doc="a counter in shared memory (calibration uarch-0001, 29 cycles at 1755 MHz)",
    )
    memory_bandwidth = Param("bandwidth", default="3352.3 GB/s", doc="of the GPU's DRAM (spec-0009)")
    memory_efficiency = Param("share", default="98 %", doc="of it, streaming (calibration stream-0613 over its peak)")

    @staticmethod
    def row(hidden: int, dtype: str) -> int:
        """Bytes of a token: FP8 with its scales, or BF16."""
        return 2 * hidden if dtype == "BF16" else hidden + hidden // BLOCK * 4

    def time(
        self, phase: str, tokens: int, topk: int, hidden: int, ranks: int, fabric: Any, dtype: str | None = None
    ) -> int:
        """ps of "dispatch" (FP8 with scales unless `dtype` says BF16) or "combine" (BF16), `tokens` a rank."""
        message = self.row(hidden, dtype or ("FP8" if phase == "dispatch" else "BF16"))
        every = tokens * topk * message
        memory = self.memory_bandwidth * self.memory_efficiency
        before = self._walk(tokens, topk) if phase == "dispatch" else int(2 * every * 10**12 / memory)
        pair = -(-every // ranks)
        ops = [
            Op((s.rank, "to", s.to), pair, fabric.bandwidth, {("out", s.rank): 1, ("in", s.to): 1}, (), before)
            for s in exchange(ranks, lambda a, b: pair)
            if s.kind == "send"
        ]
        arrived = tuple(range(len(ops)))
        local = 2 * every if phase == "dispatch" else every + tokens * 2 * hidden
        ops += [Op((rank, "memory"), local, memory, {}, arrived) for rank in range(ranks)]
        floor = self.dispatch_floor if phase == "dispatch" else self.combine_floor
        return floor + max(run(ops, fabric.links(ranks, exchange=True)))

    def _walk(self, tokens: int, topk: int) -> int:
        """Every thread block reads all tokens' experts one after another and counts: load, then counter read and
        written."""
        lines = tokens * topk * 4 / 128
        return int(tokens * (self.l1_latency + 2 * self.shared_latency) + lines * (self.l2_latency - self.l1_latency))

    def torch_time(
        self, tokens: int, hidden: int, experts: int, ranks: int, nccl: Any, fabric: Any, dtype: str = "FP8"
    ) -> int:
        """ps of the padded all-to-all: every rank reserves `tokens` rows for each of the `experts`."""
        size = experts * tokens * self.row(hidden, dtype)
        return self.torch_floor + nccl.time("alltoall", ranks, size, fabric)
