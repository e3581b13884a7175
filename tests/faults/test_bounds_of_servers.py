"""Does a step, a node or an exchange between nodes pass what pins, tensor units and adapters can do?

Sizes and times make the rates: weights that a token needs and the cache that a batch reads against the pins, operations
against the peak, tokens that leave a node against its adapters."""

import re

import pytest

from .suite_rows import answers, keeps_below

PINS = {"H100": 3.35e12, "H800": 3.35e12, "H200": 4.8e12, "B200": 8e12, "GB200": 8e12}  # data sheets, SXM
B300_PINS = 8e12  # as B200, and the same of GB300
PEAK = {"": 989.4e12, "fp8": 1979e12, "fp8_block": 1979e12, "nvfp4": 1979e12}  # dense; Hopper's units have no FP4
BLACKWELL = {"": 2.5e15, "fp8": 5e15, "fp8_block": 5e15, "nvfp4": 15e15}  # dense; FP4 of B300
BYTES = {"": 2.0, "fp8": 1.0, "fp8_block": 1.0, "nvfp4": 0.5}
ADAPTER = 50e9  # of each GPU, 400 Gb/s one way
# Parameters that one token passes, embeddings looked up not counted (model cards and config.json), and elements of
# keys and values that a token leaves in the cache, all layers.
MODELS = {
    "MiniMax-M2.5": (9.6e9, 62 * 2 * 8 * 128),
    "Qwen3-235B": (21e9, 94 * 2 * 4 * 128),
    "Qwen3-32B": (31.9e9, 64 * 2 * 8 * 128),
    "Llama-3.1-70B": (69.5e9, 80 * 2 * 8 * 128),
    "Llama-3.1-8B": (7.5e9, 32 * 2 * 8 * 128),
    "gpt-oss-120b": (4.5e9, 18 * 2 * 8 * 64),  # half of its layers see a window alone
    "DeepSeek": (36e9, 61 * 576),
}


SUITES = pytest.mark.parametrize("suite, group, least", [("serving", "step", 350), ("dies", "b200_step", 300)])


def steps(suite, group):
    """(id, GPUs, device, model figures, conditions, concurrency, seconds a token) of the rows whose model is above."""
    for q, c, value in answers(suite, group):
        figures = next((m for name, m in MODELS.items() if name.lower() in c["model"].lower()), None)
        if figures is None:
            continue
        tp, dp = int(c["tp"]), int(c.get("attention_dp") or 1)
        gpus = max(tp * dp, int(c["moe_tp"]) * int(c["moe_ep"]))
        batch = int(c.get("decode_batch") or q.x)  # of one of several decoding servers, where prompts are apart
        yield q.id, gpus, q.device.split()[0], figures, c, batch, value * 1e-3


@pytest.mark.slow
@SUITES
def test_a_step_reads_its_weights_and_cache_through_the_pins(suite, group, least):
    """A GPU reads its share of what one token passes, once a step, and of the caches of the batch."""
    shares = {}
    for row, gpus, device, (weights, kv), c, batch, seconds in steps(suite, group):
        each = min(BYTES[c.get("gemm", "")], BYTES[c.get("moe", "")])
        cache = batch * 0.8 * (int(c["isl"]) + int(c["osl"]) / 2) * kv  # lengths are drawn from 0.8 to 1 of the printed
        shares[row] = (weights * each + cache) / gpus / PINS.get(device, B300_PINS) / seconds
    assert len(shares) > least
    keeps_below(shares, 0.4)


@SUITES
def test_a_step_computes_no_more_than_the_peak(suite, group, least):
    """Decoded tokens alone, each two operations a parameter."""
    shares = {}
    peaks = BLACKWELL if suite == "dies" else PEAK
    for row, gpus, _, (weights, _), c, batch, seconds in steps(suite, group):
        shares[row] = 2 * weights * batch / gpus / max(peaks[c.get("gemm", "")], peaks[c.get("moe", "")]) / seconds
    keeps_below(shares, 0.02)


@pytest.mark.slow
def test_a_node_computes_and_reads_no_more_than_its_eight_gpus():
    """Prompt tokens that are computed against the FP8 peak; decoded ones against the pins that their caches pass."""
    passed, cached = MODELS["DeepSeek"]
    shares = {}
    for q, _, value in answers("serving", "node"):
        if "prefill" in q.quantity:
            hits = re.search(r"([\d.]+) % of input tokens hit", q.conditions)
            computed = value * (1 - float(hits[1]) / 100 if hits else 1)
            shares[q.id] = 2 * passed * computed / 8 / PEAK["fp8"]
        else:
            length = int(re.search(r"KV(?: length)? ([\d,]+)", q.conditions)[1].replace(",", ""))
            shares[q.id] = value / 8 * length * cached / PINS["H800"]  # a byte an element at least
    assert len(shares) >= 4
    keeps_below(shares, 0.1)


@pytest.mark.parametrize("phase, width", [("dispatch", 1), ("combine", 2)])
def test_tokens_between_nodes_keep_to_the_adapters(phase, width):
    """Once to each other node that one of a token's choices lies on; FP8 there, 16-bit results back."""
    shares = {}
    for q, c, value in answers("serving", "a2a_nodes", phase):
        nodes = int(c["ep"]) // 8
        leaving = (nodes - 1) * (1 - (1 - 1 / nodes) ** int(c["topk"]))
        shares[q.id] = q.x * int(c["hidden"]) * width * leaving / ADAPTER / (value * 1e-6)
    assert len(shares) > 10
    keeps_below(shares)
