"""Two iterations of PageRank on a random graph: a copy from the host, then twice a wave a row of the sparse matrix and
the sum over its lanes in local memory."""

from __future__ import annotations

from math import ceil

from ..waves import Access, Action, Copy, Step, WaveKernel
from . import MOST_LAUNCHES, numbers

FORM = r"nodes(\d+)_sparsity0\.(\d+)_priters(\d+)"


def program(problem: str) -> tuple[Action, ...]:
    """A copy and as many launches as iterations."""
    nodes, tenths, rounds = numbers(problem, FORM, MOST_LAUNCHES)
    filled = nodes * tenths / 10.0 ** len(str(tenths))  # the share of one decimal that the suite prints
    passes = ceil(filled / 64)
    vector = Access(lines=4, met="unit", within=4.0 * nodes + 8.0 * filled)  # all of it, and a row of the matrix
    steps = (
        Step(1, 20, loads=(Access(lines=1, count=2),), stores=(Access(lines=1),)),
        Step(passes, 12, loads=(Access(count=2),)),
        Step(passes, 10, loads=(vector,), local=1),
        Step(6, 8, local=2),
        Step(1, 8, loads=(Access(lines=1, met="die"),), stores=(Access(lines=1),)),
    )
    size = 8.0 * filled * nodes
    one = WaveKernel(nodes, 64, steps, size, 0.0, size)
    return Copy(4.0 * nodes), *[one] * rounds
