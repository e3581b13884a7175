"""The software stacks of the kernel groups: which tiles a library chooses and what else it runs, per row.

Each function takes the calibrated `figures` and returns seconds without the stack's fixed floor, which calibration
sets from the stack's row of smallest x.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from typing import Any

import numpy as np

from chipweave.kernel_models import deepgemm, gemm, grouped, loads, moe

LAYERS_IN_TURN = 6
"""GEMM timings go round six layers with weights of their own, so weights come from memory unless six sets fit in L2."""


def linear_seconds(chip: Any, figures: dict[str, float], dtype: str, m: int, n: int, k: int) -> float:
    """A linear layer: cuBLAS for 16-bit operands; for FP8 a quantisation of the activations and a CUTLASS GEMM."""
    shape = gemm.Gemm(m, n, k, dtype)
    efficiency = figures["weights_dram_efficiency"]
    resident = LAYERS_IN_TURN * shape.n * shape.k * gemm.ELEMENT_BYTES[dtype] + shape.dram_bytes <= chip.l2_bytes
    floor = figures["graph_kernel_s"]
    if dtype in ("bfloat16", "float16"):
        return gemm.best_of(chip, shape, gemm.CUBLAS_TILES, efficiency, floor, resident=resident)[0]
    tiles = (deepgemm.choose(chip.sms, m, n),) if dtype == "fp8_block" else gemm.vllm_fp8_tiles(m)
    product = gemm.best_of(chip, shape, tiles, efficiency, floor, splits=(1,), resident=resident)[0]
    return product + gemm.elementwise_seconds(chip, 3 * m * k, efficiency)


def deepgemm_seconds(
    chip: Any, figures: dict[str, float], kind: str, m: int, n: int, k: int, groups: int, release: str
) -> float:
    """DeepGEMM kernel time as its profiler sees it; `m` rows per group, contiguous groups lie behind each other."""
    rows, ways = (m * groups, 1) if kind == "contiguous" else (m, groups)
    tile = deepgemm.choose(chip.sms, rows, n, ways, kind, release)
    conflicts = deepgemm.store_conflicts(tile.columns, release)
    return grouped.grouped_seconds(
        chip, [m] * groups, n, k, "fp8", tile, figures["deepgemm_dram_efficiency"], False, conflicts
    )


def wideep_seconds(
    chip: Any, figures: dict[str, float], counts: np.ndarray, hidden: int = 7168, intermediate: int = 2048
) -> float:
    """Decode experts of DeepEP's low-latency mode: two masked DeepGEMM calls and the activation between them."""
    efficiency = figures["deepgemm_dram_efficiency"]
    expected = ceil(float(np.mean(counts)))
    total = 0.0
    for n, k in ((2 * intermediate, hidden), (hidden, intermediate)):
        tile = deepgemm.choose(chip.sms, expected, n, len(counts), "masked")
        total += grouped.grouped_seconds(chip, counts, n, k, "fp8", tile, efficiency, False)
    moved = int(np.sum(counts)) * intermediate * (2 * 2 + 1)
    return total + gemm.elementwise_seconds(chip, moved, efficiency)


def wideep_loads(balance: str, tokens: int, ranks: int, experts: int = 256, top_k: int = 8) -> list[np.ndarray]:
    """Draws of the timed rank's tokens per expert; `uniform` gives every expert the same, or one to as many as there
    are."""
    if balance != "uniform":
        return _cached_loads(balance, tokens, experts, top_k, ranks, False)
    local, each = experts // ranks, tokens * top_k // experts
    return [np.full(local, each) if each else (np.arange(local) < tokens * top_k // ranks).astype(int)]


def moe_seconds(
    chip: Any, figures: dict[str, float], layer: moe.Layer, loads_of_rank: list[np.ndarray], tokens: int, top_k: int
) -> float:
    """A fused MoE layer, averaged over draws of its load."""
    efficiency = figures["weights_dram_efficiency"]
    return float(
        np.mean([moe.layer_seconds(chip, layer, c, tokens, tokens * top_k, efficiency) for c in loads_of_rank])
    )


ROUTER_GROUPS = {"DeepSeek-V3": (8, 4)}
"""Models whose router is held to some of its expert groups (model card): groups, groups used."""


def moe_loads(model: str, balance: str, tokens: int, experts: int, top_k: int, ranks: int) -> list[np.ndarray]:
    """Draws of the timed rank's tokens per expert. Where all experts are on the rank, the fastest stacks run the
    model's own router, so that evenly scored groups are limited as the model limits them."""
    if ranks == 1 and balance == "balanced" and model in ROUTER_GROUPS:
        return [loads.group_limited(tokens, experts, top_k, *ROUTER_GROUPS[model])]
    return _cached_loads(balance, tokens, experts, top_k, ranks, True)


@lru_cache(maxsize=4096)
def _cached_loads(balance: str, tokens: int, experts: int, top_k: int, ranks: int, capped: bool) -> list[np.ndarray]:
    return loads.rank_loads(balance, tokens, experts, top_k, ranks, capped)
