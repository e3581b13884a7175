"""Time of a grouped GEMM: one small GEMM per expert, the tiles of all of them dealt over the SMs together."""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.kernel_models.chip import ELEMENT_BYTES
from chipweave.kernel_models.tiles import fill_seconds, waves_seconds


def tiles_of(counts: list[int] | np.ndarray, n: int, tile: Any) -> int:
    """Tiles of all experts; an expert without tokens has none."""
    rows = -(-np.asarray(counts) // (tile.rows * tile.over)) * tile.over
    columns = -(-n // (tile.columns * tile.beside)) * tile.beside
    return int(rows.sum()) * columns


def dram_bytes(counts: list[int] | np.ndarray, n: int, k: int, dtype: str, out_bytes: int = 2) -> int:
    """Weights of the experts that have tokens, once each; activations in and out."""
    counts = np.asarray(counts)
    size, rows = ELEMENT_BYTES[dtype], int(counts.sum())
    return int((counts > 0).sum()) * n * k * size + rows * (k * size + n * out_bytes)


def grouped_seconds(
    chip: Any,
    counts: list[int] | np.ndarray,
    n: int,
    k: int,
    dtype: str,
    tile: Any,
    dram_efficiency: float,
    overlapped: bool,
    conflicts: int = 1,
) -> float:
    """Seconds for tokens `counts` per expert times weights [experts, n, k] with one tile shape.

    overlapped, conflicts  of the epilogues (tiles.waves_seconds); SMs whose epilogues do not overlap run in step
    """
    tiles = tiles_of(counts, n, tile)
    if not tiles:
        return 0.0
    one_row = not overlapped and len(counts) == 1 and counts[0] <= tile.rows
    busy = waves_seconds(chip, tile, tiles, k, dtype, overlapped, conflicts, one_row)
    return fill_seconds(chip) + max(busy, dram_bytes(counts, n, k, dtype) / chip.memory_bytes_per_s(dram_efficiency))
