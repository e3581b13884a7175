"""moe_balanced, moe_skew: time of a fused MoE layer on one rank as each framework runs it, and what a skewed load makes
of it.

A kernel-level model (chipweave/kernel_models/fused_moe.py). Loads are drawn anew as the collectors draw them: a gate
that is held to groups of experts (DeepSeek-V3 behind SGLang and vLLM) is applied to what was drawn."""

from __future__ import annotations

from functools import lru_cache
from statistics import fmean
from typing import Any

import numpy as np

from chipweave.kernel_models import loads
from chipweave.kernel_models.fused_moe import Machine, MoeLayer, seconds
from chipweave.ledger import Answers, NotModelled, Question, case
from chipweave.serving import library

from ..calibrate.kernels import turn_efficiency
from ..rows.chips import calibrated, chip_of, streaming
from ..rows.conditions import conditions, whole
from ..rows.units import SECONDS, Stated, count, first_missing, in_unit, no_power, operand

STACKS = (
    ("sglang_fused_moe_triton", "sglang-triton"),
    ("moe_torch_flow_cutlass", "trtllm-cutlass"),
    ("triton", "vllm-triton"),
    ("cutlass", "vllm-cutlass"),
)
"""What a row's `kernel` contains -> the stack; the first that fits."""

GROUPED = {(256, 7168): (8, 4)}
"""(experts, hidden) of models whose gate is held to groups, DeepSeek-V3 and R1 (config.json: n_group, topk_group)."""

DRAWS, SEED = 8, 1
MOST_TOKENS = 1 << 17


@case("serving", "moe_balanced", bar=0.15)
def balanced(questions: list[Question]) -> Answers:
    """Time of a layer with balanced experts."""
    return {q.id: in_unit(q, _answer(q, "balanced"), SECONDS) for q in questions}


@case("serving", "moe_skew", bar=0.10)
def skew(questions: list[Question]) -> Answers:
    """Time under a power law over the time with balanced experts."""
    return {q.id: _ratio(q) for q in questions}


def _ratio(q: Question) -> NotModelled | float:
    law = next((word for word in q.quantity.split() if word.startswith("power_law_")), "")
    if q.unit != "ratio" or not law:
        return NotModelled("the row is no ratio, or its quantity names no power_law_...")
    if (refused := no_power(law)) is not None:
        return refused
    skewed, even = _answer(q, law), _answer(q, "balanced")
    if isinstance(skewed, NotModelled):
        return skewed
    return even if isinstance(even, NotModelled) else skewed / even


def machine(chip: Any) -> Machine:
    """The die with the rates of weights and of helper kernels."""
    f = calibrated()
    mixed = chip.memory_bytes_per_s(f["dram_efficiency"]) * turn_efficiency()
    return Machine(chip, chip.memory_bytes_per_s(f["weights_dram_efficiency"]), mixed)


def stack_of(found: dict[str, str]) -> Stated:
    """The stack that a row's `kernel` names."""
    kernel = found.get("kernel", "")
    return next((s for word, s in STACKS if word in kernel), None) or NotModelled(
        f"no MoE stack is described for '{kernel}'"
    )


def _answer(q: Question, law: str) -> NotModelled | float:
    found = conditions(q)
    chip, tokens, stack = streaming(chip_of(q, calibrated())), count(q, "tokens", most=MOST_TOKENS), stack_of(found)
    sizes = [whole(found, key) for key in ("experts", "topk", "hidden", "intermediate", "tp", "ep")]
    refused = first_missing(chip, tokens, stack, *sizes)
    if refused:
        return refused
    experts, top_k, hidden, intermediate, tp, ep = sizes
    dtype = operand(found.get("dtype", ""))
    if dtype not in ("bfloat16", "float16", "fp8", "fp8_block"):
        return NotModelled(f"no kernel model for operands of type {dtype}")
    if experts % ep or intermediate % tp or top_k > experts:
        return NotModelled(f"{experts} experts or {intermediate} columns do not divide over EP{ep}, TP{tp}")
    groups = GROUPED.get((experts, hidden)) if not stack.startswith("trtllm") else None
    layer = MoeLayer(tokens, top_k, hidden, intermediate // tp, experts, dtype, groups is not None)
    draws = rank_loads(law, tokens, experts, top_k, ep, groups)
    return fmean(seconds(machine(chip), layer, np.asarray(c), library.moe_stack(stack)) for c in draws)


@lru_cache(maxsize=4096)
def rank_loads(
    law: str, tokens: int, experts: int, top_k: int, ranks: int, groups: tuple[int, int] | None
) -> tuple[np.ndarray, ...]:
    """Draws of the timed rank's tokens per expert: the busiest rank as drawn, before the gate's groups."""
    if law == "balanced":
        even = (
            loads.balanced(tokens, experts, top_k)
            if groups is None
            else loads.group_limited(tokens, experts, top_k, *groups)
        )
        return (even[: experts // ranks],)
    rng, exponent = np.random.default_rng(SEED), float(law.removeprefix("power_law_"))
    return tuple(_drawn(tokens, experts, top_k, exponent, rng, ranks, groups) for _ in range(DRAWS))


def _drawn(tokens: Any, experts: Any, top_k: Any, exponent: Any, rng: Any, ranks: Any, groups: Any) -> Any:
    counts = loads.power_law(tokens, experts, top_k, exponent, rng, ranks)
    if groups is None:
        return loads.hottest(counts, ranks)
    shares = counts.reshape(ranks, -1).copy()
    first = int(shares.sum(axis=1).argmax())
    shares[[0, first]] = shares[[first, 0]]
    return loads.behind_groups(shares.reshape(-1), top_k, *groups)[: experts // ranks]
