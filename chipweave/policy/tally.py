"""Counts and order of first appearance of the experts that one layer of one step chose: the C tally, checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave import fabric
from chipweave.errors import BadInput

FFI, LIB = fabric.load("tally")
MOST = 2**31 - 1


def as_ids(ids: np.ndarray) -> np.ndarray:
    """`ids` as the kernels take them: C-contiguous uint8 or uint16, rows of k."""
    ids = np.asarray(ids)
    if ids.dtype not in (np.uint8, np.uint16):
        if ids.size and not (0 <= ids.min() and ids.max() < 2**16):
            raise BadInput(f"expert id {ids.min() if ids.min() < 0 else ids.max()} is outside 0 .. {2**16 - 1}")
        ids = ids.astype(np.uint16)
    return np.ascontiguousarray(ids)


def tally(ids: np.ndarray, experts: int, times: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """How many tokens chose each expert, and in which order the experts first appeared.

    ids       [rows, k] expert numbers (uint8, uint16; others are converted)
    experts   E; a number that is not below it raises BadInput, but for the largest of the type, which is no choice
    times     how many like requests each row stands for (the copies of a replicated batch)
    returns   counts int32[E], first_appearance int32[E] (rank, -1: not chosen), read-only
    """
    ids = as_ids(ids)
    narrow, arrays = ids.dtype == np.uint8, np.empty((2, experts), np.int32)
    status = (LIB.tally_u8 if narrow else LIB.tally_u16)(
        FFI.from_buffer("uint8_t[]" if narrow else "uint16_t[]", ids),
        ids.size,
        experts,
        times,
        FFI.from_buffer("int32_t[]", arrays[0]),
        FFI.from_buffer("int32_t[]", arrays[1]),
    )
    if status < 0:
        absent = ids == np.iinfo(ids.dtype).max
        if status == LIB.TALLY_BAD_ID and absent.any():
            return tally(ids[~absent].reshape(-1, 1), experts, times)
        raise fault(status, ids, experts, times)
    arrays.flags.writeable = False
    return arrays[0], arrays[1]


def fault(status: Any, ids: Any, experts: Any, times: Any) -> Any:
    """The error that a status of tally.h stands for, naming the place."""
    if status == LIB.TALLY_BAD_ID:
        row, column = (int(x) for x in np.argwhere(ids >= experts)[0])
        return BadInput(f"expert id {ids[row, column]} in row {row}, column {column}; allowed: 0 .. {experts - 1}")
    return BadInput(f"{ids.size} ids, each for {times} requests, pass the {MOST} tokens one expert can count")
