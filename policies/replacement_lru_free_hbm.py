"""Copies fill what HBM the home weights leave; the least recently used goes first.

Question   Which copies go when a die is full?
Answer     The one not stored or read for longest. Room is `hbm_share` of the die's HBM less its home weights; under
           `rooms: smallest`, which the presets paper and h100 say, dies of equal HBM keep as much as the fullest.
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
    rooms = Param(
        "choice",
        default="own",
        choices=("own", "smallest"),
        doc="what a die may keep: its own free room, or the smallest of the dies with as much HBM as it",
    )

    def store(self, room: Any) -> CopyStore:
        """A least-recently-used store as large as each die's HBM has room: hbm_share of it less the home weights.

        rooms "smallest": dies with equal HBM all get the room of the fullest of them.
        """
        free = [
            math.floor(self.hbm_share * int(hbm)) - int(home)
            for hbm, home in zip(room.hbm_bytes, room.home_bytes, strict=False)
        ]
        slices = np.array([max(0, f) // room.slice_bytes for f in free], np.int64)
        if self.rooms == "smallest":
            for size in set(room.hbm_bytes.tolist()):
                alike = room.hbm_bytes == size
                slices[alike] = slices[alike].min()
        return CopyStore(slices, "lru", self.refresh_on_read)
