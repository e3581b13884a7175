"""Time of one attention kernel over a KV cache: decode and prefill, grouped heads and the compressed cache of MLA.

A thread block owns a tile of query rows and walks over blocks of the context. What a block costs follows from the die:
the tensor pipe, the exponentials of the softmax, the bytes of keys and values through its share of L2 and memory. What
a library decides (tile, packing of heads, splits of the context, extra passes) is an `AttentionKernel`, read from YAML.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Any

from chipweave.kernel_models.chip import Chip
from chipweave.kernel_models.tiles import fill_seconds

EXPONENTIALS_PER_CLK = 16
"""Of one SM: four in each of its four partitions (CUDA C++ programming guide, arithmetic throughput, compute
capability 9.0)."""

INTEGER_LANES = 64
"""32-bit integer operations of one SM and clock (the same table)."""

ACCESSES = 4
"""Dependent memory accesses before a tile's first product: the sequence's length, its page table, queries, keys."""

MERGE_STAGES = 4
"""Split results in flight in the merging kernel (hopper/flash_fwd_combine_kernel.h, kStages)."""

EXACT_TILES = 4096
"""Tiles up to which the schedule is played tile by tile; beyond, tiles are small against the whole."""


@dataclass(frozen=True)
class Attention:
    """One call.

    phase     "decode": one new token a sequence sees `context` tokens; "prefill": the last `new` of `context` tokens,
              causal
    new       tokens of a sequence that a prefill computes; 0: all of `context` (more of it: a chunk, or a cached
              prefix)
    batch     sequences
    heads, kv_heads  query heads, and heads of the cache (MLA absorbed: one)
    qk, v     values of a head that are multiplied with keys, and that are summed
    shared    keys and values are one array (MLA absorbed): it is read once
    kv_bytes  of one cached value
    """

    phase: str
    batch: int
    context: int
    heads: int
    kv_heads: int
    qk: int
    v: int
    shared: bool = False
    kv_bytes: int = 2
    new: int = 0

    @property
    def queries(self) -> int:
        """New tokens of one sequence."""
        return 1 if self.phase == "decode" else self.new or self.context

    @property
    def kv_token_bytes(self) -> int:
        """Bytes that one cached token of one KV head occupies."""
        return (self.qk if self.shared else self.qk + self.v) * self.kv_bytes

    @property
    def kv_bytes_all(self) -> int:
        """Bytes of the cache that the call reads, each once."""
        return self.batch * self.kv_heads * self.context * self.kv_token_bytes

    @property
    def query_bytes(self) -> int:
        """Queries in, results out, both 16 bit."""
        return self.batch * self.queries * self.heads * (self.qk + self.v) * 2


@dataclass(frozen=True)
class AttentionKernel:
    """What a library does. Times in seconds.

    rows, columns  query rows of a tile, cached tokens of a block
    packed         the query heads that share a KV head lie in the rows of one tile
    overlapped     the softmax of one half of a tile runs beside the products of the other (two warp groups)
    splits         how a context is shared between thread blocks: a name of `SPLITS`, or "flashmla"
    max_splits, per_sm  shares at most; thread blocks of an SM
    overhead_blocks  "flashmla": what a sequence costs the planner beside its blocks, in blocks
    dealt          prefill's tiles: "longest" first, or in "turn", head by head
    cold           keys and values are read past L2
    tensor_share   of the tensor pipe's rate that the instructions used reach
    query_passes   bytes that helper kernels move, over the bytes of queries and results at 16 bit
    cast_cycles    lane cycles of a helper that converts each cached value first; 0: none does
    helpers        small kernels launched beside, each a `helper_s`
    op_bytes       of one operand of the tensor pipe
    absorbed       MLA: keys and values are the compressed cache itself
    floor_s, sync_s, merge_s  of a call beside the model; of a block beside its work; of the merging kernel
    """

    rows: int
    columns: int
    packed: bool = True
    overlapped: bool = False
    splits: str = "none"
    max_splits: int = 128
    per_sm: int = 1
    overhead_blocks: int = 0
    dealt: str = "longest"
    cold: bool = False
    tensor_share: float = 1.0
    query_passes: float = 0.0
    cast_cycles: float = 0.0
    helpers: int = 0
    op_bytes: int = 2
    absorbed: bool = True
    floor_s: float = 0.0
    sync_s: float = 0.0
    helper_s: float = 0.0
    merge_s: float = 0.8e-6


@lru_cache(maxsize=1 << 16)
def seconds(chip: Chip, turnaround_s: float, efficiency: float, call: Attention, kernel: AttentionKernel) -> float:
    """Seconds of one call on the die, floor included.

    turnaround_s  dispatch and exit of a thread block; efficiency: share of the pin rate that streaming reads reach
    """
    traffic = _traffic_rate(chip, efficiency, call.kv_bytes_all + call.query_bytes, kernel.cold)
    tile = _Tile(chip, turnaround_s, traffic, call, kernel)
    if kernel.splits == "flashmla" and call.phase == "decode":
        busy, splits, idle = _planned(chip, call, kernel, tile)
    else:
        busy, splits, idle = _scheduled(chip, call, kernel, tile)
    moved = idle + (call.kv_bytes_all + call.query_bytes) / traffic
    helper = kernel.query_passes * call.query_bytes / traffic
    helper += kernel.helpers * kernel.helper_s + _cast_seconds(chip, call, kernel)
    return kernel.floor_s + max(busy, moved) + helper + _merge_seconds(chip, call, kernel, splits)


def _traffic_rate(chip: Chip, efficiency: float, size: int, cold: bool) -> float:
    """Bytes/s of a data set of `size` bytes that the call before left in L2 as far as it fits.

    Home lines, and a copy of each line whose reader is in the other partition, share one pool (launch.resident_share):
    all fits up to two thirds of it, nothing of a cyclic sweep stays once the home lines fill it.
    """
    all_fits = chip.l2_bytes / 1.5
    kept = 0.0 if cold else min(1.0, max(0.0, (chip.l2_bytes - size) / (chip.l2_bytes - all_fits)))
    return 1 / (kept / chip.l2_bytes_per_s + (1 - kept) / chip.memory_bytes_per_s(efficiency))


class _Tile:
    """What one thread block's work costs: a start and end, and a time for each block of context."""

    def __init__(
        self, chip: Chip, turnaround_s: float, traffic: float, call: Attention, kernel: AttentionKernel
    ) -> None:
        group = call.heads // call.kv_heads
        held = group * call.queries if kernel.packed else call.queries
        self.used = min(kernel.rows, held)
        share = lambda size, active: size / min(chip.port_bytes_per_s, traffic / active)  # noqa: E731
        query, result = self.used * call.qk * kernel.op_bytes, self.used * call.v * 2
        start = turnaround_s + ACCESSES * fill_seconds(chip) + chip.l2_latency_s
        self.start = start
        sharers = ceil(held / kernel.rows) * (1 if kernel.packed else group)
        first = min(call.context, kernel.columns) * call.kv_token_bytes / sharers
        self.fixed = lambda active: start + share(query + result + first, active)
        pipe = kernel.tensor_share * chip.flop_per_clk * 2 / kernel.op_bytes * min(chip.tensor_clock_hz, chip.clock_hz)
        product = 2 * kernel.rows * kernel.columns * (call.qk + call.v) / pipe
        softmax = kernel.rows * kernel.columns / EXPONENTIALS_PER_CLK / chip.clock_hz
        self.block = (max(product, softmax) if kernel.overlapped else product + softmax) + kernel.sync_s


