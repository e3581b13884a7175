"""The plain twins of the tables in csrc/stages/tables.h: the same answers from lists and dictionaries, slow and
obvious."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

INSERT, EVICT = 1, 2


class PlainTags:
    """Each set is a list of keys, latest insertion first: a set-associative store with LRU replacement."""

    def __init__(self, spec: Any) -> None:
        """Empty sets; `sets_of` and `ways_of` give instances different numbers of them, and of keys in each."""
        self.spec, self.ways = spec, spec.ways_of or [spec.ways] * spec.instances
        self.sets: list[list[list[int]]] = [
            [[] for _ in range(n)] for n in spec.sets_of or [spec.sets] * spec.instances
        ]

    def find(self, at: int, set_: int, key: int) -> list[int]:
        """The set of instance `at` that `set_` falls into, modulo its number of sets."""
        return self.sets[at][set_ % len(self.sets[at])]

    def has(self, at: int, set_: int, key: int) -> int:
        """1 where the key is there, else 0: answers of questions are numbers."""
        return int(key in self.find(at, set_, key))

    def insert(self, at: int, set_: int, key: int) -> list[tuple[int, int]]:
        """The changes: [(key, INSERT or EVICT), ...]; none if the key was there (it is refreshed)."""
        line = self.find(at, set_, key)
        known = key in line
        if known:
            line.remove(key)
        line.insert(0, key)
        changes = [] if known else [(key, INSERT)]
        if len(line) > self.ways[at]:
            changes.append((line.pop(), EVICT))
        return changes

    def touch(self, at: int, set_: int, key: int) -> list[tuple[int, int]]:
        """Make a key that is there the most recent; no change of content, so no journal rows."""
        if self.has(at, set_, key):
            self.insert(at, set_, key)
        return []

    def array(self) -> np.ndarray:
        """int64 [instances, sets, ways], most recent first, -1 where empty."""
        out = np.full((self.spec.instances, self.spec.sets, self.spec.ways), -1, np.int64)
        for at, sets in enumerate(self.sets):
            for number, line in enumerate(sets):
                out[at, number, : len(line)] = line
        return out

    def check(self) -> None:
        """No key twice, no set above its ways."""
        for ways, line in ((ways, line) for ways, sets in zip(self.ways, self.sets, strict=True) for line in sets):
            assert len(line) == len(set(line)) <= ways


class PlainKeyed:
    """Each instance is an ordered dictionary, oldest key first; pinned keys stand apart.

    capacity bounds the keys that are not pinned, per instance (capacity_of) or for all; 0: no
    bound.
    """

    def __init__(self, spec: Any) -> None:
        """Nothing present; `present` is 0, 1 (held) or 2 (pinned) for each key."""
        self.spec = spec
        self.held: list[OrderedDict[int, None]] = [OrderedDict() for _ in range(spec.instances)]
        self.present = np.zeros((spec.instances, spec.keys), np.uint8)

    def has(self, at: int, key: int) -> int:
        """1 where the key is held or pinned, else 0."""
        return int(self.present[at, key] != 0)

    def insert(self, at: int, key: int) -> list[tuple[int, int]]:
        """Add a key, evicting the oldest beyond capacity; a key that is there becomes the newest.

        Returns the changes.
        """
        if self.present[at, key]:
            return self.refresh(at, key)
        changes = [(key, INSERT)]
        self.present[at, key] = 1
        self.held[at][key] = None
        capacity = self.spec.capacity_of[at] if self.spec.capacity_of else self.spec.capacity
        if capacity and len(self.held[at]) > capacity:
            oldest, _ = self.held[at].popitem(last=False)
            self.present[at, oldest] = 0
            changes.append((oldest, EVICT))
        return changes

    def refresh(self, at: int, key: int) -> list[tuple[int, int]]:
        """Make a held key the newest; no change of content."""
        if self.present[at, key] == 1:
            self.held[at].move_to_end(key)
        return []

    def pin(self, at: int, key: int) -> list[tuple[int, int]]:
        """Keep a key for ever; it no longer counts against the capacity. Returns the change, if it was not there."""
        known = self.present[at, key]
        self.held[at].pop(key, None)
        self.present[at, key] = 2
        return [] if known else [(key, INSERT)]

    def array(self) -> np.ndarray:
        """uint8 [instances, keys]: 0, 1 held, 2 pinned."""
        return self.present

    def check(self) -> None:
        """Held keys are those present as 1, and no more than the capacity."""
        for at, held in enumerate(self.held):
            assert not self.spec.capacity or len(held) <= self.spec.capacity
            assert set(np.flatnonzero(self.present[at] == 1)) == set(held)


class PlainBits:
    """A number of 8 bits for each key of each instance; not 0 counts as inserted."""

    def __init__(self, spec: Any) -> None:
        self.spec = spec
        self.values = np.zeros((spec.instances, spec.keys), np.uint8)

    def at(self, at: int, key: int) -> int:
        """The value of a key."""
        return int(self.values[at, key])

    def set(self, at: int, key: int, value: int) -> list[tuple[int, int]]:
        """Set a key's value; returns the change, none where it had that value."""
        known = self.values[at, key]
        self.values[at, key] = value
        return [] if known == value else [(key, INSERT if value else EVICT)]

    def array(self) -> np.ndarray:
        """uint8 [instances, keys]."""
        return self.values

    def check(self) -> None:
        """Any content is valid."""
        pass


def make(layout: Any) -> dict[Any, Any]:
    """{spec: plain table} for all tables of a layout."""
    kinds = {"tags": PlainTags, "keyed": PlainKeyed, "bits": PlainBits}
    return {spec: kind(spec) for family, kind in kinds.items() for spec in layout.parts[family]}
