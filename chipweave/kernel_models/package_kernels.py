"""Times of GEMM, attention and MoE kernels on a package, from bytes, operations, waves and chains of latencies."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np

ROWS = 256
"""Query rows of a thread block of prefill attention: two tiles of 128 (FlashAttention 3 and 4)."""
CHAIN = 4
"""Dependent accesses of memory of a decode block: page table, query, keys, values: a guess."""
SPLIT = 8192
"""Tokens of a sequence from which a decode takes its whole chain of splits and their merge: a guess."""
LATENT_HEADS = 64
"""Heads of a block of latent decode, a guess: half of an instruction's rows, so that queries leave room for cache."""
EXPERT_TILE = 128
"""Tokens of a tile of a grouped GEMM (DeepGEMM, CUTLASS)."""


@dataclass(frozen=True)
class Engine:
    """A package as kernels see it.

    Attributes:
        units: SMs.
        memory: bytes/s that a library's kernel streams.
        latency: seconds of a load from memory.
        flops: dense 16-bit peak, FLOP/s.
        exponentials: a second, of all SMs.
        clock: of the SMs, Hz.
        kept: bytes that L2 answers when a kernel runs on the same operands again and again.
        l2: bytes/s from there.
        stream: bytes/s from memory of a kernel whose loads take most of the shared memory.
    """

    units: int
    memory: float
    latency: float
    flops: float
    exponentials: float
    clock: float = 1.0
    kept: float = 0.0
    l2: float = 1.0
    stream: float = 0.0

    def cache_seconds(self, size: float) -> float:
        """Seconds of a KV cache of `size` bytes: all from L2 where it fits, none where it does not (each line is met
        once a run)."""
        return size / (self.l2 if size <= self.kept else self.stream or self.memory)


def gemm_seconds(
    e: Engine, m: int, n: int, k: int, size: float, rate: float, floor: float, unpipelined: int = 0
) -> float:
    """Seconds of C[m, n] = A[m, k] B[k, n].

    Args:
        size: bytes of an operand with its scales.
        rate: FLOP/s that the kernel reaches on large problems.
        floor: seconds of a call before its work.
        unpipelined: inner edge of a step that waits for memory each time; 0: steps overlap.
    """
    moved = (m * k + k * n) * size + m * n * 2.0
    waits = ceil(k / unpipelined) * e.latency if unpipelined else e.latency
    return floor + max(moved / e.memory + e.latency, 2.0 * m * n * k / rate, waits)


def attention_decode(
    e: Engine,
    batch: int,
    heads: int,
    kv_heads: int,
    width: int,
    context: int,
    size: float,
    floor: float,
    split: float = 0.0,
) -> float:
    """Seconds of one token a sequence: cache, query and output, or further waves of blocks, a chain of accesses
    each.

    Args:
        split: seconds of a whole chain of splits of a context and their merge, where heads are fewer than SMs.
    """
    cache = e.cache_seconds(2.0 * batch * width * kv_heads * context * size)
    waves = ceil(batch * kv_heads / e.units) - 1
    merged = split * min(1.0, context / SPLIT) if batch * kv_heads < e.units else 0.0
    return floor + merged + max(cache + 4.0 * batch * width * heads / e.memory, waves * CHAIN * e.latency)


def mla_decode(
    e: Engine, batch: int, heads: int, context: int, size: float, floor: float, split: float, rate: float
) -> float:
    """Seconds of latent decode attention: 576 values a token, read once for all heads; query and output; further
    waves of blocks of 64 heads."""
    moved = batch * (576.0 * context * size + heads * (576 + 512) * 2.0)
    work = 2.0 * heads * (576 + 512) * batch * context
    waves = ceil(batch * ceil(heads / LATENT_HEADS) / e.units) - 1
    return floor + max(moved / e.memory, work / rate) + waves * CHAIN * e.latency + split * min(1.0, context / SPLIT)


def attention_work(e: Engine, heads: int, width: int, pairs: float, faster: float) -> float:
    """Seconds of products and exponentials, one after the other, over `pairs` of a query and a key."""
    return heads * pairs * (4.0 * width / (e.flops * faster) + 1.0 / e.exponentials)


def attention_prefill(
    e: Engine,
    batch: int,
    heads: int,
    kv_heads: int,
    width: int,
    context: int,
    faster: float,
    share: float,
    floor: float,
    new: int = 0,
) -> float:
    """Seconds of causal attention: all blocks over all SMs, half of the longest block at the end, operands once.

    Args:
        faster: rate of the products over the 16-bit rate.
        share: of the peak that the kernel reaches.
        floor: seconds of a call before its work.
        new: tokens of a sequence that are computed, the last of `context`; 0: all of them.
    """
    new = new or context
    blocks, rows = ceil(new / ROWS), min(ROWS, new)
    pairs = new * (context - new) + new * (new + rows) / 2.0
    total = batch * attention_work(e, heads, width, pairs, faster) / share
    longest = attention_work(e, 1, width, float(rows * context), faster) * e.units / share
    enough = batch * heads * blocks >= e.units
    moved = 2.0 * 2.0 * batch * width * (new * heads + context * kv_heads)
    waves = ceil(batch * heads * blocks / e.units) - 1
    return floor + (total + longest / 2 if enough else longest) + moved / e.memory + waves * CHAIN * e.latency


def moe_seconds(
    e: Engine,
    counts: np.ndarray,
    hidden: int,
    inter: int,
    size: float,
    rate: float,
    floor: float,
    unpipelined: int = 0,
) -> float:
    """Seconds of one rank's experts, one after another: an expert costs its weights or its tiles of products.

    Args:
        counts: int array (experts of the rank): tokens of each.
        unpipelined: inner edge of a step that waits for memory each time; 0: steps overlap.
    """
    used = counts[counts > 0]
    weights = 3.0 * hidden * inter
    tiles = np.ceil(used / EXPERT_TILE)
    products = np.maximum(used, np.minimum(tiles * EXPERT_TILE, used * 2)) * 2.0 * weights / rate
    moved = (weights * size + used * (2.0 * hidden + 3.0 * inter) * 2.0) / e.memory
    waits = 0.0
    if unpipelined:
        columns = (2 * inter * ceil(hidden / unpipelined) + hidden * ceil(inter / unpipelined)) / EXPERT_TILE
        waits = float(tiles.sum()) * columns / e.units * e.latency
    return floor + waits + float(np.maximum(products, moved).sum())
