"""Time of one GEMM: C[m, n] = A[m, k] B[n, k] (both k-major), over the tiles that a library would choose."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from chipweave.kernel_models.chip import ELEMENT_BYTES
from chipweave.kernel_models.tiles import Tile, fill_seconds, waves_seconds

SHAPES = ((64, 64), (64, 128), (128, 64), (128, 128), (64, 256), (256, 64), (128, 256), (256, 128))
CLUSTERS = ((1, 1), (2, 1), (1, 2), (2, 2))
CUBLAS_TILES = tuple(Tile(*shape, *cluster) for shape in SHAPES for cluster in CLUSTERS)
"""What cuBLAS picks from on Hopper: tiles of 64 to 256 rows and columns, clusters of up to two by two."""

SPLITS = (1, 2, 4, 8, 16)
"""Shares of the inner dimension that different blocks may take, to be added by a second kernel (split-K)."""


@dataclass(frozen=True)
class Gemm:
    """Shape and operand type; `out_bytes` per element of C."""

    m: int
    n: int
    k: int
    dtype: str = "bfloat16"
    out_bytes: int = 2

    @property
    def flop(self) -> Any:
        return 2 * self.m * self.n * self.k

    @property
    def dram_bytes(self) -> int:
        """Each operand once from memory, the result once to it."""
        return (self.m + self.n) * self.k * ELEMENT_BYTES[self.dtype] + self.m * self.n * self.out_bytes


def with_tile(
    chip: Any,
    gemm: Gemm,
    tile: Tile,
    dram_efficiency: float,
    overlapped: bool = True,
    split: int = 1,
    resident: bool = False,
) -> float:
    """Seconds on the die from the start of the first block to the last store, for one choice of tile.

    The main loops run in waves; memory runs beside them, so the longer of both shows, after the first fill.
    split     blocks that share the inner dimension of one tile
    resident  the operands wait in L2 (the same data was used a moment ago and fits)
    """
    tiles = tile.covering(gemm.m, gemm.n) * split
    busy = waves_seconds(chip, tile, tiles, ceil(gemm.k / split), gemm.dtype, overlapped)
    if resident:
        return chip.l2_latency_s + chip.tma_extra_s + busy
    memory = gemm.dram_bytes / chip.memory_bytes_per_s(dram_efficiency)
    return fill_seconds(chip) + max(busy, memory)


def reduction_seconds(chip: Any, gemm: Gemm, split: int, kernel_floor_s: float) -> float:
    """The kernel that adds the shares of a split inner dimension: 32-bit partial results through L2."""
    if split == 1:
        return 0.0
    return kernel_floor_s + gemm.m * gemm.n * (4 * split + gemm.out_bytes) / chip.l2_bytes_per_s


def best_of(
    chip: Any,
    gemm: Gemm,
    tiles: tuple[Tile, ...],
    dram_efficiency: float,
    kernel_floor_s: float,
    splits: tuple[int, ...] = SPLITS,
    overlapped: bool = True,
    resident: bool = False,
) -> tuple[float, Tile, int]:
    """(seconds, tile, split) of the fastest choice: what an autotuner, or a heuristic trained on timings, ends at.

    kernel_floor_s  cost of a second kernel, paid where the inner dimension is split
    """

    def seconds(tile: Any, split: Any) -> Any:
        own = with_tile(chip, gemm, tile, dram_efficiency, overlapped, split, resident)
        return own + reduction_seconds(chip, gemm, split, kernel_floor_s)

    return min(((seconds(t, s), t, s) for t in tiles for s in splits), key=lambda choice: choice[0])


def vllm_fp8_tiles(m: int) -> tuple[Tile, ...]:
    """Tiles of vLLM's CUTLASS FP8 kernels on Hopper, by rows: its dispatch, not a search."""
    if m <= 64:
        return (Tile(64, 64, 1, 8), Tile(64, 128, 2, 1))
    return (Tile(64, 128, 2, 1),) if m <= 128 else (Tile(128, 128, 2, 1),)


def elementwise_seconds(chip: Any, count_bytes: int, dram_efficiency: float) -> float:
    """A kernel that only moves `count_bytes` through memory, or through L2 where they fit in half of it."""
    if count_bytes <= chip.l2_bytes / 2:
        return count_bytes / chip.l2_bytes_per_s
    return count_bytes / chip.memory_bytes_per_s(dram_efficiency)
