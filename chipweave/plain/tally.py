"""The plain twin of csrc/policies/tally.c."""

from __future__ import annotations

from typing import Any

import numpy as np


def tally(ids: Any, experts: Any, times: int = 1) -> Any:
    """counts int32[E] and first_appearance int32[E] of ids [rows, k], read row by row."""
    counts, first = np.zeros(experts, np.int32), np.full(experts, -1, np.int32)
    rank, ids = 0, np.asarray(ids)
    no_choice = np.iinfo(ids.dtype).max if ids.dtype.kind == "u" and ids.size else -1
    for e in ids.ravel().tolist():
        if e == no_choice >= experts:
            continue
        counts[e] += times
        if first[e] < 0:
            first[e] = rank
            rank += 1
    return counts, first
