"""Needleman-Wunsch alignment of two strings of N: a copy from the host, then a launch for each diagonal of tiles of 64
x 64; in a tile 127 diagonals follow each other with a barrier each. A tile takes 33 KiB of local memory."""

from __future__ import annotations

from ..waves import Access, Action, Copy, Step, WaveKernel
from . import MOST_LAUNCHES, numbers

TILE = 64
GROUP = 8
"""Loads of a copied-out loop that are under way at once: a guess."""


def program(problem: str) -> tuple[Action, ...]:
    """A copy and 2 N / 64 - 1 launches."""
    (n,) = numbers(problem, r"length=(\d+)", MOST_LAUNCHES)
    wide, left = divmod(n, TILE)
    if left:
        raise ValueError(f"{n} is no multiple of {TILE}")
    size = 4.0 * (n + 1) ** 2
    rows = Access(lines=3, count=GROUP)
    steps = (
        Step(TILE / GROUP, 6 * GROUP, loads=(rows,)),
        Step(1, 40, loads=(Access(lines=64, count=1), Access(lines=3))),
        Step(2 * TILE - 1, 24, local=2),
        Step(TILE / GROUP, 6 * GROUP, stores=(rows,), local=1),
    )
    tile = 4.0 * TILE * TILE

    def diagonal(blocks: int) -> WaveKernel:
        return WaveKernel(blocks, TILE, steps, 2 * blocks * tile, blocks * tile, 2 * size, of_unit=1)

    down = [diagonal(blocks) for blocks in range(1, wide + 1)]
    return Copy(size), *down, *reversed(down[:-1])
