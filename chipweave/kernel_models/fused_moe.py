"""Time of a fused MoE layer on one rank as a given stack runs it, from the tokens of each of its experts.

Grouped GEMMs take experts one after another: an expert with few tokens costs its weights, one with many its products.
What a stack decides (tiles, which rows its helper kernels touch, how many kernels) is a `MoeStack`, read from YAML.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Any

import numpy as np

from chipweave.kernel_models import deepgemm
from chipweave.kernel_models.chip import ELEMENT_BYTES, Chip
from chipweave.kernel_models.moe import TILES_16, TILES_BLOCK
from chipweave.kernel_models.tiles import Tile, busy_seconds, fill_seconds, waves_seconds

INTEGER_LANES = 64
"""32-bit integer operations of one SM and clock (CUDA C++ programming guide, compute capability 9.0)."""

TUNED_16 = tuple(
    Tile(*shape) for shape in ((16, 64), (16, 128), (32, 128), (64, 128), (128, 128), (128, 256), (64, 256))
)
SMALL_16, LARGE_16 = (Tile(16, 32),), (Tile(64, 64),)
RESIDENT = 4
"""Thread blocks of a Triton GEMM that an SM holds: a guess, from their shared memory."""

TILES_GROUPED = tuple(
    Tile(*shape, *cluster)
    for shape in ((16, 128), (32, 128), (64, 128), (128, 128), (256, 128), (128, 256))
    for cluster in ((1, 1), (2, 1), (1, 2))
)
"""Tokens x columns that TensorRT-LLM's grouped CUTLASS GEMMs are built for (cutlass_heuristic.cpp, SM90, grouped): the
weights are the rows of the product, so that a tile may be narrow in tokens."""

CAST_VALUES = 128
"""Values that share a scale: what one warp quantises at a time."""

TUNED_TOKENS, TUNING_SEED = 8192, 1
"""Most tokens that TensorRT-LLM's tuner runs with, and the seed of its random loads here."""


@dataclass(frozen=True)
class MoeStack:
    """What a stack does. Times in seconds.

    tiles        "sglang" or "vllm" (Triton), "cutlass" or "trtllm": a name of `TILES`
    all_slots    helper kernels touch a row for every chosen expert, local or not; False: for local ones only
    kernels      launched, each a `kernel_s`; quantised: those added for 8-bit operands; grouped: group-limited gates
    cast_cycles  lane cycles of one value that a helper quantises in blocks; 0: at the rate of memory
    cast_warps   warps of an SM that quantise blocks of 128 values, each one block after another, with `cast_chain`
                 dependent cycles between a block's load and the next; 0: as many as the SM has lanes for
    tuned_even   tiles are chosen for a load of the tuner's own, whatever the load is: each expert as likely as another
    input_cast   the layer's input is quantised before it is permuted
    step_s, narrow_s  least time of one step of the inner loop of Triton's tiles, of those that read half lines
    narrow_share      of memory's rate that tiles reach which read half lines
    """

    tiles: str
    all_slots: bool
    kernels: int
    quantised: int = 2
    grouped: int = 4
    cast_cycles: float = 0.0
    cast_warps: int = 0
    cast_chain: float = 0.0
    tuned_even: bool = False
    input_cast: bool = False
    step_s: float = 0.0
    narrow_s: float = 0.0
    narrow_share: float = 1.0
    kernel_s: float = 0.0


@dataclass(frozen=True)
class Machine:
    """The die with the rates that these kernels see: bytes/s of streamed weights, and of helper kernels."""

    chip: Chip
    weights: float
    mixed: float


@dataclass(frozen=True)
class MoeLayer:
    """One layer on one rank.

    tokens, top_k  of the layer; hidden; intermediate of this rank; experts of all ranks
    group_limited  the gate is held to some groups of experts
    weight_bytes   of one weight where it is narrower than the operands (dequantised on the way); 0: as the operands
    """

    tokens: int
    top_k: int
    hidden: int
    intermediate: int
    experts: int
    dtype: str
    group_limited: bool = False
    weight_bytes: float = 0.0


