"""Experts are dealt to the dies in turn: neighbours in number live apart.

Question   Which die keeps the weights of an expert?
Answer     Expert e lives on die e mod D. Where dies differ, each has as many turns as is its share of the compute.
Source     The simplest answer to hot neighbours: DeepSeek-V3's tokens pick groups of 32 experts first, so hot
           experts stand side by side, and contiguous homes put them on one die.
Beside     placement_contiguous.py, placement_packed.py
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.policy import Placement, PlacementPolicy, PlacementView, policy


@policy("placement.in_turn")
class InTurn(PlacementPolicy):
    """Experts are dealt to the dies in turn: neighbours in number live apart."""

    def decide(self, view: PlacementView) -> Placement:
        """As `place`, or in turns by compute."""
        return Placement(self.place(view.experts, view.dies) if view.alike else view.turns(view.experts))

    def place(self, experts: Any, dies: Any) -> Any:
        return (np.arange(experts) % dies).astype(np.int32)
