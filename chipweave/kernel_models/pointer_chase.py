"""Latency of dependent loads over their footprint, on a package of several dies.

One thread follows a random permutation of lines round and round: each line is met once a pass, so under LRU a set that
holds one line too many misses all of its lines. Of F bytes over a cache of C bytes and W ways, indexed by low bits, the
share W (F/C - 1) of the sets is too full (closed form: each set has F/C x W lines, spread evenly).
A translation cache of `translation_reach` bytes keeps a page with probability reach / F; a miss goes on to the die's
own second-level translation cache, taken to lie as far away as its L2 (an assumption: not published)."""

from __future__ import annotations

from .package import Package


def overfull(footprint: float, capacity: float, ways: int) -> float:
    """Share of a cyclic pass over `footprint` bytes that misses an LRU cache of `capacity` bytes and `ways` ways."""
    if capacity <= 0:
        return 1.0
    return min(1.0, max(0.0, ways * (footprint / capacity - 1.0)))


def untranslated(footprint: float, reach: float) -> float:
    """Share of random accesses whose translation is not at hand; a reach of 0 means that it always is."""
    return max(0.0, 1.0 - reach / footprint) if reach else 0.0


def chase_seconds(package: Package, footprint: float) -> float:
    """Mean load-to-use latency of a chase over `footprint` bytes, seconds."""
    die, cycle = package.die, package.seconds_per_cycle
    past_l1 = overfull(footprint, die.l1, die.l1_ways)
    past_l2 = overfull(footprint, die.l2, die.l2_ways)
    io = package.io[package.reached[0]]
    past_cache = overfull(footprint, package.cache_bytes, io.cache_ways)
    behind = (1 - past_cache) * package.behind_l2_seconds(False) if past_cache < 1 else 0.0
    behind += past_cache * package.behind_l2_seconds(True)
    l1, l2 = die.l1_cycles * cycle, die.l2_cycles * cycle
    translation = untranslated(footprint, float(die.translation_reach)) * (l2 - l1)
    return (1 - past_l1) * l1 + past_l1 * ((1 - past_l2) * l2 + past_l2 * behind + translation)