def seconds(machine: Machine, layer: MoeLayer, counts: np.ndarray, stack: MoeStack) -> float:
    """Seconds of the layer with `counts` tokens per local expert."""
    chip, counts = machine.chip, np.asarray(counts)
    byte = ELEMENT_BYTES[layer.dtype] == 1
    total = 0.0
    for n, k in ((2 * layer.intermediate, layer.hidden), (layer.hidden, layer.intermediate)):
        tiles, step, narrow = TILES[stack.tiles](layer, len(counts), n, chip.sms)
        share = stack.narrow_share if narrow else 1.0
        least = (stack.narrow_s if narrow else stack.step_s) * ceil(k / step)
        tried = tiles
        if stack.tuned_even and len(tiles) > 1:
            tuning = _tuning_load(layer.tokens, layer.experts, layer.top_k, len(counts))
            tried = (_fastest(machine, tuning, n, k, layer, tiles, share, least),)
        total += _gemm_seconds(machine, counts[counts > 0], n, k, layer, tried, share, least)
    total += sum(_helper_seconds(machine, b) for b in _helper_bytes(layer, counts, stack, byte))
    if layer.dtype == "fp8_block":
        total += _cast_seconds(machine, layer, int(counts.sum()), stack)
    launched = stack.kernels + byte * stack.quantised + layer.group_limited * stack.grouped
    return launched * stack.kernel_s + total


def _cast_seconds(machine: Machine, layer: MoeLayer, rows: int, stack: MoeStack) -> float:
    """What quantising `rows` of both GEMMs' inputs costs beside their bytes."""
    chip, total = machine.chip, 0.0
    for width in (layer.hidden, layer.intermediate):
        if not stack.cast_warps:
            total += stack.cast_cycles * rows * width / (chip.sms * INTEGER_LANES * chip.tensor_clock_hz)
            continue
        cached = rows * width * 3 <= chip.l2_bytes / 2
        each = (chip.l2_latency_s if cached else chip.dram_latency_s) + stack.cast_chain / chip.tensor_clock_hz
        blocks = ceil(rows * ceil(width / CAST_VALUES) / (chip.sms * stack.cast_warps)) * each
        total += max(0.0, blocks - _helper_seconds(machine, rows * width * 3))
    return total


@lru_cache(maxsize=4096)
def _tuning_load(tokens: int, experts: int, top_k: int, local: int) -> np.ndarray:
    """Tokens per local expert of the tuner's load: as many tokens as the next lower power of two, each choosing experts
    at random."""
    tuned = min(TUNED_TOKENS, 1 << (tokens.bit_length() - 1))
    drawn = np.random.default_rng(TUNING_SEED).binomial(tuned, min(1.0, top_k / experts), local)
    return drawn[drawn > 0] if drawn.any() else np.ones(1, np.int64)


def _fastest(
    machine: Machine, counts: np.ndarray, n: int, k: int, layer: MoeLayer, tiles: tuple, share: float, least: float
) -> Tile:
    """The tile that an autotuner takes for these loads."""
    return min(tiles, key=lambda tile: _gemm_seconds(machine, counts, n, k, layer, (tile,), share, least))


