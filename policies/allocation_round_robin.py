"""Whole experts are dealt to the dies in turn, wherever their weights are.

Question   Which die works on an expert?
Answer     Die (i + offset) mod D, where i is the expert's rank by first appearance in the trace. An expert is never
           split. The answer depends on the order of the requests. Where dies differ, each has as many turns as is its
           share of the compute.
Source     Strategy Base as the published artifact of arXiv 2510.05497 has it (offset 7).
Beside     allocation_split_evenly.py (Base as the paper's words have it)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.policy import AllocationPolicy, Param, Plan, policy


@policy("allocation.round_robin")
class RoundRobin(AllocationPolicy):
    """Whole experts are dealt to the dies in turn, wherever their weights are."""

    reads_ids = False
    offset = Param("count", default=7, doc="die that the first expert to appear goes to (the artifact's: 7)")

    def allocate(self, view: Any) -> Plan:
        """Each active expert whole to the next die, in the order experts first appear in; unequal
        dies by their share.
        """
        expert = np.flatnonzero(view.counts).astype(np.int32)
        turn = view.first_appearance[expert].astype(np.int64) + self.offset
        workers = view.figures.workers
        if view.figures.alike:
            die = workers[turn % len(workers)]
        else:
            die = view.figures.turns(view.experts + view.dies)[turn % (view.experts + view.dies)]
        return Plan(expert, die, view.counts[expert])
