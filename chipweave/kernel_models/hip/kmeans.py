"""The nearest of k centres to each of N points, a thread a point, blocks of 256; features lie in columns and are met
again for each centre, in L1 where a block's fit it."""

from __future__ import annotations

from ..waves import Access, Action, Step, WaveKernel
from . import numbers

L1_OF_BLOCK = 32 << 10


def program(problem: str) -> tuple[Action, ...]:
    """One launch."""
    points, features, centres = numbers(problem, r"pts(\d+)_feat(\d+)_clus(\d+)")
    first = Step(features, 14, loads=(Access(),))
    again = "unit" if 256 * 4 * features < L1_OF_BLOCK else "die"
    rest = Step(features * (centres - 1), 14, loads=(Access(met=again),))
    last = Step(1, 8, stores=(Access(),))
    size = 4.0 * points * features
    return (WaveKernel(points / 256, 256, (first, rest, last), size, 4.0 * points, size + 4.0 * points),)
