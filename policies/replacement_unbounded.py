"""A copy once made stays: no bound, no eviction.

Question   Which copies go when a die is full?
Answer     None; a die is never full. Results say by how much its HBM overflows.
Source     The published artifact of arXiv 2510.05497 in its unbounded ("paper") mode.
Beside     replacement_lru.py, replacement_lru_free_hbm.py
"""

from __future__ import annotations

from typing import Any

from chipweave.policy import CopyStore, ReplacementPolicy, policy


@policy("replacement.unbounded")
class Unbounded(ReplacementPolicy):
    """A copy once made stays: no bound, no eviction."""

    def store(self, room: Any) -> CopyStore:
        return CopyStore()
