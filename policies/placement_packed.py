"""Experts are packed so that every die has about the same load, as counted beforehand.

Question   Which die keeps the weights of an expert?
Answer     Experts by falling load, each to the least loaded die that still has room for one (ceil(E / D) a die).
           Loads are a file's: NumPy [layers, experts] or [experts], as `chipweave trace loads` writes them; each
           layer counts alike, for the placement is the same in all. With `apart` above 0 a die also counts as
           loaded by the experts on it that are chosen together with the one at hand, if the file says how often
           (`pairs` [experts, experts]). Where dies differ, load and room go by their compute.
Source     Insights 4 to 6 of arXiv 2510.05497 (spread popular experts, separate pairs, use the task known
           beforehand) as one greedy rule, Remap of its case study 2; the weight of pairs is ours.
Beside     placement_contiguous.py, placement_in_turn.py, placement_from_file.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from chipweave.errors import BadInput, Fault, Place
from chipweave.policy import Param, Placement, PlacementPolicy, PlacementView, policy


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
        """int32 [experts]: homes on dies with room for so many experts and these relative rates."""
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

    def counted(self, experts: Any) -> Any:
        """(load of each expert as a mean over layers of its share, pairs scaled alike or None)."""
        path = self.folder / self.loads
        try:
            found = np.load(path, allow_pickle=False)
            named = {"loads": found} if isinstance(found, np.ndarray) else {key: found[key] for key in found.files}
            loads = np.atleast_2d(np.asarray(named["loads"], float))
            pairs = np.asarray(named["pairs"], float) if "pairs" in named and self.apart else None
        except (OSError, ValueError, TypeError, KeyError, EOFError, BadZipFile) as error:
            raise BadInput(Fault(f"loads that cannot be read: {str(error)[:80]}", Place(str(path)))) from None
        if loads.ndim != 2 or loads.shape[1] != experts or not counts(loads):
            raise BadInput(Fault(f"loads of shape {loads.shape}", Place(str(path)), f"[layers, {experts}], from 0"))
        if pairs is not None and (pairs.shape != (experts, experts) or not counts(pairs)):
            raise BadInput(Fault(f"pairs of shape {pairs.shape}", Place(str(path)), f"[{experts}, {experts}], from 0"))
        share = loads / np.maximum(loads.sum(axis=1, keepdims=True), 1e-300)
        if pairs is not None:
            pairs = pairs / max(pairs.sum(), 1e-300) * experts
        return share.mean(axis=0), pairs


def counts(array: np.ndarray) -> bool:
    """Whether an array holds numbers from 0 on, and any at all."""
    return array.size > 0 and bool(np.isfinite(array).all()) and array.min() >= 0
