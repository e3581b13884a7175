"""The nearest of k centres to each of N points, a thread a point, blocks of 256; features lie in columns and are met
again for each centre, in L1 where it holds a block's."""

from __future__ import annotations

from ..waves import Access, Action, Step, WaveKernel
from . import numbers


def program(problem: str) -> tuple[Action, ...]:
    """One launch."""
    points, features, centres = numbers(problem, r"pts(\d+)_feat(\d+)_clus(\d+)")
    first = Step(features, 14, loads=(Access(),))
    again = Access(met="unit", within=4.0 * features * (256 + 1))  # of a block and a centre
    rest = Step(features * (centres - 1), 14, loads=(again,))
    last = Step(1, 8, stores=(Access(),))
    size = 4.0 * points * features
    return (WaveKernel(points / 256, 256, (first, rest, last), size, 4.0 * points, size + 4.0 * points),)
