"""Counts and order of first appearance of the experts that one layer of one step chose: the C tally, checked."""

import numpy as np

from chipweave import fabric
from chipweave.errors import BadInput

LONGEST = 2**31 - 1


def as_ids(ids):
    """`ids` as the kernels take them: C-contiguous uint8 or uint16, rows of k."""
    ids = np.asarray(ids)
    if ids.dtype not in (np.uint8, np.uint16):
        if ids.size and not (0 <= ids.min() and ids.max() < 2**16):
            raise BadInput(f"expert id {ids.min() if ids.min() < 0 else ids.max()} is outside 0 .. {2**16 - 1}")
        ids = ids.astype(np.uint16)
    return np.ascontiguousarray(ids)


def tally(ids, experts, times=1):
    """How many tokens chose each expert, and in which order the experts first appeared.

    ids       [rows, k] expert numbers (uint8, uint16; others are converted)
    experts   E; a number that is not below it raises BadInput
    times     how many like requests each row stands for (the copies of a replicated batch)
    returns   counts int32[E], first_appearance int32[E] (rank, -1: not chosen)
    """
    ids = as_ids(ids)
    ffi, lib = fabric.load("tally")
    counts, first = np.empty(experts, np.int32), np.empty(experts, np.int32)
    name = "uint8_t" if ids.dtype == np.uint8 else "uint16_t"
    run = lib.tally_u8 if ids.dtype == np.uint8 else lib.tally_u16
    status = run(
        ffi.from_buffer(f"{name}[]", ids), ids.size, experts, times,
        ffi.from_buffer("int32_t[]", counts), ffi.from_buffer("int32_t[]", first),
    )
    check(status, ids, experts, times, lib)
    return counts, first


def check(status, ids, experts, times, lib):
    """Turn a status of tally.h into an error that names the place."""
    if status == lib.TALLY_BAD_ID:
        row, column = (int(x) for x in np.argwhere(ids >= experts)[0])
        raise BadInput(f"expert id {ids[row, column]} in row {row}, column {column}; allowed: 0 .. {experts - 1}")
    if status < 0:
        raise BadInput(f"{ids.size} ids, each for {times} requests, pass the {LONGEST} tokens one expert can count")
