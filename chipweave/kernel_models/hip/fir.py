"""A filter of T taps: each thread sums T products; a branch in the loop keeps its loads apart. Blocks of 256."""

from __future__ import annotations

from ..waves import Access, Action, Step, WaveKernel
from . import numbers


def program(problem: str) -> tuple[Action, ...]:
    """One launch over N outputs."""
    n, taps = numbers(problem, r"(\d+)_taps(\d+)")
    first = Step(1, 12, loads=(Access(),))
    tap = Step(taps, 16, loads=(Access(lines=3, met="unit"),))
    last = Step(1, 6, stores=(Access(),))
    return (WaveKernel(n / 256, 256, (first, tap, last), 4.0 * n, 4.0 * n, 8.0 * n),)
