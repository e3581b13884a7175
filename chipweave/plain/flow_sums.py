"""The plain twin of csrc/stages/flow_sums.c, whose words hold here."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np


class PlainFlowSums:
    """Sums of bytes by the key of a flow, one row and send after the other."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.kept: list[tuple[int, int]] = []
        self.sums: Counter[int] = Counter()

    def add(self, sends: list[Any], rows: np.ndarray, started: np.ndarray) -> None:
        """Keep what has started of `sends` (chipweave.run.why.flows.Send) by rows of operands."""
        for row, counts in zip(rows.tolist(), started.tolist(), strict=True):
            for send in sends:
                if counts[send.slot]:
                    owner = 0 if send.expert is None else row[send.expert] + 1
                    key = (((owner << self.bits) + row[send.source]) << self.bits) + row[send.target]
                    constant, terms = send.size_of
                    size = constant + sum(factor * row[operand] for operand, factor in terms)
                    self.kept.append((send.base + key, counts[send.slot] * size))

    def settle(self, group: int) -> None:
        """What is kept belongs to `group`."""
        for key, size in self.kept:
            self.sums[key + group] += size
        self.kept = []

    def all(self) -> tuple[np.ndarray, np.ndarray]:
        """(keys, sums), by key."""
        keys = sorted(self.sums)
        return np.array(keys, np.int64), np.array([self.sums[key] for key in keys], np.int64)
