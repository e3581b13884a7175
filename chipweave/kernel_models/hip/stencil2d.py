"""A nine-point stencil over N x N floats: a wave takes 16 rows of 64 columns through local memory. Blocks follow each
other down a column, so that each needs pages of its own."""

from __future__ import annotations

from ..waves import PAGE, Access, Action, Step, WaveKernel
from . import side

ROWS = 16


def program(problem: str) -> tuple[Action, ...]:
    """One launch."""
    n = side(problem)
    size = 4.0 * n * n
    rows = ROWS + 2
    load = Step(1, rows * 5, loads=(Access(lines=3, count=rows),))
    halo = Step(
        2, rows * 5, loads=(Access(lines=1, count=rows, met="unit"),)
    )  # the two edge lanes, one after the other
    point = Step(ROWS, 9 + 9 + 8, stores=(Access(lines=3),), local=1)
    pages = 2 * ROWS * 4.0 * n / PAGE
    return (WaveKernel(n / ROWS * n / 64, 64, (load, halo, point), size, size, 2 * size, pages=pages),)
