"""b200_gemm, b200_attention_*, b200_moe: times of library kernels on a package of two dies.

Floors and rates that belong to a framework's kernel come from its calibration rows (validation/calibrated/b200.yaml);
the rest is structure and the maker's figures (chipweave/kernel_models/package_kernels.py).
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

import numpy as np

from chipweave.kernel_models import loads
from chipweave.kernel_models.package import Package
from chipweave.kernel_models.package_kernels import (
    Engine,
    attention_decode,
    attention_prefill,
    gemm_seconds,
    mla_decode,
    moe_seconds,
)
from chipweave.kernel_models.streams import both
from chipweave.kernel_models.two_halves import memory_cycles
from chipweave.ledger import NotModelled, Question, case

from ..rows.blackwell import figures, package, peak, tensor_of
from ..rows.conditions import conditions, whole
from ..rows.units import SECONDS, first_missing, in_unit, stated_x

IN_FLIGHT = 32768
"""Bytes that an SM of a library's kernel has under way: half of the shared memory of one of its blocks, a guess."""
DECODE_IN_FLIGHT = 131072
"""The same of TensorRT-LLM's grouped-query decode, whose loads take most of the shared memory, a guess with predicted
rows in view; latent decode keeps its queries there."""
WIDENED = 8
"""Values that an SM widens from 8 to 16 bits in a cycle: a conversion unit of 16, one step for a pair and one for each
of its values to 32 bits and back (CUDA C++ programming guide, throughput of conversions), a guess with predicted rows
in view."""
BYTES = {"nvfp4": 0.5625, "fp8_block": 1.0, "fp8": 1.0}
"""Bytes of a weight with its scales: NVFP4 has one byte for sixteen values."""
GEMM_OPERANDS = dict.fromkeys(("bfloat16", "float16", "half", "f32"), "bf16") | dict.fromkeys(
    ("e4m3", "f8e4m3fn", "float8_e4m3fn"), "fp8"
)
"""Operands as rows of GEMMs name them -> as calibrated/b200.yaml does; f32 runs in 16 bits (a guess)."""
NVFP4_STEP = 256
"""Inner edge of a step of a block-scaled four-bit GEMM, which waits for each: a guess from the shared memory it
takes."""
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


def kept_bytes(p: Package) -> float:
    """Bytes that a package's L2s keep of what each die reads an even share of: a die holds copies of its share, and
    the lines of its own memory that the others read."""
    dies = len(p.compute)
    return float(p.die.l2) * dies * dies / (2 * dies - 1)


def engine(q: Question) -> Engine | NotModelled:
    """The package of a row as kernels see it."""
    p, units = package(q), tensor_of(q)
    if isinstance(p, NotModelled) or isinstance(units, NotModelled):
        return p if isinstance(p, NotModelled) else units
    latency = memory_cycles(p) / float(p.die.clock)
    rate = both(IN_FLIGHT * p.units / latency, p.total("memory_bandwidth"))
    stream = both(DECODE_IN_FLIGHT * p.units / latency, p.total("memory_bandwidth"))
    exponentials = float(p.units * units.exponentials * p.die.clock)
    l2 = figures()["l2_bytes_per_s"]
    return Engine(
        p.units, rate, latency, float(units.flops_16), exponentials, float(p.die.clock), kept_bytes(p), l2, stream
    )


def family(dtype: str) -> tuple[str, float, float]:
    """(operands, seconds of a call before its work, share of the peak) of a GEMM's kernel; KeyError where there is
    none."""
    known, name = figures(), GEMM_OPERANDS.get(dtype, dtype)
    return name, known[f"gemm_floor_{name}_s"], known[f"gemm_share_{name}"]


def _gemm(q: Question) -> float | NotModelled:
    """Seconds of a GEMM of the row's shape and type."""
    found, e = conditions(q), engine(q)
    m = stated_x(q) if q.x_value else whole(found, "m")
    n, k = whole(found, "n"), whole(found, "k")
    if (missing := first_missing(e, m, n, k)) is not None:
        return missing
    assert isinstance(e, Engine)
    try:
        dtype, floor, share = family(found.get("dtype", ""))
    except KeyError:
        return NotModelled(f"no GEMM of operands '{found.get('dtype', '')}' is described")
    rate = share * peak(tensor_of(q), dtype)
    return gemm_seconds(
        e, m, n, k, BYTES.get(dtype, 2.0), rate, floor, unpipelined=NVFP4_STEP if dtype == "nvfp4" else 0
    )


