"""b200_gemm, b200_attention_*, b200_moe: times of library kernels on a package of two dies.

The kernels are chipweave/kernel_models/package_library.py's, with the figures of calibration rows.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

from chipweave.kernel_models import loads
from chipweave.kernel_models.package_library import BYTES, AttentionRow
from chipweave.ledger import NotModelled, Question, case

from ..rows.blackwell import library
from ..rows.conditions import conditions, whole
from ..rows.units import SECONDS, first_missing, in_unit, stated_x

DRAWS = 5
MOST = 1 << 22
"""Tokens of a layer."""


@case("dies", "b200_gemm", bar=lambda q: 0.20 if "nvfp4" in q.conditions else 0.12)
def gemm(questions: list[Question]) -> dict:
    """Time of a GEMM."""
    return {q.id: in_unit(q, _gemm(q), SECONDS) for q in questions}


@case("dies", "b200_gemm_xla", bar=0.10)
def gemm_xla(questions: list[Question]) -> dict:
    """Time of a GEMM in another hand's table."""
    return {q.id: in_unit(q, _gemm(q), SECONDS) for q in questions}


@case("dies", "b200_attention_gqa", bar=0.12)
def gqa(questions: list[Question]) -> dict:
    """Time of grouped-query attention."""
    return {q.id: in_unit(q, _attention(q, False), SECONDS) for q in questions}


@case("dies", "b200_attention_mla", bar=0.13)
def mla(questions: list[Question]) -> dict:
    """Time of latent attention."""
    return {q.id: in_unit(q, _attention(q, True), SECONDS) for q in questions}


@case("dies", "b200_moe", bar=0.18)
def moe(questions: list[Question]) -> dict:
    """Time of a fused MoE layer on one rank."""
    return {q.id: in_unit(q, _moe(q), SECONDS) for q in questions}


def _gemm(q: Question) -> float | NotModelled:
    """Seconds of a GEMM of the row's shape and type."""
    found, known = conditions(q), library(q)
    m = stated_x(q) if q.x_value else whole(found, "m")
    n, k = whole(found, "n"), whole(found, "k")
    if (missing := first_missing(known, m, n, k)) is not None:
        return missing
    try:
        return known.gemm(m, n, k, found.get("dtype", ""))
    except KeyError:
        return NotModelled(f"no GEMM of operands '{found.get('dtype', '')}' is described")


def own_kernel(found: dict[str, str]) -> bool:
    """Whether FlashInfer's own kernels run, which multiply in the query's type and widen a cache of eight bits;
    TensorRT-LLM's, which it and others call too, multiply in eight bits."""
    return "flashinfer" in found.get("kernel", "") and "trtllm" not in found.get("kernel", "")


def _attention(q: Question, latent: bool) -> float | NotModelled:
    """Seconds of a decode or prefill call; latent: over MLA's compressed cache."""
    found, known = conditions(q), library(q)
    heads, batch, context = whole(found, "heads"), whole(found, "batch"), stated_x(q)
    kv_heads, width = (heads, 160) if latent else (whole(found, "kv_heads"), whole(found, "head_dim", 128))
    if (missing := first_missing(known, heads, batch, context, kv_heads, width)) is not None:
        return missing
    eight, own = "fp8" in found.get("kv", ""), own_kernel(found) and not latent
    cast, decode = found.get("framework", "").startswith("sglang"), "decode" in q.quantity
    query, bare = found.get("dtype") == "fp8", not found.get("framework", "trtllm").startswith("trtllm")
    return known.attention(
        AttentionRow(batch, heads, kv_heads, width, context, latent, decode, eight, query, own, cast, 0, bare)
    )


@lru_cache(maxsize=4096)
def counts(balance: str, tokens: int, experts: int, topk: int, ranks: int) -> tuple[tuple[int, ...], ...]:
    """Tokens of each expert of the rank that is timed, one tuple a draw."""
    if not balance.startswith("power_law_"):
        return (tuple(loads.balanced(tokens, experts, topk)[: experts // ranks].tolist()),)
    rng, drawn = np.random.default_rng(1), []
    for _ in range(DRAWS):
        shares = loads.power_law(tokens, experts, topk, float(balance[10:]), rng, ranks).reshape(ranks, -1)
        drawn.append(tuple(shares[int(np.argmax(shares.sum(axis=1)))].tolist()))
    return tuple(drawn)


def _moe(q: Question) -> float | NotModelled:
    """Seconds of the experts of one rank, the mean over draws where the balance is random."""
    found, known = conditions(q), library(q)
    names = ("hidden", "inter", "topk", "experts", "tp", "ep")
    values = [whole(found, name) for name in names]
    if (missing := first_missing(known, tokens := stated_x(q, most=MOST), *values)) is not None:
        return missing
    hidden, inter, topk, experts, tp, ep = values
    balance, dtype = found.get("balance", "balanced"), found.get("dtype", "")
    if not re.fullmatch(r"balanced|power_law_\d(\.\d+)?", balance) or topk > experts or experts % ep:
        return NotModelled("the row's balance or experts are not understood")
    dtype = "bf16" if dtype in ("bfloat16", "float16") else dtype
    if f"gemm_share_{dtype}" not in known.figures:
        return NotModelled(f"no MoE of operands '{dtype}' is described")
    each = [
        known.moe(np.array(c), hidden, inter // tp, dtype, BYTES.get(dtype, 2.0), found.get("kernel", ""))
        for c in counts(balance, tokens, experts, topk, ep)
    ]
    return float(np.mean(each))
