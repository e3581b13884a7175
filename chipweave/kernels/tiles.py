"""Output tiles of a GEMM: what one costs an SM, what a wave of them costs the die."""

from dataclasses import dataclass
from math import ceil

from chipweave.kernels.chip import ELEMENT_BYTES

ROW_BYTES = 128
"""Bytes of one operand row in a k-step: a TMA box with the 128 B swizzle."""

WGMMA_ROWS = 64
"""Rows of the smallest wgmma: a tile of fewer rows costs as much."""


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

    def steps(self, k, dtype):
        """k-steps over the inner dimension `k`."""
        return ceil(k * ELEMENT_BYTES[dtype] / ROW_BYTES)

    def tensor_seconds(self, chip, k, dtype):
        """Time of the tensor pipe of one SM for one tile."""
        rows = ceil(self.rows / WGMMA_ROWS) * WGMMA_ROWS
        inner = self.steps(k, dtype) * ROW_BYTES / ELEMENT_BYTES[dtype]
        return 2 * rows * self.columns * inner / (chip.flop_per_s(dtype) / chip.sms)

    def port_bytes(self, k, dtype):
        """Bytes that enter the SM for one tile."""
        return (self.rows + self.columns) * ROW_BYTES * self.steps(k, dtype)

    def l2_bytes(self, k, dtype):
        """Bytes that L2 sends for one tile: what a cluster shares is sent once for all of it."""
        return (self.rows / self.beside + self.columns / self.over) * ROW_BYTES * self.steps(k, dtype)

    def covering(self, m, n):
        """Tiles that cover an m x n output, in whole clusters."""
        rows, columns = ceil(m / (self.rows * self.over)), ceil(n / (self.columns * self.beside))
        return rows * self.over * columns * self.beside


def fill_seconds(chip):
    """From the start of a block to its first operand in shared memory: one DRAM access through the TMA engine."""
    return chip.dram_latency_s + chip.tma_extra_s


def store_seconds(chip, tile, out_bytes=2):
    """Epilogue of one tile: registers to shared memory, from there through the SM's port, acknowledged by L2."""
    size = tile.rows * tile.columns * out_bytes
    return size / chip.shared_bytes_per_s + size / chip.port_bytes_per_s + chip.l2_latency_s


def busy_seconds(chip, tile, k, dtype, active):
    """Main loop of one tile while `active` SMs do the same: the slowest of tensor pipe, SM port and share of L2."""
    l2 = tile.l2_bytes(k, dtype) * active / chip.l2_bytes_per_s
    return max(tile.tensor_seconds(chip, k, dtype), tile.port_bytes(k, dtype) / chip.port_bytes_per_s, l2)


def waves_seconds(chip, tile, tiles, k, dtype, overlapped):
    """Time from the first operand on to the last store for `tiles` tiles over the SMs, in waves.

    overlapped  epilogues run beside the next tile's main loop (ping-pong, two blocks an SM), so that only the last
                one shows; otherwise each wave pays its epilogue and the fill of the next
    """
    full, rest = divmod(tiles, chip.sms)
    main = full * busy_seconds(chip, tile, k, dtype, chip.sms)
    if rest:
        main += busy_seconds(chip, tile, k, dtype, rest)
    shown = 1 if overlapped else full + bool(rest)
    return main + shown * store_seconds(chip, tile) + (shown - 1) * fill_seconds(chip)
