"""step: mean time per output token of servers in a closed loop; node: published throughput of nodes.

Every kernel and message of a step is composed (chipweave/serving/step.py); prefills of arriving requests come in
between (chipweave/serving/steady.py). Nothing of the row's server was measured for it but the framework's host time,
which is fitted to one dense model. Rows without what decides them (no concurrency, a model that is not described) are
listed as not modelled."""

from __future__ import annotations

from functools import cache, lru_cache

from chipweave.errors import BadInput
from chipweave.ledger import Answers, NotModelled, Question, case
from chipweave.serving import models, schedule, setting, system
from chipweave.serving.kernels import Kernels
from chipweave.serving.steady import closed_loop
from chipweave.serving.step import Setup

from ..rows.conditions import conditions, framework, whole
from ..rows.units import SECONDS, Stated, count, first_missing, in_unit

MODELS = {
    "llama-3.1-8b": "llama-3.1-8b",
    "llama-3.1-70b": "llama-3.1-70b",
    "llama-4-maverick": "llama4-maverick",
    "qwen3.5-397b": "qwen3.5-397b",
    "qwen3-235b": "qwen3-235b",
    "qwen3-32b": "qwen3-32b",
    "gpt-oss-120b": "gpt-oss-120b",
    "minimax-m2.5": "minimax-m2.5",
    "glm-5": "glm-5",
    "kimi-k2": "kimi-k2",
    "deepseek-r1": "deepseek-r1",
    "deepseek-v3": "deepseek-v3",
    "/v3": "deepseek-v3",
}
"""What a row's `model` contains, lower case -> the model."""

NODES = {
    "h100": ("dgx_h100", "dgx_h100_x4"),
    "h200": ("dgx_h200",),
    "h800": ("dgx_h800", "dgx_h800_x4", "dgx_h800_x16", "dgx_h800_x18"),
}
"""Device -> its systems, smallest first."""

BLOCKED = ("deepseek", "kimi", "minimax", "qwen3-235b", "qwen3.5", "glm")
"""Models whose FP8 checkpoint is scaled in blocks of 128 x 128 (their quantization_config); `fp8` of a row means it."""

FORMATS = {
    "": "bf16",
    "bfloat16": "bf16",
    "fp8": "fp8",
    "fp8_block": "fp8_block",
    "nvfp4": "fp4",
    "w4a16_mxfp4": "fp4",
    "mxfp4": "fp4",
}

SHORTER = 0.9
"""Mean of lengths drawn from 0.8 to 1.0 of the printed one, in the InferenceX runs: those whose rows state
`attention_dp`."""

MOST = 1 << 16


@case("serving", "step", bar=0.15)
def predict(questions: list[Question]) -> Answers:
    """Time per output token."""
    return {q.id: in_unit(q, token_seconds(q), SECONDS) for q in questions}


def token_seconds(q: Question) -> float | NotModelled:
    """Seconds of a row."""
    made = setup_of(q)
    found, load = conditions(q), count(q, "concurrency", most=MOST)
    prompt, output = whole(found, "isl"), whole(found, "osl")
    refused = first_missing(made, load, prompt, output)
    if refused:
        return refused
    share = SHORTER if "attention_dp" in found else 1.0
    try:
        return closed_loop(made, load, max(1, round(prompt * share)), max(2, round(output * share)), share == 1.0).token
    except BadInput as error:
        return NotModelled(str(error))


def setup_of(q: Question) -> Stated:
    """The `Setup` of the model laid over the row's system, or NotModelled."""
    found = conditions(q)
    name = next((preset for word, preset in MODELS.items() if word in "/" + found.get("model", "").lower()), None)
    stack = framework(found.get("framework", ""))
    tp, dp, ep = whole(found, "tp"), whole(found, "attention_dp", 1), found.get("moe_ep", "1")
    device = next((d for d in NODES if d in q.device.lower()), None)
    if name is None or device is None:
        return NotModelled(f"no description of the model '{found.get('model', '')}' or the device '{q.device}'")
    refused = first_missing(stack, tp, dp)
    if refused or not ep.isdigit():
        return refused or NotModelled(f"moe_ep is no number: {ep}")
    formats = [FORMATS.get(found.get(key, "")) for key in ("gemm", "moe")]
    form = [f for f in formats if f is not None]
    if len(form) < len(formats):
        return NotModelled(f"no format '{found.get('gemm')}', '{found.get('moe')}'")
    form = ["fp8_block" if f == "fp8" and any(b in name for b in BLOCKED) else f for f in form]
    layout = setting.Parallel(tp, max(1, int(ep)), dp)
    return _setup(name, device, stack, layout, setting.Precision("bf16" if form[0] == "fp4" else form[0], form[1]))


@lru_cache(maxsize=256)
def _setup(
    name: str, device: str, stack: str, layout: setting.Parallel, formats: setting.Precision
) -> Setup | NotModelled:
    model = models.load(name)
    servers = [system.load(s) for s in NODES[device]]
    server = next((s for s in servers if s.gpus >= layout.gpus), servers[-1])
    try:
        setting.check(server, model, layout, formats, 1, 1)
    except BadInput as error:
        return NotModelled(str(error))
    return Setup(model, kernels(server.name, stack), layout, formats, schedule.load("plain"))


@cache
def kernels(server: str, stack: str, balance: str = "popular") -> Kernels:
    """Kernels of a framework on a system, shared by all rows."""
    return Kernels(system.load(server), stack, balance)
