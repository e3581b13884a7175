"""C = A B of N x N floats: blocks of 8 x 8 threads, each 4 x 4 of C; a tile of A goes through a buffer in memory that
all blocks share, for the suite passes it as a pointer."""

from __future__ import annotations

from ..waves import Access, Action, Step, WaveKernel
from . import side


def program(problem: str) -> tuple[Action, ...]:
    """One launch."""
    n = side(problem)
    size, loops = 4.0 * n * n, n / 32
    fill = Access(lines=8, width=16, count=4)
    again = Access(lines=8, width=16, count=4, met="unit")
    rows = Access(lines=1, width=16, count=4)
    products = Step(8 * loops, 80 + 40, loads=(again, rows))  # 64 products and sums in four parts, addresses
    steps = (Step(loops, 40, loads=(fill,), stores=(fill,), settled=True), products, Step(1, 20, stores=(fill,)))
    return (WaveKernel((n / 32) ** 2, 64, steps, 2 * size, size, 3 * size, shared=2 * size),)
