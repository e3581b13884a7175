"""out[i] = max(in[i], 0), one element a thread, blocks of 256."""

from __future__ import annotations

from ..waves import Access, Action, Step, WaveKernel
from . import numbers


def program(problem: str) -> tuple[Action, ...]:
    """One launch over N elements."""
    (n,) = numbers(problem, r"(\d+)")
    clip = Step(1, 12, loads=(Access(),), stores=(Access(),))
    return (WaveKernel(n / 256, 256, (clip,), read=4.0 * n, written=4.0 * n, footprint=8.0 * n),)
