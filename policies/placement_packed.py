"""Experts are packed so that every die has about the same load, as counted beforehand.

Question   Which die keeps the weights of an expert?
Answer     Experts by falling load, each to the least loaded die that still has room for one (ceil(E / D) a die).
           Loads are a file's: NumPy [layers, experts] or [experts], as `chipweave trace loads` writes them; each
           layer counts alike, for the placement is the same in all. With `apart` above 0 a die also counts as
           loaded by the experts on it that are chosen together with the one at hand, as often as the file says
           (`pairs` [experts, experts]). Where dies differ, load and room go by their compute.
Source     Insights 4 to 6 of arXiv 2510.05497 (spread popular experts, separate pairs, use the task known
           beforehand) as one greedy rule, Remap of its case study 2; the weight of pairs is ours.
Beside     placement_contiguous.py, placement_in_turn.py, placement_from_file.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from chipweave.policy import Param, Placement, PlacementPolicy, PlacementView, policy
from chipweave.policy.loads import read_loads


@policy("placement.packed")
class Packed(PlacementPolicy):
    """Experts are packed so that every die has about the same load, as counted beforehand."""

    loads = Param(
        "str", doc=".npy or .npz of loads, as `chipweave trace loads` writes; relative to the file that names it"
    )
    apart = Param("share", default=0, low=0, high=1, doc="how much pairs count against loads; 0: not at all")
    folder = Path(".")  # of the strategy or run file

    def decide(self, view: PlacementView) -> Placement:
        """As `place`, on dies that may differ in compute."""
        if view.alike:
            return Placement(self.place(view.experts, view.dies))
        room = np.bincount(view.turns(view.experts), minlength=view.dies)
        return Placement(self.packed(view.experts, room, view.compute / view.compute.mean()))

    def place(self, experts: Any, dies: Any) -> Any:
        """int32 [experts]: heaviest first, each to the die with the least load, plus `apart` for
        pairs chosen together.
        """
        return self.packed(experts, np.full(dies, -(-experts // dies)), np.ones(dies))

    def packed(self, experts: int, room: np.ndarray, rate: np.ndarray) -> np.ndarray:
        """int32 [experts]: homes on dies with room for these numbers of experts and these relative rates."""
        load, pairs = self.counted(experts)
        dies = len(room)
        total, home = np.zeros(dies), np.full(experts, -1, np.int32)
        for expert in np.argsort(-load, kind="stable").tolist():
            cost = total / rate
            if pairs is not None:
                there = home >= 0
                together = np.bincount(home[there], pairs[expert][there], dies)
                cost += float(self.apart) * together
            cost[room == 0] = np.inf
            die = int(np.argmin(cost))
            home[expert], room[die] = die, room[die] - 1
            total[die] += load[expert]
        return home

    def counted(self, experts: int) -> tuple[np.ndarray, np.ndarray | None]:
        """(load of each expert as a mean over layers of its share, pairs scaled alike or None)."""
        share, pairs = read_loads(self.folder / self.loads, experts, pairs=self.apart > 0)
        return share.mean(axis=0), None if pairs is None else pairs / max(pairs.sum(), 1e-300) * experts
