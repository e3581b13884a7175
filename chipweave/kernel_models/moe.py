"""Time of a fused MoE layer on one GPU of a group: permute, two grouped GEMMs with the activation between, combine.

The kernels are those of the fastest public framework at a point: CUTLASS grouped GEMMs with autotuned tiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chipweave.kernel_models.gemm import SHAPES, elementwise_seconds
from chipweave.kernel_models.grouped import grouped_seconds
from chipweave.kernel_models.tiles import Tile

TILES_16 = tuple(Tile(*shape, *cluster) for shape in SHAPES for cluster in ((1, 1), (2, 1), (1, 2)))
"""16-bit operands: tiles and clusters of two that the autotuner of a grouped CUTLASS GEMM tries."""

TILES_BLOCK = (Tile(64, 64), Tile(64, 128), Tile(128, 64), Tile(128, 128))
"""Block-scaled FP8: scales are per 128 x 128 weights and 1 x 128 activations, which holds a tile to 128 columns."""


@dataclass(frozen=True)
class Layer:
    """One MoE layer as a rank sees it: hidden size, intermediate size on this rank, operand type."""

    hidden: int
    intermediate: int
    dtype: str

    @property
    def gemms(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """(columns, inner dimension) of the gate-and-up and of the down projection."""
        return (2 * self.intermediate, self.hidden), (self.hidden, self.intermediate)


def gemm_seconds(chip: Any, counts: np.ndarray, n: int, k: int, dtype: str, dram_efficiency: float) -> float:
    """One grouped GEMM with the best of the tiles that its operand type allows."""
    tiles = TILES_BLOCK if dtype == "fp8_block" else TILES_16
    return min(grouped_seconds(chip, counts, n, k, dtype, tile, dram_efficiency, overlapped=True) for tile in tiles)


def movement_bytes(layer: Layer, rows: int, tokens: int, slots: int) -> tuple[int, ...]:
    """Bytes of each kernel that only moves data: permute, activation, combine, and quantisation for FP8.

    rows    token slots that this rank computes
    tokens  tokens of the layer
    slots   tokens times experts per token: the permuted buffers have a row for each, computed here or not
    """
    permute = (tokens + slots) * layer.hidden * 2
    activation = rows * layer.intermediate * 3 * 2
    combine = (slots + tokens) * layer.hidden * 2
    quantise = [rows * size * 3 for size in (layer.hidden, layer.intermediate)] if layer.dtype.startswith("fp8") else []
    return permute, activation, combine, *quantise


def layer_seconds(
    chip: Any, layer: Layer, counts: np.ndarray, tokens: int, slots: int, dram_efficiency: float
) -> float:
    """Seconds of the kernels of one layer without their launches, for `counts` tokens per local expert, of `slots` in
    all."""
    counts = np.asarray(counts)
    gemms = sum(gemm_seconds(chip, counts, n, k, layer.dtype, dram_efficiency) for n, k in layer.gemms)
    moved = movement_bytes(layer, int(counts.sum()), tokens, slots)
    return gemms + sum(elementwise_seconds(chip, b, dram_efficiency) for b in moved)
