"""Neighbouring experts live together, the same number on each die.

Question   Which die keeps the weights of an expert?
Answer     With q = E // D: die e // q for the first q x D experts; those left over go one each to dies 0, 1, .. by
           e mod D. E = 128 on 24 dies: five a die, and experts 120 .. 127 on dies 0 .. 7. Where dies differ, each
           has as many as is its share of the compute.
Source     What the published artifact of arXiv 2510.05497 does (same in all layers).
Beside     placement_from_file.py
"""

from __future__ import annotations

import numpy as np

from chipweave.policy import Param, Placement, PlacementPolicy, PlacementView, policy


@policy("placement.contiguous")
class Contiguous(PlacementPolicy):
    """Neighbouring experts live together, the same number on each die."""

    figures = Param(
        "choice",
        default="each",
        choices=["each", "one"],
        doc="where dies differ: as many experts as is its share of the compute, or the same number on each (artifact)",
    )

    def decide(self, view: PlacementView) -> Placement:
        """As `place`, or in runs as long as each die's share."""
        if view.alike or self.figures == "one":
            return Placement(self.place(view.experts, view.dies))
        return Placement(np.sort(view.turns(view.experts)))

    def place(self, experts: int, dies: int) -> np.ndarray:
        expert = np.arange(experts, dtype=np.int32)
        each = experts // dies
        return np.where(expert < each * dies, expert // max(each, 1), expert % dies).astype(np.int32)
