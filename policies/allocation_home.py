"""All tokens of an expert go to the die that keeps it: expert parallelism.

Question   Which die works on an expert?
Answer     Its home. No weights move; the busiest die decides the layer's time. Where the home computes nothing (a
           memory
           pool), one of the nearest dies that do, experts in turn.
Source     Strategy EP of arXiv 2510.05497.
Beside     allocation_placement_aware.py, allocation_round_robin.py, allocation_split_evenly.py
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.policy import AllocationPolicy, Plan, policy


@policy("allocation.home")
class Home(AllocationPolicy):
    """All tokens of an expert go to the die that keeps it: expert parallelism."""

    reads_ids = False

    def allocate(self, view: Any) -> Plan:
        expert = np.flatnonzero(view.counts).astype(np.int32)
        return Plan(expert, view.figures.computing_home(view.home)[expert], view.counts[expert])
