"""Experts are packed so that every die has about the same load, as counted beforehand.

Question   Which die keeps the weights of an expert?
Answer     Experts by falling load, each to the least loaded die that still has room for one (ceil(E / D) a die).
           Loads are a file's: NumPy [layers, experts] or [experts], as `chipweave trace loads` writes them; each
           layer is packed by its own (`layers: each`), or all alike by the mean of their shares. `of: prompts` takes
           what the prompts alone tell. With `apart` above 0 a die also counts as loaded by the experts on it that are
           chosen together with the one at hand, if the file says how often (`pairs` [experts, experts]).
Source     Insights 4 to 6 of arXiv 2510.05497 (spread popular experts, separate pairs, use the task known
           beforehand) as one greedy rule, Remap of its case study 2; the weight of pairs is ours.
Beside     placement_eplb.py (copies as well), placement_contiguous.py, placement_in_turn.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from chipweave.errors import BadInput, Fault, Place
from chipweave.policy import Param, PlacementPolicy, policy


@policy("placement.packed")
class Packed(PlacementPolicy):
    """Experts are packed so that every die has about the same load, as counted beforehand."""

    loads = Param(
        "str", doc=".npy or .npz of loads, as `chipweave trace loads` writes; relative to the file that names it"
    )
    of = Param(
        "choice", default="answers", choices=("answers", "prompts"), doc="whose loads of the file (`prompt_loads`)"
    )
    layers = Param(
        "choice", default="all", choices=("all", "each"), doc="one placement for all layers, or one for each"
    )
    apart = Param("share", default=0, low=0, high=1, doc="how much pairs count against loads; 0: not at all")
    folder = Path(".")  # of the strategy or run file

    def place(self, experts: Any, dies: Any) -> Any:
        shares, pairs = self.counted(experts)
        return self.packed(shares.mean(axis=0), dies, pairs)

    def homes(self, layers: Any, experts: Any, dies: Any) -> Any:
        if self.layers == "all":
            return super().homes(layers, experts, dies)
        shares, pairs = self.counted(experts, layers)
        return np.stack([self.packed(share, dies, pairs) for share in shares])

    def packed(self, load: np.ndarray, dies: int, pairs: np.ndarray | None) -> np.ndarray:
        """int32 [experts]: heaviest first, each to the die with least load, plus `apart` for pairs chosen together."""
        room = np.full(dies, -(-len(load) // dies))
        total, home = np.zeros(dies), np.full(len(load), -1, np.int32)
        for expert in np.argsort(-load, kind="stable").tolist():
            cost = total.copy()
            if pairs is not None:
                there = home >= 0
                together = np.bincount(home[there], pairs[expert][there], dies)
                cost += float(self.apart) * together
            cost[room == 0] = np.inf
            die = int(np.argmin(cost))
            home[expert], room[die] = die, room[die] - 1
            total[die] += load[expert]
        return home

    def counted(self, experts: int, layers: int | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        """(share of each expert in its layer [layers, experts], pairs scaled alike or None); BadInput for a file that
        is none, or has other layers than there are where `layers` says how many."""
        path = self.folder / self.loads
        name = "prompt_loads" if self.of == "prompts" else "loads"
        try:
            found = np.load(path, allow_pickle=False)
            named = {"loads": found} if isinstance(found, np.ndarray) else {key: found[key] for key in found.files}
            loads = np.atleast_2d(np.asarray(named[name], float))
            pairs = np.asarray(named["pairs"], float) if "pairs" in named and self.apart else None
        except (OSError, ValueError, TypeError, KeyError, EOFError, BadZipFile) as error:
            raise BadInput(Fault(f"loads that cannot be read: {str(error)[:80]}", Place(str(path)))) from None
        if loads.ndim != 2 or loads.shape[1] != experts or not counts(loads):
            raise BadInput(Fault(f"loads of shape {loads.shape}", Place(str(path)), f"[layers, {experts}], from 0"))
        if pairs is not None and (pairs.shape != (experts, experts) or not counts(pairs)):
            raise BadInput(Fault(f"pairs of shape {pairs.shape}", Place(str(path)), f"[{experts}, {experts}], from 0"))
        if layers is not None and len(loads) != layers:
            raise BadInput(
                Fault(f"loads of {len(loads)} layers", Place(str(path)), f"of the {layers} layers of the run")
            )
        share = loads / np.maximum(loads.sum(axis=1, keepdims=True), 1e-300)
        if pairs is not None:
            pairs = pairs / max(pairs.sum(), 1e-300) * experts
        return share, pairs


def counts(array: np.ndarray) -> bool:
    """Whether an array holds numbers from 0 on, and any at all."""
    return array.size > 0 and bool(np.isfinite(array).all()) and array.min() >= 0
