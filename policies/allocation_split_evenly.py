"""Every die does the same share of every expert, wherever its weights are.

Question   Which die works on an expert?
Answer     All: n // D tokens each. The n mod D left over go one each to the dies after the last that got one, so
           that over all experts no die has more than one token above another.
Source     The literal reading of Base in arXiv 2510.05497 ("every die does the same amount of expert computation").
           It multiplies the weights that move by the number of dies.
Beside     allocation_round_robin.py (Base as the artifact has it)
"""

import numpy as np

from chipweave.policy import AllocationPolicy, Plan, policy


@policy("allocation.split_evenly")
class SplitEvenly(AllocationPolicy):
    """Every die does the same share of every expert, wherever its weights are."""

    def allocate(self, view):
        counts = view.counts.astype(np.int64)
        over = counts % view.dies
        start = np.cumsum(over) - over  # where the dealing of leftovers stands when the expert's turn comes
        turn = (np.arange(view.dies) - start[:, None]) % view.dies
        tokens = counts[:, None] // view.dies + (turn < over[:, None])
        expert, die = np.nonzero(tokens)
        return Plan(expert.astype(np.int32), die.astype(np.int32), tokens[expert, die].astype(np.int32))
