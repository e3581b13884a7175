"""DeepEP inside one node: dispatch sends each token to its experts, combine brings the experts' results back.

Two stacks (deepseek-ai/DeepEP, MIT: csrc/kernels/legacy/internode_ll.cu and intranode.cu):

    low latency  every SM sends; one copy of a token for each of its top-k experts; then everything received is
                 packed (dispatch) or summed (combine) out of memory, after a grid-wide wait
    normal       a given number of SMs, half of them sending; one copy for each *rank* that has any of its experts;
                 a warp copies one token at a time, so the rate follows the number of SMs until the links are full

Leaves out  uneven routing in the normal kernels, more nodes than one for them, the queue of free slots.
Checked by  tests/comm/test_expert_parallel.py; the ledger's groups deepep_ll, deepep_normal, deepep_readme
"""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np

from chipweave.component.time_model import TimeModel, time_model
from chipweave.declare import Param

from .collective_schedules import exchange
from .transfer_program import Op, run

BLOCK = 128  # values that share a scale, FP8
THREADS, WARP = 768, 32  # of a thread block of the normal kernels
CHUNKS = {"dispatch": {2: 24, 4: 6, 8: 6}, "combine": {2: 10, 4: 9, 8: 4}}
"""Tokens that a channel sends to a peer before it tells the receiver: DeepEP's defaults by ranks."""


def message_bytes(hidden: int, fp8: bool) -> int:
    """One token on the wire: FP8 has a 4-byte scale for every 128 values and a 16-byte header; BF16 is bare."""
    return 16 + hidden + hidden // BLOCK * 4 if fp8 else 2 * hidden


def share_of_ranks(experts: int, ranks: int, topk: int) -> float:
    """Chance that a token has at least one of its `topk` distinct experts on a given rank, experts dealt evenly."""
    elsewhere = experts - experts // ranks
    return 1 - (comb(elsewhere, topk) / comb(experts, topk) if elsewhere >= topk else 0)


