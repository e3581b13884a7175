"""b200_step: mean time per output token of servers on B200 and its kin in a closed loop.

Composed as suite serving's `step`, of the kernels of a package (chipweave/serving/package_kernels.py). Rows that name
decode workers decode alone: prompts are computed elsewhere. Whether speculative decoding was on is not stated.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache

from chipweave.errors import BadInput
from chipweave.ledger import Answers, NotModelled, Question, case
from chipweave.serving import models, schedule, setting, system
from chipweave.serving.kernels import Kernels
from chipweave.serving.package_kernels import kernels_of
from chipweave.serving.steady import closed_loop, decode_loop
from chipweave.serving.step import Setup

from ..rows.conditions import conditions, framework, whole
from ..rows.units import SECONDS, Stated, count, first_missing, in_unit
from .step import BLOCKED, MODELS, MOST, SHORTER

SYSTEMS = {"b200": "dgx_b200", "b300": "dgx_b300", "gb200": "gb200_nvl72", "gb300": "gb300_nvl72"}
"""First word of a device -> its system."""

FORMATS = {
    "": "bf16",
    "bfloat16": "bf16",
    "fp8": "fp8",
    "fp8_block": "fp8_block",
    "nvfp4": "nvfp4",
    "mxfp4": "fp4",
    "int4_wo": "int4",
}
MXFP4 = ("gpt-oss",)
"""Models whose published weights of four bits are MXFP4, of experts alone; rows call every four bits nvfp4."""


@case("dies", "b200_step", bar=0.18)
def predict(questions: list[Question]) -> Answers:
    """Time per output token."""
    return {q.id: in_unit(q, token_seconds(q), SECONDS) for q in questions}


KernelsOf = Callable[[str, str], Kernels]
"""(system, framework) -> its kernels."""


def token_seconds(q: Question, of: KernelsOf | None = None) -> float | NotModelled:
    """Seconds of a row; `of`: kernels other than those of the shipped figures."""
    made, found, load = setup_of(q, of), conditions(q), count(q, "concurrency", most=MOST)
    prompt, output = whole(found, "isl"), whole(found, "osl")
    workers = whole(found, "decode_workers", 1)
    if (refused := first_missing(made, load, prompt, output, workers)) is not None:
        return refused
    prompt, output = max(1, round(prompt * SHORTER)), max(2, round(output * SHORTER))
    try:
        if "decode_workers" in found:
            return decode_loop(made, -(-load // workers), prompt, output).token
        return closed_loop(made, load, prompt, output).token
    except BadInput as error:
        return NotModelled(str(error))


def setup_of(q: Question, of: KernelsOf | None = None) -> Stated:
    """The `Setup` of the model laid over the row's system, or NotModelled."""
    found, words = conditions(q), q.device.lower().split()
    name = next((preset for word, preset in MODELS.items() if word in "/" + found.get("model", "").lower()), None)
    server = SYSTEMS.get(words[0]) if words else None
    if name is None or server is None:
        return NotModelled(f"no description of the model '{found.get('model', '')}' or the device '{q.device}'")
    stack = framework(found.get("framework", ""))
    ranks = [whole(found, key, 1) for key in ("tp", "attention_dp", "moe_tp", "moe_ep")]
    if (refused := first_missing(stack, *ranks)) is not None:
        return refused
    formats = [FORMATS.get(found.get(key, "")) for key in ("gemm", "moe")]
    if None in formats:
        return NotModelled(f"no format '{found.get('gemm')}', '{found.get('moe')}'")
    dense, experts = (_published(str(f), name) for f in formats)
    if experts in setting.WIDENED:
        dense = "bf16"
    kv = "bf16" if experts == "bf16" else "fp8"  # recipes of quantised models on Blackwell cache eight bits
    return _setup(name, server, stack, layout(*ranks), setting.Precision(dense, experts, kv), of or kernels)


def layout(tp: int, dp: int, moe_tp: int, moe_ep: int) -> setting.Parallel:
    """Ranks of a row. Where the table multiplied the ranks of attention with those of experts of the same GPUs (as many
    slices as shares of experts, or attention's ranks and replicas alike and their product the shares), they are the
    square of what ran: no server has 64 GPUs and four requests."""
    side = moe_ep if moe_tp == moe_ep else tp if (tp == dp and moe_ep == tp * dp) else 1
    if side > 1 and tp * dp == side * side:
        return setting.Parallel(1 if tp == 1 else side, side, side if tp == 1 else 1)
    return setting.Parallel(tp, moe_ep, dp)


def _published(form: str, model: str) -> str:
    """The format that a model's checkpoint has where a row says "fp8" or "nvfp4"."""
    if form == "fp8" and any(b in model for b in BLOCKED):
        return "fp8_block"
    return "fp4" if form == "nvfp4" and any(m in model for m in MXFP4) else form


@lru_cache(maxsize=1024)
def _setup(
    name: str, server: str, stack: str, ranks: setting.Parallel, formats: setting.Precision, of: KernelsOf
) -> Setup | NotModelled:
    model, machine = models.load(name), system.load(server)
    try:
        setting.check(machine, model, ranks, formats, 1, 1)
    except BadInput as error:
        return NotModelled(str(error))
    return Setup(model, of(server, stack), ranks, formats, schedule.load("shared_beside_decode"))


@cache
def kernels(server: str, stack: str) -> Kernels:
    """Kernels of a framework on a system, shared by all rows."""
    return kernels_of(system.load(server), stack)
