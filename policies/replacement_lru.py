"""A fixed room for copies on each die; the least recently used goes first.

Question   Which copies go when a die is full?
Answer     The one not stored or read for longest. Room is given in bytes or in slices; home weights are not in it.
Source     The public copy of the artifact of arXiv 2510.05497 keeps 50 GiB a die (1,828 DeepSeek slices), refreshed on
           reads, home data pinned.
Beside     replacement_unbounded.py, replacement_lru_free_hbm.py
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.errors import BadInput
from chipweave.policy import CopyStore, Param, ReplacementPolicy, policy


@policy("replacement.lru")
class Lru(ReplacementPolicy):
    """A fixed room for copies on each die; the least recently used goes first."""

    capacity = Param("bytes", default=None, doc="room for copies on each die (this or `slices`)")
    slices = Param("count", default=None, doc="room for copies on each die, in slices (this or `capacity`)")
    refresh_on_read = Param("bool", default=True, doc="whether a read counts as use (a store always does)")

    def _fill(self, name: str, values: dict[str, int | None], sources: dict[Any, Any]) -> None:
        super()._fill(name, values, sources)
        if (self.capacity is None) == (self.slices is None):
            raise BadInput("replacement.lru needs either `capacity` (such as 50 GiB) or `slices` (such as 1828)")

    def store(self, room: Any) -> CopyStore:
        slices = self.slices if self.capacity is None else self.capacity // room.slice_bytes
        return CopyStore(np.full(len(room.hbm_bytes), slices, np.int64), "lru", self.refresh_on_read)
