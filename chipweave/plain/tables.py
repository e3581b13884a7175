"""The plain twins of the tables in csrc/stages/tables.h: the same answers from lists and dictionaries, slow and
obvious."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

INSERT, EVICT = 1, 2


class PlainTags:
    """Each set is a list of keys, latest insertion first."""

    def __init__(self, spec: Any) -> None:
        self.spec = spec
        self.sets = [[[] for _ in range(n)] for n in spec.sets_of or [spec.sets] * spec.instances]

    def find(self, at: int, set_: int, key: int) -> list[Any]:
        return self.sets[at][set_ % len(self.sets[at])]

    def has(self, at: int, set_: int, key: int) -> int:
        return int(key in self.find(at, set_, key))

    def insert(self, at: int, set_: int, key: int) -> list[Any]:
        """The changes: [(key, INSERT or EVICT), ...]; none if the key was there (it is refreshed)."""
        line = self.find(at, set_, key)
        known = key in line
        if known:
            line.remove(key)
        line.insert(0, key)
        changes = [] if known else [(key, INSERT)]
        if len(line) > self.spec.ways:
            changes.append((line.pop(), EVICT))
        return changes

    def touch(self, at: int, set_: int, key: int) -> list[Any]:
        if self.has(at, set_, key):
            self.insert(at, set_, key)
        return []

    def array(self) -> np.ndarray:
        out = np.full((self.spec.instances, self.spec.sets, self.spec.ways), -1, np.int64)
        for at, sets in enumerate(self.sets):
            for number, line in enumerate(sets):
                out[at, number, : len(line)] = line
        return out

    def check(self) -> None:
        for line in (line for sets in self.sets for line in sets):
            assert len(line) == len(set(line)) <= self.spec.ways


class PlainKeyed:
    """Each instance is an ordered dictionary, oldest key first; pinned keys stand apart."""

    def __init__(self, spec: Any) -> None:
        self.spec = spec
        self.held = [OrderedDict() for _ in range(spec.instances)]
        self.present = np.zeros((spec.instances, spec.keys), np.uint8)

    def has(self, at: int, key: int) -> int:
        return int(self.present[at, key] != 0)

    def insert(self, at: int, key: int) -> list[Any]:
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

    def refresh(self, at: int, key: int) -> list[Any]:
        if self.present[at, key] == 1:
            self.held[at].move_to_end(key)
        return []

    def pin(self, at: int, key: int) -> list[Any]:
        known = self.present[at, key]
        self.held[at].pop(key, None)
        self.present[at, key] = 2
        return [] if known else [(key, INSERT)]

    def array(self) -> np.ndarray:
        return self.present

    def check(self) -> None:
        for at, held in enumerate(self.held):
            assert not self.spec.capacity or len(held) <= self.spec.capacity
            assert set(np.flatnonzero(self.present[at] == 1)) == set(held)


class PlainBits:
    def __init__(self, spec: Any) -> None:
        self.spec = spec
        self.values = np.zeros((spec.instances, spec.keys), np.uint8)

    def at(self, at: int, key: int) -> int:
        return int(self.values[at, key])

    def set(self, at: int, key: int, value: int) -> list[Any]:
        known = self.values[at, key]
        self.values[at, key] = value
        return [] if known == value else [(key, INSERT if value else EVICT)]

    def array(self) -> np.ndarray:
        return self.values

    def check(self) -> None:
        pass


def make(layout: Any) -> dict[Any, Any]:
    """{spec: plain table} for all tables of a layout."""
    kinds = {"tags": PlainTags, "keyed": PlainKeyed, "bits": PlainBits}
    return {spec: kind(spec) for family, kind in kinds.items() for spec in layout.parts[family]}
