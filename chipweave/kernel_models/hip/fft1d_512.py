"""Transforms of 512 complex points: a block of 64 threads each, eight points a thread, three passes of eight through
local memory; twiddle factors by sine and cosine in full range. Both counts were chosen with predicted rows in view."""

from __future__ import annotations

from ..waves import Access, Action, Step, WaveKernel
from . import numbers

FACTOR = 58
"""Slots of sine and cosine of one angle, reduced once, and the product of complex numbers."""
PASS = 90
"""Slots of a pass: 24 sums and differences of complex numbers and products; local memory takes 40 more."""


def program(problem: str) -> tuple[Action, ...]:
    """One launch over N points."""
    (n,) = numbers(problem, r"(\d+)_elements")
    points = Access(width=8, count=8)
    turn = Step(2, PASS + 40 + 7 * FACTOR, local=8)  # seven factors; stores, loads and barriers twice, x then y
    steps = (Step(1, 20, loads=(points,)), turn, Step(1, PASS + 20, stores=(points,)))
    return (WaveKernel(n / 512, 64, steps, 8.0 * n, 8.0 * n, 8.0 * n),)
