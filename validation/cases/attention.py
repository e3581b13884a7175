"""attention_mla, attention_gqa: time of one attention call, decode or prefill, as a framework's collector times it.

A kernel-level model (chipweave/kernel_models/attention.py) with what each framework's library decides
(chipweave/data/serving/attention.yaml). Decode rows: every sequence has x cached tokens and one new one.
"""

from __future__ import annotations

from typing import Any

from chipweave.kernel_models.attention import Attention, seconds
from chipweave.ledger import Answers, NotModelled, Question, case
from chipweave.serving import library

from ..rows.chips import calibrated, chip_of, streaming
from ..rows.conditions import conditions, framework, whole
from ..rows.units import SECONDS, count, first_missing, in_unit

MLA = {"latent": 512, "rope": 64, "nope": 128, "v": 128}
"""DeepSeek-V3 and R1, config.json: kv_lora_rank, qk_rope_head_dim, qk_nope_head_dim, v_head_dim."""

CACHES = {"bfloat16": 2, "bf16": 2, "float16": 2, "fp8": 1}


@case("serving", "attention_mla", bar=0.12)
def mla(questions: list[Question]) -> Answers:
    """Multi-head latent attention."""
    return {q.id: in_unit(q, _answer(q, "mla"), SECONDS) for q in questions}


@case("serving", "attention_gqa", bar=0.12)
def gqa(questions: list[Question]) -> Answers:
    """Grouped-query attention."""
    return {q.id: in_unit(q, _answer(q, "gqa"), SECONDS) for q in questions}


def _answer(q: Question, form: str) -> NotModelled | float:
    """Microseconds of one attention call; NotModelled where the row lacks a size or names another framework."""
    found, fitted = conditions(q), calibrated()
    chip, context = streaming(chip_of(q, fitted)), count(q, "context")
    stack, batch, heads = framework(found.get("framework", "")), whole(found, "batch"), whole(found, "num_heads")
    kv_heads = whole(found, "num_key_value_heads") if form == "gqa" else 1
    head = whole(found, "head_dim", 128)
    refused = first_missing(chip, context, stack, batch, heads, kv_heads, head)
    if refused:
        return refused
    phase = q.quantity.split()[0] if q.quantity else ""
    if phase not in ("decode", "prefill"):
        return NotModelled("the quantity names neither decode nor prefill")
    if found.get("kv") not in CACHES or heads % kv_heads:
        return NotModelled("the cache is neither 16 bit nor FP8, or heads do not divide over KV heads")
    kernel = library.attention_kernel(stack, form, phase, "fp8" if found["kv"] == "fp8" else "bfloat16")
    call = call_of(form, phase, batch, context, heads, kv_heads, head, CACHES[found["kv"]], kernel)
    return seconds(chip, fitted["turnaround_s"], fitted["weights_dram_efficiency"], call, kernel)


def call_of(
    form: str, phase: str, batch: int, context: int, heads: int, kv_heads: int, head: int, kv_bytes: int, kernel: Any
) -> Attention:
    """The call of a row, MLA absorbed where the kernel runs it so."""
    if form == "gqa":
        return Attention(phase, batch, context, heads, kv_heads, head, head, False, kv_bytes)
    if kernel.absorbed:
        return Attention(phase, batch, context, heads, 1, MLA["latent"] + MLA["rope"], MLA["latent"], True, kv_bytes)
    return Attention(phase, batch, context, heads, heads, MLA["nope"] + MLA["rope"], MLA["v"], False, kv_bytes)
