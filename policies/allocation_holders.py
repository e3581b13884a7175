"""Tokens of an expert are shared out over the dies that hold all of it.

Question   Which die works on how many tokens of an expert?
Answer     Those with all its slices when the layer begins, home and copies alike, each the same number; of what cannot
           be divided the dies with lower numbers have one token more. Where dies differ, each has its share of the
           compute; dies that compute nothing have none.
Source     What serving with EPLB does: a token goes to any of an expert's copies.
Beside     allocation_home.py (the home alone), placement_eplb.py
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.policy import AllocationPolicy, Plan, policy


@policy("allocation.holders")
class Holders(AllocationPolicy):
    """Tokens of an expert are shared out over the dies that hold all of it."""

    reads_ids = False

    def allocate(self, view: Any) -> Plan:
        """Each chosen expert over its holders, rising die numbers within an expert."""
        return over(view, view.holders >= view.costs.slices)


def over(view: Any, hosts: np.ndarray) -> Plan:
    """The Plan that gives each chosen expert's tokens to its `hosts`, bool [E, D], by what these compute.

    What cannot be divided goes to those that lack most of their share, of equals to the lower numbers. An expert
    none of whose hosts computes goes where `DieFigures.computing_home` says.
    """
    chosen = np.flatnonzero(view.counts)
    figures = view.figures
    rates = (figures.compute > 0) * 1.0 if figures.alike else figures.compute
    share = hosts[chosen] * rates
    alone = ~share.any(axis=1)
    share[alone, figures.computing_home(view.home)[chosen[alone]]] = 1.0
    count = view.counts[chosen].astype(np.int64)
    exact = count[:, None] * share / share.sum(axis=1, keepdims=True)
    tokens = np.floor(exact + 1e-9).astype(np.int64)
    left = count - tokens.sum(axis=1)
    turn = np.argsort(np.argsort(np.where(share > 0, tokens - exact, np.inf).round(9), axis=1, kind="stable"), axis=1)
    tokens += turn < left[:, None]
    row, die = np.nonzero(tokens)
    return Plan(*(each.astype(np.int32) for each in (chosen[row], die, tokens[row, die])))
