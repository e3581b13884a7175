"""Shortest ways between N nodes: two copies from the host, then N launches over the distances, blocks of 8 x 8."""

from __future__ import annotations

from ..waves import Access, Action, Copy, Step, WaveKernel
from . import MOST_LAUNCHES, numbers


def program(problem: str) -> tuple[Action, ...]:
    """Two copies and N launches."""
    (n,) = numbers(problem, r"(\d+)_nodes", MOST_LAUNCHES)
    size = 4.0 * n * n
    # a block's own distances lie on eight lines, those of column k on eight, of row k on one
    step = Step(1, 24, loads=(Access(lines=8), Access(lines=8, met="die"), Access(lines=1, met="die")))
    # distances change rarely; four blocks side by side, on as many dies, share their lines
    one = WaveKernel((n / 8) ** 2, 64, (step,), size, 0.0, size, sharers=4)
    return Copy(size), Copy(size), *[one] * n