def _gemm_seconds(machine: Any, counts: Any, n: Any, k: Any, layer: Any, tiles: Any, share: Any, least: Any) -> Any:
    """One grouped GEMM with the best of `tiles`; `least`: seconds of one tile's inner loop, whatever its size."""
    if not len(counts):
        return 0.0
    size = ELEMENT_BYTES[layer.dtype]
    kind = "bfloat16" if size == 2 else "fp8"
    chip, rate = machine.chip, machine.weights
    weight = layer.weight_bytes or size
    memory = n * k * weight / (rate * share) + counts * (k * size + n * 2) / rate
    best = np.inf
    for tile in tiles:
        columns = ceil(n / (tile.columns * tile.beside)) * tile.beside
        count = np.ceil(counts / (tile.rows * tile.over)) * tile.over * columns
        narrow = (tile.rows * size + tile.columns * weight) / (
            (tile.rows + tile.columns) * size
        )  # bytes that enter an SM
        products = tile.tensor_seconds(chip, k, kind)
        each = max(products, narrow * busy_seconds(chip, tile, k, kind, chip.sms)) / chip.sms
        one_by_one = float(np.maximum(memory, count * each).sum())
        waves = narrow * waves_seconds(chip, tile, int(count.sum()), k, kind, overlapped=False)
        loops = ceil(count.sum() / (chip.sms * RESIDENT)) * least
        best = min(best, fill_seconds(chip) + max(one_by_one, waves, loops))
    return best


def _helper_bytes(layer: Any, counts: Any, stack: Any, byte: Any) -> Any:
    """Bytes of each helper kernel: permute, activation, sum; zeros for experts elsewhere; quantisation."""
    local, slots = int(counts.sum()), layer.tokens * layer.top_k
    h, i, tokens = layer.hidden, layer.intermediate, layer.tokens
    if stack.all_slots:
        away = slots - local
        moved = [slots * 3 * i * 2, slots * h * 2 + tokens * h * 2, away * 2 * i * 2, away * h * 2]
        return moved + ([tokens * h * 3, slots * i * 3] if byte else [])
    moved = [local * h * 4, local * 3 * i * 2, local * h * 2 + tokens * h * 2]
    if byte:
        moved += [local * h * 3, local * i * 3]
    return moved + ([tokens * h * 3] if stack.input_cast and layer.dtype == "fp8" else [])


def _helper_seconds(machine: Any, moved: Any) -> Any:
    if moved <= machine.chip.l2_bytes / 2:
        return moved / machine.chip.l2_bytes_per_s
    return moved / machine.mixed


def _sglang(layer: Any, local: Any, n: int, sms: int) -> Any:
    """(tiles, inner step, half lines) of SGLang's Triton kernel: tuned where its repository has a table for the shape,
    else its default: 16 x 32 up to as many tokens as experts, 64 x 64 x 32 beyond (fused_moe_triton_config.py)."""
    if ELEMENT_BYTES[layer.dtype] == 1:
        return (Tile(64, 128),), 128, False
    if local >= 64 and (local, layer.intermediate) != (128, 1536):
        return TUNED_16, 64, False
    return (SMALL_16, 64, False) if layer.tokens <= local else (LARGE_16, 32, True)


def _vllm(layer: Any, local: Any, n: int, sms: int) -> Any:
    """vLLM's Triton kernel: tiles by tokens per expert, tables for the shapes it serves."""
    return ((Tile(16, 128), Tile(64, 128)), 128, False) if ELEMENT_BYTES[layer.dtype] == 1 else (TUNED_16, 64, False)


def _cutlass(layer: Any, local: Any, n: int, sms: int) -> Any:
    """Grouped CUTLASS GEMMs with an autotuner; block scales hold a tile to 128 columns."""
    return (TILES_BLOCK if layer.dtype == "fp8_block" else TILES_16), 128, False


def _trtllm(layer: Any, local: Any, n: int, sms: int) -> Any:
    """TensorRT-LLM's grouped CUTLASS GEMMs; its copy of DeepGEMM where scales are in blocks, which takes one tile by
    the mean load of an expert."""
    if layer.dtype != "fp8_block":
        return TILES_GROUPED, 128, False
    mean = max(1, ceil(layer.tokens * layer.top_k / layer.experts))
    return (deepgemm.choose_swapping(sms, mean, n, local),), 128, False


TILES = {"sglang": _sglang, "vllm": _vllm, "cutlass": _cutlass, "trtllm": _trtllm}
"""Rules by which a stack chooses tiles: (layer, local experts, columns, SMs) -> (tiles, inner step, half lines)."""
