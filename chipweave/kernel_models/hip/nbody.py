"""Gravitation of N bodies, all pairs, a thread a body, blocks of 256; tiles go through a buffer in memory, for the
suite passes it as a pointer. Root and quotient are in full precision."""

from __future__ import annotations

from ..waves import Access, Action, Step, WaveKernel
from . import ROOT, numbers


def program(problem: str) -> tuple[Action, ...]:
    """One launch."""
    (n,) = numbers(problem, r"(\d+)_particles")
    vector = Access(width=16)
    tile = Step(n / 256, 20, loads=(vector,), stores=(vector,), settled=True)
    pair = Step(n, 2 * ROOT + 22, loads=(Access(lines=1, width=4, met="unit"),))
    last = Step(1, 40, loads=(vector,), stores=(Access(width=16, count=2),))
    return (WaveKernel(n / 256, 256, (tile, pair, last), 32.0 * n, 32.0 * n, 80.0 * n),)
