"""y = A' (A x) of N x N floats: two fills, then a thread a row, then a thread a column; sums stand in memory, so each
step waits for the store of the one before, which went to L2."""

from __future__ import annotations

from math import ceil

from ..waves import LINE, Access, Action, Step, WaveKernel
from . import side

LOOP = 16
"""Slots of a pass of the loop: addresses of 64 bits, the sum, the branch."""


def fill(n: int) -> WaveKernel:
    """hipMemset of N floats."""
    return WaveKernel(ceil(n / 256), 256, (Step(1, 8, stores=(Access(),)),), 0.0, 4.0 * n, 4.0 * n)


def by_row(n: int) -> WaveKernel:
    """Each lane walks a row: 64 lines an instruction, each used for 32 passes while the unit's L1 holds them."""
    lanes, blocks = min(n, 256), ceil(n / 256)
    lines = min(64.0, lanes)
    within = lanes * (LINE + 4.0) + LINE  # a line of each row, the sums, a line of the vector
    row = Access(lines=lines, met="unit", within=within)
    return _kernel(n, blocks, lanes, Step(n, LOOP, loads=(row, Access(met="die")), stores=(Access(),)))


def by_column(n: int) -> WaveKernel:
    """Lanes lie side by side: two lines an instruction, each used once."""
    lanes, blocks = min(n, 256), ceil(n / 256)
    return _kernel(n, blocks, lanes, Step(n, LOOP, loads=(Access(), Access(met="die")), stores=(Access(),)))


def _kernel(n: int, blocks: int, lanes: int, step: Step) -> WaveKernel:
    """A launch that walks the matrix, of which each die meets its rows in one launch, its columns in the other."""
    size = 4.0 * n * n
    return WaveKernel(blocks, lanes, (step,), size, 0.0, size, sharers=2)


def program(problem: str) -> tuple[Action, ...]:
    """Two fills and two launches."""
    n = side(problem)
    return fill(n), fill(n), by_row(n), by_column(n)