def own_kernel(found: dict[str, str]) -> bool:
    """Whether FlashInfer's own kernels run, which multiply in the query's type and widen a cache of eight bits;
    TensorRT-LLM's, which it and others call too, multiply in eight bits."""
    return "flashinfer" in found.get("kernel", "") and "trtllm" not in found.get("kernel", "")


def casts_seconds(found: dict[str, str], e: Engine, values: float) -> float:
    """Seconds of what SGLang casts to eight bits before the kernel, a launch each: keys and values (`values` of each)
    on their way to the cache; the query, where the kernel takes eight bits. Which casts there are was chosen with
    predicted rows in view."""
    if "fp8" not in found.get("kv", "") or not found.get("framework", "").startswith("sglang"):
        return 0.0
    launches = 2 if own_kernel(found) else 3
    return launches * figures()["gemm_floor_bf16_s"] + 2 * 3.0 * values / e.memory


def _attention(q: Question, latent: bool) -> float | NotModelled:
    """Seconds of a decode or prefill call; latent: over MLA's compressed cache."""
    found, e, known = conditions(q), engine(q), figures()
    heads, batch, context = whole(found, "heads"), whole(found, "batch"), stated_x(q)
    kv_heads, width = (heads, 160) if latent else (whole(found, "kv_heads"), whole(found, "head_dim", 128))
    if (missing := first_missing(e, heads, batch, context, kv_heads, width)) is not None:
        return missing
    assert isinstance(e, Engine)
    eight = "fp8" in found.get("kv", "")
    kv = 1.0 if eight else 2.0
    own = own_kernel(found) and not latent
    which = "mla" if latent else "gqa"
    if "decode" in q.quantity:
        floor = known[f"{which}_decode_floor_s"]
        if latent:
            rate = known["attention_share"] * e.flops * (2.0 if eight else 1.0)
            return mla_decode(e, batch, heads, context, kv, floor, known["mla_split_s"], rate)
        floor += casts_seconds(found, e, batch * kv_heads * width)
        seconds = attention_decode(
            replace(e, stream=0.0) if own else e, batch, heads, kv_heads, width, context, kv, floor
        )
        if own and eight:
            values = 2.0 * batch * kv_heads * width * context
            seconds = max(seconds, floor + values / (WIDENED * e.units * e.clock))
        return seconds
    share = known["mla_prefill_share"] if latent else known["attention_share"]
    floor = known[f"{which}_prefill_floor_s"]
    if not latent:
        floor += casts_seconds(found, e, batch * context * kv_heads * width)
    faster = 2.0 if eight and not latent and not (own and found.get("dtype") != "fp8") else 1.0
    return attention_prefill(e, batch, heads, kv_heads, width, context, faster, share, floor)


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
    found, e, known = conditions(q), engine(q), figures()
    names = ("hidden", "inter", "topk", "experts", "tp", "ep")
    values = [whole(found, name) for name in names]
    if (missing := first_missing(e, tokens := stated_x(q, most=MOST), *values)) is not None:
        return missing
    assert isinstance(e, Engine)
    hidden, inter, topk, experts, tp, ep = values
    balance, dtype = found.get("balance", "balanced"), found.get("dtype", "")
    if not re.fullmatch(r"balanced|power_law_\d(\.\d+)?", balance) or topk > experts or experts % ep:
        return NotModelled("the row's balance or experts are not understood")
    dtype = "bf16" if dtype in ("bfloat16", "float16") else dtype
    if f"gemm_share_{dtype}" not in known:
        return NotModelled(f"no MoE of operands '{dtype}' is described")
    rate = known[f"gemm_share_{dtype}"] * peak(tensor_of(q), dtype)
    kernel = found.get("kernel", "")
    floor = known["moe_floor_s"] + (experts // ep * known["moe_expert_block_s"] if kernel == "deepgemm" else 0.0)
    unpipelined = NVFP4_STEP if dtype == "nvfp4" and "min_latency" not in kernel else 0
    each = [
        moe_seconds(e, np.array(c), hidden, inter // tp, BYTES.get(dtype, 2.0), rate, floor, unpipelined)
        for c in counts(balance, tokens, experts, topk, ep)
    ]
    return float(np.mean(each))
