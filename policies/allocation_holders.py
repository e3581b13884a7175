"""Tokens of an expert are shared out evenly over the dies that hold all of it.

Question   Which die works on how many tokens of an expert?
Answer     Those with all its slices when the layer begins, home and copies alike, each the same number; of what cannot
           be divided the dies with lower numbers have one token more. Dies that compute nothing have none.
Source     What serving with EPLB does: a token goes to any of an expert's copies.
Beside     allocation_home.py (the home alone), placement_eplb.py
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.policy import AllocationPolicy, Plan, policy


@policy("allocation.holders")
class Holders(AllocationPolicy):
    """Tokens of an expert are shared out evenly over the dies that hold all of it."""

    reads_ids = False

    def allocate(self, view: Any) -> Plan:
        chosen = np.flatnonzero(view.counts)
        able = view.figures.compute > 0
        holds = (view.holders[chosen] >= view.costs.slices) & able
        alone = ~holds.any(axis=1)
        holds[alone, view.figures.computing_home(view.home)[chosen[alone]]] = True
        many = holds.sum(axis=1)
        row, die = np.nonzero(holds)
        turn = np.arange(len(row)) - np.repeat(np.cumsum(many) - many, many)
        base, rest = np.divmod(view.counts[chosen].astype(np.int64), many)
        tokens = base[row] + (turn < rest[row])
        some = tokens > 0
        return Plan(*(each[some].astype(np.int32) for each in (chosen[row], die, tokens)))
