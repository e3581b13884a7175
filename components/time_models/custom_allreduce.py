"""vLLM's custom all-reduce: GPUs read one another's buffers, no ring.

As csrc/custom_all_reduce.cuh of vllm-project/vllm (Apache-2.0) does: 36 thread blocks of 512 threads, each thread with
one 16-byte load in flight to each other GPU. Two GPUs, or a small message: one shot (read all, add). Else two shots:
reduce an n-th each, barrier, read the sums. A message of 8 MiB and more goes to NCCL. Eager mode copies the input to
the shared buffer first and cannot go below what the host takes to launch."""

from __future__ import annotations

from typing import Any

from chipweave.component.time_model import TimeModel, time_model
from chipweave.declare import Param

from . import collective_schedules as schedules
from .transfer_program import Op, run

KIB = 1024
IN_FLIGHT = 36 * 512 * 16  # bytes to each other GPU
LARGEST = 8 * 1024 * KIB
ONE_SHOT_BELOW = ((2, LARGEST), (4, 512 * KIB), (8, 256 * KIB))


@time_model("comm.custom_allreduce")
class CustomAllreduce(TimeModel):
    "vLLM's one-shot and two-shot all-reduce."

    graph_floor = Param(
        "time", default="4.2 us", rounding=True, doc="a call in a CUDA graph before its bytes (calibration custar-0001)"
    )
    eager_floor = Param(
        "time",
        default="20.6 us",
        rounding=True,
        doc="the least time of an eager call: the host (calibration custar-0002)",
    )
    hop = Param("time", default="0.6 us", doc="GPU to GPU, one way: NCCL's hwLatencies of LL over NVLink")
    barrier = Param(
        "time", default="3.4 us", doc="between the shots: fence, flags, wait; NCCL's hwLatencies of a Simple ring step"
    )
    memory_bandwidth = Param("bandwidth", default="3352.3 GB/s", doc="of the GPU's DRAM (spec-0009)")
    memory_efficiency = Param("share", default="98 %", doc="of it, streaming (calibration stream-0613 over its peak)")

    def time(self, mode: str, ranks: int, size: int, nccl: Any, fabric: Any) -> int:
        """ps of one call; `mode` "graph" or "eager", `size` in bytes."""
        call = self._kernel(ranks, size, fabric) if size < LARGEST else nccl.time("all_reduce", ranks, size, fabric)
        if mode == "graph":
            return call
        copy = int(2 * size * 10**12 / (self.memory_bandwidth * self.memory_efficiency))
        return max(self.eager_floor, call + copy)

    def _kernel(self, ranks: int, size: int, fabric: Any) -> int:
        """ps of the kernel: one shot (all read all) for small messages, else two (reduce-scatter, then gather).

        Each read keeps IN_FLIGHT bytes under way, so one peer gives at most IN_FLIGHT / (2 hop).
        """
        rate = IN_FLIGHT * 10**12 / (2 * self.hop)  # Little's law: a load goes there and its data come back
        one_shot = any(ranks <= most and size < below for most, below in ONE_SHOT_BELOW)
        steps = schedules.one_shot(ranks, size) if one_shot else schedules.two_shot(ranks, -(-size // ranks))
        ops = [
            Op(
                (s.to, "reads", s.rank),
                s.size,
                rate,
                {("out", s.rank): 1, ("in", s.to): 1},
                s.after,
                self.barrier if s.after else 0,
            )
            for s in steps
        ]
        return self.graph_floor + max(run(ops, fabric.links(ranks, exchange=True)))
