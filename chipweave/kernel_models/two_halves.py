"""Two dies, each with a half of L2, behind one address space: latency, L2 look-ups, rates by bytes under way.

A reader looks its own half up, which keeps copies of all that it reads; then the half of the line's home, which holds
the lines that live there. Half of all lines live on the other die.
"""

from __future__ import annotations

from math import exp

from .package import Package
from .pointer_chase import overfull


def random_misses(footprint: float, capacity: float) -> float:
    """Share of misses of a cyclic walk over `footprint` bytes in a cache that replaces at random.

    A line survives the m F evictions between two visits with probability exp(-m F / C): m = 1 - exp(-m F / C).
    """
    if footprint <= capacity:
        return 0.0
    share = 1.0
    for _ in range(200):
        share = 1.0 - exp(-share * footprint / capacity)
    return share


def far_cycles(package: Package) -> float:
    """What a line that lives on the other die costs beyond one on the own: a crossing and one more look-up, cycles."""
    die = package.die
    return float(package.hop_seconds[0, -1]) * float(die.clock) + die.l2_cycles - die.l1_cycles


def memory_cycles(package: Package) -> float:
    """Load to use from memory, mean over near and far lines, cycles."""
    far = far_cycles(package) * (1.0 - 1.0 / len(package.compute))
    return float(package.io[0].memory_latency) * 1e-12 * float(package.die.clock) + far


def latency_cycles(package: Package, footprint: float) -> float:
    """Load to use of a random chase over `footprint` bytes from one unit, cycles."""
    die, dies = package.die, len(package.compute)
    past_l1 = overfull(footprint, die.l1, die.l1_ways)
    past_own = random_misses(footprint, die.l2)
    near = float(package.io[0].memory_latency) * 1e-12 * float(die.clock)
    if dies == 1:
        beyond = near
    else:
        past_home = random_misses(footprint / dies, die.l2)
        far_hit, far_memory = die.l2_cycles + far_cycles(package), near + far_cycles(package)
        far = past_home * far_memory + (1.0 - past_home) * far_hit
        beyond = (near + (dies - 1) * far) / dies
    l2 = (1.0 - past_own) * die.l2_cycles + past_own * beyond
    return (1.0 - past_l1) * die.l1_cycles + past_l1 * l2


def lookups(fetched: float, anywhere: bool, dies: int = 2) -> float:
    """L2 look-ups of a requested sector: the own half's, and the home's where it is another and not looked up yet.

    Args:
        fetched: sectors from memory of a requested one, 1 / readers of a line.
        anywhere: the readers of a line are dealt over all dies at random; otherwise they share one.
    """
    if dies == 1:
        return 1.0
    crossed = 1.0 - 2.0 ** (-1.0 / fetched) if anywhere else 0.5
    return 1.0 + fetched * crossed
