"""Every die does the same share of every expert, wherever its weights are.

Question   Which die works on an expert?
Answer     All: n // D tokens each. The n mod D left over go one each to the dies after the last that got one, so
           that over all experts no die has more than one token above another. Where dies differ, each gets its share of
           the compute.
Source     The literal reading of Base in arXiv 2510.05497 ("every die does the same amount of expert computation").
           It multiplies the weights that move by the number of dies.
Beside     allocation_round_robin.py (Base as the artifact has it)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.policy import AllocationPolicy, Plan, policy

ROUNDS = 64  # turns of each die, on average, after which the dealing repeats itself


@policy("allocation.split_evenly")
class SplitEvenly(AllocationPolicy):
    """Every die does the same share of every expert, wherever its weights are."""

    reads_ids = False

    def allocate(self, view: Any) -> Any:
        """Each expert's tokens over all dies that compute; what is over goes on dealing where the
        last expert stopped.
        """
        counts, workers = view.counts.astype(np.int64), view.figures.workers
        if view.figures.alike:
            over = counts % len(workers)
            start = np.cumsum(over) - over  # where the dealing of leftovers stands when the expert's turn comes
            turn = (np.arange(len(workers)) - start[:, None]) % len(workers)
            tokens = counts[:, None] // len(workers) + (turn < over[:, None])
        else:
            tokens = self.in_proportion(counts, view.figures)
        expert, place = np.nonzero(tokens)
        return Plan(expert.astype(np.int32), workers[place], tokens[expert, place].astype(np.int32))

    def in_proportion(self, counts: Any, figures: Any) -> Any:
        """int64 [E, workers]: each expert's tokens by the workers' rates, what is left over dealt in turn."""
        rates = figures.compute[figures.workers]
        tokens = np.floor(counts[:, None] * (rates / rates.sum())).astype(np.int64)
        over = counts - tokens.sum(axis=1)
        turns = np.searchsorted(figures.workers, figures.turns(ROUNDS * len(rates)))
        expert = np.repeat(np.arange(len(counts)), over)
        np.add.at(tokens, (expert, turns[np.arange(len(expert)) % len(turns)]), 1)
        return tokens
