"""Convolution as im2col and a product of matrices: with three output channels three of a tile's sixteen rows work."""

from __future__ import annotations

from math import ceil

from ..waves import Access, Action, Step, WaveKernel
from . import numbers
from .im2col import columns

TILE = 16


def product(m: int, n: float, k: int) -> WaveKernel:
    """C[m, n] = A[m, k] B[k, n] by tiles of 16 x 16 through local memory, a thread a value."""
    tiles = Access(lines=4, count=2)
    step = Step(ceil(k / TILE), 40 + TILE * 5, loads=(tiles,), stores=(), local=3)
    last = Step(1, 16, loads=(Access(lines=4),), stores=(Access(lines=4),))
    out = 4.0 * m * n
    first = Step(1, 20, stores=(Access(lines=4),))
    blocks = ceil(n / TILE) * ceil(m / TILE)
    return WaveKernel(blocks, TILE * TILE, (first, step, last), 4.0 * n * k, out, 4.0 * n * k + 2 * out)


def program(problem: str) -> tuple[Action, ...]:
    """Two launches; one image of one channel."""
    edge, mask, out = numbers(problem, r"N1_C1_(\d+)x\1_k(\d+)x\2_OC(\d+)")
    return columns(edge, mask), product(out, float((edge - mask + 1) ** 2), mask * mask)