@time_model("comm.deepep_low_latency")
class DeepepLowLatency(TimeModel):
    "DeepEP's low-latency kernels over NVLink."

    dispatch_floor = Param(
        "time", default="13 us", rounding=True, doc="dispatch before its bytes (calibration deepep_ll-0001)"
    )
    combine_floor = Param(
        "time", default="14 us", rounding=True, doc="combine before its bytes (calibration deepep_ll-0002)"
    )
    memory_bandwidth = Param("bandwidth", default="3352.3 GB/s", doc="of the GPU's DRAM (spec-0009)")
    memory_efficiency = Param("share", default="98 %", doc="of it, streaming (calibration stream-0613 over its peak)")

    def time(self, phase: str, tokens: int, topk: int, hidden: int, ranks: int, fabric: Any) -> int:
        """ps of "dispatch" (FP8) or "combine" (BF16) with `tokens` a rank, experts drawn evenly.

        Ranks beyond the node's are reached by every GPU's own adapter; the network behind it is taken as full.
        """
        floor = self.dispatch_floor if phase == "dispatch" else self.combine_floor
        message, inside = message_bytes(hidden, phase == "dispatch"), min(ranks, fabric.ranks)
        every = tokens * topk * message
        links, pair = fabric.links(inside, exchange=True), -(-every // ranks)
        ops = [
            Op((s.rank, "to", s.to), pair, fabric.bandwidth, {("out", s.rank): 1, ("in", s.to): 1})
            for s in exchange(inside, lambda a, b: pair)
            if s.kind == "send"
        ]
        if ranks > inside:
            ops += [Op((rank, "adapter"), pair * (ranks - inside), fabric.adapter) for rank in range(inside)]
        arrived = tuple(range(len(ops)))
        local = every + (every if phase == "dispatch" else tokens * 2 * hidden)
        memory = self.memory_bandwidth * self.memory_efficiency
        ops += [Op((rank, "memory"), local, memory, {}, arrived) for rank in range(inside)]
        return floor + max(run(ops, links))

    def time_of(self, phase: str, copies: np.ndarray, tokens: int, hidden: int, fabric: Any) -> int:
        """ps of a call with uneven loads (all-to-all-v).

        The exchange ends when its busiest link or adapter is through: max-min shares keep that one full. Then the rank
        with most copies packs (dispatch), or every rank sums its own tokens (combine).

        Args:
            copies: [ranks, ranks], tokens that each rank dispatches to the experts of each rank; combine takes the
            same ways back.
            tokens: of a rank.
        """
        floor = self.dispatch_floor if phase == "dispatch" else self.combine_floor
        sent = (copies if phase == "dispatch" else copies.T) * message_bytes(hidden, phase == "dispatch")
        ranks = len(sent)
        node = np.arange(ranks) // fabric.ranks
        near = (node[:, None] == node[None, :]) & ~np.eye(ranks, dtype=bool)
        far = node[:, None] != node[None, :]
        link = float(fabric.links(min(ranks, fabric.ranks), exchange=True)["out", 0])
        busiest = max(np.where(near, sent, 0).sum(axis=way).max() / link for way in (0, 1))
        if far.any():
            busiest = max(
                busiest, *(np.where(far, sent, 0).sum(axis=way).max() / float(fabric.adapter) for way in (0, 1))
            )
        come = sent.sum(axis=0).max()
        local = come + (come if phase == "dispatch" else tokens * 2 * hidden)
        memory = float(self.memory_bandwidth * self.memory_efficiency)
        return floor + int((busiest + local / memory) * 1e12)


@time_model("comm.deepep_normal")
class DeepepNormal(TimeModel):
    "DeepEP's normal kernels inside a node, by the number of SMs they are given."

    dispatch_floor = Param(
        "time", default="26 us", rounding=True, doc="dispatch before its tokens (calibration deepep_normal-0047)"
    )
    combine_floor = Param(
        "time", default="48 us", rounding=True, doc="combine before its tokens (calibration deepep_normal-0094)"
    )
    warp_rate = Param(
        "bandwidth", default="1.6 GB/s", doc="a warp's copy of one token, once begun (calibration deepep_normal-0091)"
    )
    token_latency = Param(
        "time",
        default="687 ns",
        doc="before it: the token's index, then its first line, each from DRAM (2 x calibration plateau-0002)",
    )

    def token_time(self, message: int) -> Any:
        """ps that a warp takes for one token."""
        return self.token_latency + message * 10**12 / self.warp_rate

    def time(
        self, phase: str, tokens: int, topk: int, hidden: int, experts: int, sms: int, ranks: int, fabric: Any
    ) -> int:
        """ps of "dispatch" (FP8) or "combine" (BF16) on `sms` SMs, half of them sending."""
        message = message_bytes(hidden, phase == "dispatch")
        channels, team = sms // 2, THREADS // WARP // ranks  # a team of warps in each channel serves one peer
        warps = channels * team
        token = self.token_time(message)
        rate = warps * message * 10**12 / token
        to_peer = tokens * share_of_ranks(experts, ranks, topk)
        size = int(max(to_peer, 1) * message)
        chunk = CHUNKS[phase][min(n for n in CHUNKS[phase] if n >= ranks)]
        behind = max(1, min(chunk, to_peer / channels) / team)  # tokens of a warp in the last chunk
        ops = []
        for step in exchange(ranks, lambda a, b: size):
            if step.kind == "send":
                ops.append(Op((step.rank, "to", step.to), size, rate, {("out", step.rank): 1, ("in", step.to): 1}))
            else:  # the receiving SMs follow a chunk behind, at the pace of the senders
                ops.append(Op((step.rank, "from", step.block), 0, rate, {}, step.after, int(behind * token)))
        floor = self.dispatch_floor if phase == "dispatch" else self.combine_floor
        return floor + max(run(ops, fabric.links(ranks, exchange=True)))
