"""Output tiles of a GEMM: what one costs an SM, what a wave of them costs the die."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from chipweave.kernel_models.chip import ELEMENT_BYTES

ROW_BYTES = 128
"""Bytes of one operand row in a k-step: a TMA box with the 128 B swizzle."""

WGMMA_ROWS = 64
"""Rows of the smallest wgmma: a tile of fewer rows costs as much."""

PARTITIONS = 2
"""Of L2: a line that SMs of both read leaves each once."""


@dataclass(frozen=True)
class Tile:
    """rows x columns of the output computed by one thread block.

    over, beside  blocks of a cluster above each other (they share the weights) and side by side (they share the
                  activations): what is shared leaves L2 once and is multicast
    """

    rows: int
    columns: int
    over: int = 1
    beside: int = 1

    def steps(self, k: int, dtype: str) -> int:
        """k-steps over the inner dimension `k`."""
        return ceil(k * ELEMENT_BYTES[dtype] / ROW_BYTES)

    def tensor_seconds(self, chip: Any, k: int, dtype: str) -> float:
        """Time of the tensor pipe of one SM for one tile."""
        rows = ceil(self.rows / WGMMA_ROWS) * WGMMA_ROWS
        inner = self.steps(k, dtype) * ROW_BYTES / ELEMENT_BYTES[dtype]
        return 2 * rows * self.columns * inner / (chip.flop_per_s(dtype) / chip.sms)

    def port_bytes(self, k: int, dtype: str) -> int:
        """Bytes that enter the SM for one tile."""
        return (self.rows + self.columns) * ROW_BYTES * self.steps(k, dtype)

    def l2_bytes(self, k: int, dtype: str, active: int = 1, one_row: bool = False) -> float:
        """Bytes that L2 sends for `active` tiles: what a cluster shares is sent once for all of it.

        one_row  all tiles lie side by side, so that all SMs read the same activations in step: whoever is ahead waits
                 for
                 the line that the others then ask for as well, and L2's coalescer sends it once to each partition
        """
        activations = PARTITIONS * self.rows if one_row else active * self.rows / self.beside
        return (activations + active * self.columns / self.over) * ROW_BYTES * self.steps(k, dtype)

    def covering(self, m: int, n: int) -> int:
        """Tiles that cover an m x n output, in whole clusters."""
        rows, columns = ceil(m / (self.rows * self.over)), ceil(n / (self.columns * self.beside))
        return rows * self.over * columns * self.beside


def fill_seconds(chip: Any) -> float:
    """From the start of a block to its first operand in shared memory: one DRAM access through the TMA engine."""
    return chip.dram_latency_s + chip.tma_extra_s


def store_seconds(chip: Any, tile: Tile, active: int = 1, conflicts: int = 1, out_bytes: int = 2) -> float:
    """Epilogue of one tile while `active` SMs store theirs: registers to shared memory, from there through the SM's
    port and into L2, acknowledged.

    conflicts  passes that the banks of shared memory need for one store of a warp
    """
    size = tile.rows * tile.columns * out_bytes
    out = max(size / chip.port_bytes_per_s, size * active / chip.l2_bytes_per_s)
    return size * conflicts / chip.shared_bytes_per_s + out + chip.l2_latency_s


def busy_seconds(chip: Any, tile: Tile, k: int, dtype: str, active: int, one_row: bool = False) -> float:
    """Main loop of one tile while `active` SMs do the same: the slowest of tensor pipe, SM port and share of L2."""
    l2 = tile.l2_bytes(k, dtype, active, one_row) / chip.l2_bytes_per_s
    return max(tile.tensor_seconds(chip, k, dtype), tile.port_bytes(k, dtype) / chip.port_bytes_per_s, l2)


def waves_seconds(
    chip: Any, tile: Tile, tiles: int, k: int, dtype: str, overlapped: bool, conflicts: int = 1, one_row: bool = False
) -> float:
    """Time from the first operand on to the last store for `tiles` tiles over the SMs, in waves.

    overlapped  epilogues run beside the next tile's main loop (ping-pong, two blocks an SM), which spreads them over
                time, and
                only the last one shows; otherwise all SMs store at once at the end of each wave, while the operands of
                the next are fetched
    """
    full, rest = divmod(tiles, chip.sms)
    waves = [(full, chip.sms), (1, rest)] if rest else [(full, chip.sms)]
    main = sum(count * busy_seconds(chip, tile, k, dtype, active, one_row) for count, active in waves if count)
    if overlapped:
        return main + store_seconds(chip, tile)
    stores = sum(count * store_seconds(chip, tile, active, conflicts) for count, active in waves)
    hidden = store_seconds(chip, tile, chip.sms, conflicts)  # every wave but the last is full
    return main + stores + (full + bool(rest) - 1) * max(0.0, fill_seconds(chip) - hidden)
