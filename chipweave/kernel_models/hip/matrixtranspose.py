"""Transpose of N x N floats: tiles of 64 x 64 through 16 KiB of local memory, four float4 a thread, blocks of 256.

The blocks that run at once lie on a diagonal, so that each needs pages of its own.
"""

from __future__ import annotations

from math import ceil

from ..waves import PAGE, Access, Action, Step, WaveKernel
from . import side

TILE = 64


def program(problem: str) -> tuple[Action, ...]:
    """One launch."""
    n = side(problem)
    size = 4.0 * n * n
    tile = Access(width=16, count=4)
    steps = (
        Step(1, 40, loads=(tile,), local=1),
        Step(1, 40, stores=(tile,), local=5),  # four lanes of a bank at once
    )
    rows = TILE * 4.0 * n / PAGE
    pages = 2 * (ceil(rows) if rows >= 1 else rows)
    return (WaveKernel((n / TILE) ** 2, 256, steps, size, size, 2 * size, of_unit=4, pages=pages),)
