"""Popular experts are copied, and all copies packed so that every die has about the same load, layer by layer.

Question   Which dies keep the weights of an expert, in each layer?
Answer     Each die has `extra` slots beyond those that the experts need. Slot after slot, the expert with most load a
           copy gets one more copy; then all copies by falling load, each to the least loaded die with room that has not
           the expert yet, pairs kept apart on demand. The first of an expert's copies is its home; the others are
           there from the start, and take HBM as it does. Loads are a file's,
           as `chipweave trace loads` writes them; `of: prompts` takes what the prompts alone tell. Where dies differ,
           slots and load go by their compute.
Source     EPLB of DeepSeek (github.com/deepseek-ai/EPLB, `replicate_experts` and `balanced_packing`, without its levels
           of nodes and groups); insight 4 of arXiv 2510.05497 with replication, Dup of its case study 2.
Beside     placement_packed.py (no copies), allocation_holders.py (gives the copies work)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from chipweave.policy import Param, Placement, PlacementPolicy, PlacementView, policy
from chipweave.policy.loads import read_loads


@policy("placement.eplb")
class Eplb(PlacementPolicy):
    """Popular experts are copied, and all copies packed so that every die has about the same load, layer by layer."""

    loads = Param("str", doc=".npz of loads, as `chipweave trace loads` writes; relative to the file that names it")
    of = Param("choice", default="answers", choices=("answers", "prompts"), doc="whose loads of the file")
    extra = Param("count", default=1, low=0, doc="slots of a die, in each layer, beyond its share of the experts")
    apart = Param("share", default=0, low=0, high=1, doc="how much pairs count against loads; 0: not at all")
    folder = Path(".")  # of the strategy or run file

    def decide(self, view: PlacementView) -> Placement:
        """The first copy of an expert is its home; all others are replicas."""
        shares, beside = self.counted(len(view.layers), view.experts)
        room = np.full(view.dies, -(-view.experts // view.dies) + self.extra)
        if not view.alike:
            room = np.bincount(view.turns(int(room.sum())), minlength=view.dies)
        rate = np.ones(view.dies) if view.alike else np.maximum(view.compute / view.compute.mean(), 1e-300)
        order = np.stack([spread(share, room, self.extra * view.dies, beside, rate) for share in shares])
        replicas = np.argwhere((order > 0) & (order < NOWHERE))
        return Placement(order.argmin(axis=2).astype(np.int32), replicas)

    def counted(self, layers: int, experts: int) -> tuple[np.ndarray, np.ndarray]:
        """(share of each expert in its layer [layers, experts], what a pair on one die counts for [experts,
        experts])."""
        of = "prompt_loads" if self.of == "prompts" else "loads"
        share, pairs = read_loads(self.folder / self.loads, experts, layers, of, self.apart > 0)
        if pairs is None:
            return share, np.zeros((experts, experts))
        return share, float(self.apart) * pairs / max(pairs.sum(), 1e-300) * experts


NOWHERE = 1 << 30


def spread(load: np.ndarray, room: np.ndarray, extra: int, beside: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """int32 [experts, dies] of one layer: the order in which dies got the expert, 0 its home.

    room, rate [dies]: slots of each, and how fast it computes; extra: slots beyond one for each expert.
    beside [experts, experts]: what a die counts as loaded for having the one when the other is placed.
    """
    experts, dies, room = len(load), len(room), room.copy()
    many = replicated(load, extra, dies)
    order = np.full((experts, dies), NOWHERE, np.int32)
    total = np.zeros(dies)
    each = load / many
    for expert in np.argsort(-each, kind="stable").tolist():
        for turn in range(int(many[expert])):
            there = total / rate + beside[expert] @ (order < NOWHERE)
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
