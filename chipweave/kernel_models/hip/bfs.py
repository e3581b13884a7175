"""Breadth-first search from one node of a random connected graph: a copy of the levels, then for each level a flag
copied to the device, a launch over all nodes and the flag copied back.

How many levels there are, and how many nodes each has, is what a graph of the same recipe has: a random tree and as
many random edges as the mean degree asks for. The suite walks degrees of 4, 8, 16 and 32; a row's `repeat` names which.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..waves import Access, Action, Copy, Step, WaveKernel
from . import numbers

CHUNK = 32
DEGREES = (4, 8, 16, 32)


@lru_cache(maxsize=64)
def widths(nodes: int, degree: int) -> tuple[int, ...]:
    """Nodes of each level from node 0."""
    rng = np.random.default_rng(42)
    child = np.arange(1, nodes)
    parent = (rng.random(nodes - 1) * child).astype(np.int64)
    more = max(0, nodes * degree // 2 - (nodes - 1))
    ends = rng.integers(0, nodes, (2, more))
    a, b = np.concatenate([parent, child, *ends]), np.concatenate([child, parent, *ends[::-1]])
    seen, now = np.zeros(nodes, bool), np.zeros(nodes, bool)
    now[0] = True
    found = []
    while now.any():
        found.append(int(now.sum()))
        seen |= now
        met = np.zeros(nodes, bool)
        met[b[now[a]]] = True
        now = met & ~seen
    return tuple(found)


def program(problem: str) -> tuple[Action, ...]:
    """A copy, then two copies and a launch a level."""
    nodes, repeat = numbers(problem, r"nodes(\d+)_repeat(\d+)")
    if repeat > len(DEGREES) or nodes > 1 << 22:
        raise ValueError(f"'{problem}' has no degree of {DEGREES}, or more nodes than are walked")
    degree = DEGREES[repeat - 1]
    size = 4.0 * nodes * (2 + degree)
    actions: list[Action] = [Copy(4.0 * nodes)]
    for width in widths(nodes, degree):
        busy = CHUNK * width / nodes  # nodes of a chunk whose neighbours are visited, one after another
        steps = (
            Step(CHUNK, 14, loads=(Access(lines=2, met="unit"),)),
            Step(busy, 16, loads=(Access(lines=2, count=2),)),
            Step(busy, 12, loads=(Access(lines=4),)),
            Step(busy, 12, loads=(Access(lines=min(64, 2 * degree), met="die"),), stores=(Access(lines=8),)),
        )
        actions += [Copy(4.0), WaveKernel(max(1.0, nodes / 256), 256, steps, size, 0.0, size), Copy(4.0)]
    return tuple(actions)
