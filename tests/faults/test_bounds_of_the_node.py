"""Do exchanges inside and between H100 and H800 nodes, and the kernels between them, keep to links, pins and peaks?

Answered rows of the committed ledger of suite h100: sizes and times make the rates."""

import re

import pytest

from .suite_rows import drawn_rows, keeps_below, ledger_rows

NVLINK = {"H100": 450e9, "H800": 200e9}  # one way, data sheets; the shipped H800 rows say 160 GB/s at most are used
ADAPTER = 50e9
PINS, BF16, FP8 = 3.35e12, 989.4e12, 1979e12  # H100 SXM5, dense
HIDDEN, WIDTH = 7168, {"dispatch": 1, "combine": 2}
SHAPES = {"DeepSeek-V3": (7168, 2048, 8, 256), "Mixtral-8x7B": (4096, 14336, 2, 8)}  # hidden, inner, top-k, experts


def to_others(ranks, topk):
    """Of one token's rank: how many of the others one of its choices lies on, on average, where choices are uniform."""
    return (ranks - 1) * (1 - (1 - 1 / ranks) ** topk)


def phase(q):
    return next(name for name in WIDTH if name in q.quantity)


ROWS = pytest.mark.parametrize("rows", [ledger_rows, drawn_rows])


@ROWS
@pytest.mark.parametrize("group, near", [("deepep_ll", 0.4), ("deepep_normal", 0.4), ("pplx", 0.1)])
def test_an_exchange_inside_a_node_keeps_to_its_nvlinks(group, near, rows):
    shares = {}
    for q, value in rows(group):
        if "all-to-all" in q.quantity:
            continue
        topk = int(re.search(r"top-(\d+)", q.conditions)[1])
        moved = q.x * HIDDEN * WIDTH[phase(q)] * to_others(8, topk)
        shares[q.id] = moved / NVLINK["H100"] / (value * 1e-6)
    keeps_below(shares, near)


def test_published_exchanges_keep_to_nvlinks_and_adapters():
    shares = {}
    for q, value in ledger_rows("deepep_readme"):
        ranks = int(q.x)
        if q.unit == "us":
            inside = 128 * HIDDEN * WIDTH[phase(q)] * to_others(8, 8) / NVLINK["H800"]
            between = 128 * HIDDEN * WIDTH[phase(q)] * to_others(max(ranks // 8, 1), 8) / ADAPTER
            shares[q.id] = (between if ranks > 8 else inside) / (value * 1e-6)
        else:
            shares[q.id] = value * 1e9 / (ADAPTER if "RDMA" in q.quantity else NVLINK["H800"])
    keeps_below(shares, 0.5)


def test_a_copy_between_two_gpus_keeps_to_their_links():
    keeps_below({q.id: value * 1e9 / NVLINK["H100"] for q, value in ledger_rows("p2p")}, 0.5)


def expert_work(q):
    """(operations, bytes of weights) of a rank that holds its share of the experts and takes its share of the tokens:
    the least that the busiest rank has, whose time is answered."""
    name = "Mixtral-8x7B" if "Mixtral" in q.quantity else "DeepSeek-V3"
    hidden, inner, topk, experts = SHAPES[name]
    tp, ep = (int((re.search(rf"{word}(\d+)", q.conditions) or [0, 1])[1]) for word in ("TP", "EP"))
    each, here = 3 * hidden * inner / tp, q.x * topk / ep
    drawn = min(experts / ep, here) / 2  # experts that are read at least: some are chosen twice, others not at all
    return 2 * each * here, 0 if "power_law" in q.conditions else each * drawn * (
        2 if "bfloat16" in q.conditions else 1
    )


@ROWS
@pytest.mark.parametrize("group", ["moe", "moe_wideep"])
def test_layers_of_experts_keep_to_the_peak_and_the_pins(group, rows):
    peaks, pins = {}, {}
    for q, value in rows(group):
        flops, weights = expert_work(q)
        peaks[q.id] = flops / (BF16 if "bfloat16" in q.conditions else FP8) / (value * 1e-6)
        pins[q.id] = weights / PINS / (value * 1e-6)
    keeps_below(peaks)
    keeps_below(pins)


@pytest.mark.slow
@ROWS
@pytest.mark.parametrize("group", ["expert_gemm", "expert_gemm_h100", "stage_gemm", "stage_gemm_h100"])
def test_gemms_keep_to_the_peak(group, rows):
    shares = {}
    for q, value in rows(group):
        edges = re.search(r"N=(\d+) K=(\d+)", q.conditions)
        of_an_expert = 3 * (4096 * 1536 if "Qwen3" in q.quantity else 7168 * 2048)
        flops = 2 * q.x * (int(edges[1]) * int(edges[2]) if edges else of_an_expert)
        shares[q.id] = flops / (FP8 if "fp8" in q.conditions else BF16) / (value * 1e-6)
    keeps_below(shares)
