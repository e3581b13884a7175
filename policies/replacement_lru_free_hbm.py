"""Copies fill what HBM the home weights leave; the least recently used goes first.

Question   Which copies go when a die is full?
Answer     The one not stored or read for longest. Room is `hbm_share` of the die's HBM less its home weights.
Source     arXiv 2510.05497 keeps 10 % of DRAM in reserve; LRU is our assumption, the paper names no order.
Beside     replacement_unbounded.py, replacement_lru.py
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chipweave.policy import CopyStore, Param, ReplacementPolicy, policy


@policy("replacement.lru_free_hbm")
class LruFreeHbm(ReplacementPolicy):
    """Copies fill what HBM the home weights leave; the least recently used goes first."""

    hbm_share = Param("share", default="90 %", low="0", high="1", doc="of a die's HBM that weights and copies may take")
    refresh_on_read = Param("bool", default=True, doc="whether a read counts as use (a store always does)")

    def store(self, room: Any) -> Any:
        free = [
            math.floor(self.hbm_share * int(hbm)) - int(home)
            for hbm, home in zip(room.hbm_bytes, room.home_bytes, strict=False)
        ]
        return CopyStore(np.array([max(0, f) // room.slice_bytes for f in free], np.int64), "lru", self.refresh_on_read)
