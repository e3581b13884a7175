"""All tokens of an expert go to the die that keeps it: expert parallelism.

Question   Which die works on an expert?
Answer     Its home; where the placement keeps it on several dies (replicas), each of these its share of the compute.
           No weights move; the busiest die decides the layer's time. Where none of them computes (a memory pool), one
           of the nearest dies that do, experts in turn.
Source     Strategy EP of arXiv 2510.05497.
Beside     allocation_placement_aware.py, allocation_round_robin.py, allocation_split_evenly.py
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.policy import AllocationPolicy, Plan, policy

from .allocation_holders import over


@policy("allocation.home")
class Home(AllocationPolicy):
    """All tokens of an expert go to the die that keeps it: expert parallelism."""

    reads_ids = False

    def allocate(self, view: Any) -> Plan:
        """Whole experts home, or over all dies that the placement keeps them on."""
        lives = view.lives
        if lives is not None:
            return over(view, lives)
        expert = np.flatnonzero(view.counts).astype(np.int32)
        return Plan(expert, view.figures.computing_home(view.home)[expert], view.counts[expert])
