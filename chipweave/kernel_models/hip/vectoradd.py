"""a[i] = b[i] + c[i], one element a thread, blocks of 256."""

from __future__ import annotations

from ..waves import Access, Action, Step, WaveKernel
from . import numbers


def program(problem: str) -> tuple[Action, ...]:
    """One launch over N elements."""
    (n,) = numbers(problem, r"(\d+)")
    add = Step(1, 14, loads=(Access(count=2),), stores=(Access(),))
    return (WaveKernel(n / 256, 256, (add,), read=8.0 * n, written=4.0 * n, footprint=12.0 * n),)