def _scheduled(chip: Chip, call: Attention, kernel: AttentionKernel, tile: _Tile) -> tuple[float, int, float]:
    """(seconds of all tiles over the SMs, splits of a context)."""
    group = call.heads // call.kv_heads
    heads, held = (call.kv_heads, group * call.queries) if kernel.packed else (call.heads, call.queries)
    rows = ceil(held / kernel.rows)
    blocks = ceil(call.context / kernel.columns)
    tiles = call.batch * heads * rows
    slots = chip.sms * kernel.per_sm
    splits = SPLITS[kernel.splits](tiles, blocks, chip.sms, kernel) if call.phase == "decode" else 1
    fixed = tile.fixed(min(tiles * splits, slots))
    if call.phase == "decode":
        each, waves = fixed + ceil(blocks / splits) * tile.block, ceil(tiles * splits / slots)
        return each * waves, splits, min(waves, 2) * tile.start
    before = call.context - call.queries
    ends = (before + min(call.queries, ceil((i + 1) * kernel.rows * call.queries / held)) for i in range(rows))
    seen = [ceil(end / kernel.columns) for end in ends]
    return _makespan(tuple(seen), tiles // rows, slots, fixed, tile.block, kernel.dealt), 1, tile.start


@lru_cache(maxsize=65536)
def _makespan(blocks: tuple[int], copies: int, slots: int, fixed: float, block: float, dealt: str) -> float:
    """End of the last tile when a free SM takes the next; `blocks`: of one head's tiles, each `copies` times.

    dealt  "longest": longest tiles first; "turn": head by head, first tokens first
    """
    times = [fixed + b * block for b in blocks]
    if len(blocks) * copies > EXACT_TILES:
        return copies * sum(times) / slots + max(times) / 2
    order = [t for t in sorted(times, reverse=True) for _ in range(copies)] if dealt == "longest" else times * copies
    ends = [0.0] * slots
    for time in order:
        heapq.heapreplace(ends, ends[0] + time)
    return max(ends)


def _planned(chip: Any, call: Any, kernel: Any, tile: Any) -> Any:
    """FlashMLA's plan: the blocks of all sequences, an overhead added to each, dealt evenly over the SMs."""
    rows = ceil(call.heads // call.kv_heads / kernel.rows)
    parts = max(1, chip.sms // rows)
    blocks = ceil(call.context / kernel.columns)
    each = ceil(call.batch * (blocks + kernel.overhead_blocks) / parts)
    splits = max(1, ceil((blocks + kernel.overhead_blocks) / each))
    whole = ceil(call.batch / parts)
    walked = each if splits > 1 else whole * blocks
    return whole * tile.fixed(chip.sms) + walked * tile.block, splits, tile.start


def _cast_seconds(chip: Chip, call: Attention, kernel: AttentionKernel) -> float:
    """Every cached value through the integer lanes of the SMs, which convert in software."""
    values = call.kv_bytes_all / call.kv_bytes
    return kernel.cast_cycles * values / (chip.sms * INTEGER_LANES * min(chip.tensor_clock_hz, chip.clock_hz))


def _merge_seconds(chip: Chip, call: Attention, kernel: AttentionKernel, splits: int) -> float:
    """The kernel that adds split results: 32-bit partial results through L2."""
    if splits == 1:
        return 0.0
    waits = splits * chip.dram_latency_s / MERGE_STAGES
    return kernel.merge_s + waits + call.batch * call.heads * call.v * 4 * 2 * splits / chip.l2_bytes_per_s


def _fa3_dynamic(tiles: int, blocks: int, sms: int, kernel: AttentionKernel) -> int:
    """FlashAttention-3's splits of paged batches: blocks dealt over the SMs with a tenth to spare
    (hopper/flash_prepare_scheduler.cu)."""
    each = ceil(tiles * blocks * 1.1 / sms)
    return max(1, min(ceil(blocks / each), kernel.max_splits))


def _fill(tiles: int, blocks: int, sms: int, kernel: AttentionKernel) -> int:
    """As many shares as SMs are free for, one block at least each."""
    return max(1, min(kernel.max_splits, sms * kernel.per_sm // tiles, blocks))


SPLITS = {"fa3_dynamic": _fa3_dynamic, "fill": _fill, "none": lambda *_: 1, "flashmla": lambda *_: 1}
"""Rules by which the context of a tile is shared between thread blocks."""
