"""Popular experts are copied, and all copies packed so that every die has about the same load, layer by layer.

Question   Which dies keep the weights of an expert, in each layer?
Answer     Each die has `extra` slots beyond those that the experts need. Slot after slot, the expert with most load a
           copy gets one more copy; then all copies by falling load, each to the least loaded die with room that has not
           the expert yet, pairs kept apart on demand. The first of an expert's copies is its home; the others are
           there from the start, for good, and take HBM as it does. Loads as in placement_packed.py.
Source     EPLB of DeepSeek (github.com/deepseek-ai/EPLB, `replicate_experts` and `balanced_packing`, without its levels
           of nodes and groups); insight 4 of arXiv 2510.05497 with replication, Dup of its case study 2.
Beside     placement_packed.py (no copies), allocation_holders.py (gives the copies work)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.policy import Param, policy

from .placement_packed import Packed


@policy("placement.eplb")
class Eplb(Packed):
    """Popular experts are copied, and all copies packed so that every die has about the same load, layer by layer."""

    extra = Param("count", default=1, low=0, doc="slots of a die, in each layer, beyond its share of the experts")
    layers = Param(
        "choice", default="each", choices=("all", "each"), doc="one placement for all layers, or one for each"
    )

    def homes(self, layers: Any, experts: Any, dies: Any) -> Any:
        return self.placed(layers, experts, dies).argmin(axis=2).astype(np.int32)

    def copies(self, layers: Any, experts: Any, dies: Any) -> Any:
        return self.placed(layers, experts, dies) < NOWHERE

    def placed(self, layers: int, experts: int, dies: int) -> np.ndarray:
        """int32 [layers, experts, dies]: in which order the dies got the expert, 0 its home; NOWHERE: not at all."""
        shares, pairs = self.counted(experts, layers if self.layers == "each" else None)
        if self.layers == "all":
            shares = np.tile(shares.mean(axis=0), (layers, 1))
        beside = np.zeros((experts, experts)) if pairs is None else float(self.apart) * pairs
        return np.stack([spread(share, dies, self.extra, beside) for share in shares])


NOWHERE = 1 << 30


def spread(load: np.ndarray, dies: int, extra: int, beside: np.ndarray) -> np.ndarray:
    """int32 [experts, dies] of one layer, as `Eplb.placed`. beside [experts, experts]: what a die counts as loaded
    for having the one when the other is placed."""
    experts = len(load)
    room = np.full(dies, -(-experts // dies) + extra)
    many = replicated(load, extra * dies, dies)
    order = np.full((experts, dies), NOWHERE, np.int32)
    total = np.zeros(dies)
    each = load / many
    for expert in np.argsort(-each, kind="stable").tolist():
        for turn in range(int(many[expert])):
            there = total + beside[expert] @ (order < NOWHERE)
            cost = np.where((room > 0) & (order[expert] == NOWHERE), there, np.inf)
            die = int(np.argmin(cost))
            if np.isinf(cost[die]):
                break  # every die with room has it already
            order[expert, die] = turn
            room[die] -= 1
            total[die] += each[expert]
    return order


def replicated(load: np.ndarray, slots: int, dies: int) -> np.ndarray:
    """int64 [experts]: how many copies of each, at least one and at most one a die."""
    many = np.ones(len(load), np.int64)
    for _ in range(min(slots, len(load) * (dies - 1))):
        many[int(np.argmax(np.where(many < dies, load / many, -1)))] += 1
    return many
