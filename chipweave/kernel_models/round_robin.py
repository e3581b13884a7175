"""Which share of a cyclic stream misses the caches of dies to which its workgroups are dealt in turn.

Thread g of a launch touches element g mod N of an array, over and over; workgroup i holds threads i B to (i + 1) B and
runs on die i mod D. A pass over the array is N / B workgroups, so from pass to pass a place of the array moves on by
s = (N / B) mod D dies. Where s is 0 a die always meets the same D-th of the array and D caches work as one; where it is
not, a die meets other places on each pass and its cache holds what it met since.

A line hits where the die met it p passes ago and all that the die met since then fits its cache. What a die meets in p
passes is the union of p intervals of one D-th, each moved by s from the one before: closed form, no parameter.
"""

from __future__ import annotations

import numpy as np

from .pointer_chase import overfull

PLACES = 128
"""Places of each workgroup of a D-period at which the share is sampled."""

MOST_PASSES = 4096


def missed(array_bytes: float, workgroups: float, arrays: int, dies: int, capacity: float, ways: int) -> np.ndarray:
    """For evenly spaced places of D consecutive workgroups, `PLACES` each, the share of visits that miss the die's own
    cache.

    Args:
        array_bytes: bytes of one array.
        workgroups: workgroups of one pass over it, not necessarily whole.
        arrays: arrays that are walked together.
        capacity, ways: of one die's cache.
    """
    places = PLACES * dies
    place = (np.arange(places) + 0.5) / PLACES
    shift = workgroups % dies
    met = np.zeros(places, dtype=bool)
    share = np.ones(places)
    for passes in range(1, MOST_PASSES):
        met |= (place + (passes - 1) * shift) % dies < 1.0
        since = met.mean() * array_bytes * arrays
        past = overfull(since, capacity, ways)
        if past >= 1.0:
            break
        again = np.floor(place + passes * shift) % dies == np.floor(place)
        share[again] = np.minimum(share[again], past)
        if share.max() <= past or met.all():
            share = np.minimum(share, past)
            break
    return share


def of_workgroups(share: np.ndarray, dies: int, waves: int) -> tuple[float, float]:
    """(share of lines that miss, share of workgroups in which some wave misses): a workgroup ends with its last
    wave."""
    each = share.reshape(dies, -1)
    waves = max(1, min(waves, each.shape[1]))
    edges = np.linspace(0, each.shape[1], waves + 1).astype(int)
    worst = np.maximum.reduceat(each, edges[:-1], axis=1) if waves > 1 else each.max(axis=1, keepdims=True)
    return float(share.mean()), float(worst.max(axis=1).mean())
