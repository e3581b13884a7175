"""Does any suite of the ledger answer a row with more than links, pins and tensor units can do?

Rates that a row's bytes or operations need in the answered time, against the datasheet figures of its device. Sizes and
times make them, whatever mechanism a model has. Rows that move most come closest: of each series those at its end."""

import csv
import re
from importlib.resources import files

import pytest

from chipweave import ledger
from chipweave.validation.rows.conditions import conditions
from chipweave.validation.suites import dies, h100, serving

from .suite_rows import rows_of

LINKS = {"H100": 450e9, "H200": 450e9, "H800": 200e9, "B200": 900e9, "GB200": 900e9}  # one way, NVLink 4 and 5
PINS = {"H100 SXM5": 3.35e12, "H200": 4.8e12, "B200": 8e12, "GB200": 8e12, "MI300X": 5.3e12}
HOPPER = {"bfloat16": 989.4e12, "fp8": 1979e12, "fp8_block": 1979e12}  # dense, H100 SXM5
BLACKWELL = {"bfloat16": 2.5e15, "fp8": 5e15, "fp8_block": 5e15, "nvfp4": 10e15}  # dense, B200 at 1.965 GHz
BLACKWELL_SMS, BOARD_WATTS = 148, 1000
MI300X_LINKS, MI300X_FP8 = 7 * 64e9, 2614.9e12
MI300X_FP64 = 163.4e12  # of the matrix units; measured rows pass the 81.7 that the data sheet gives vector units


def of_device(table, device):
    """The figure of the longest name that the device's begins with."""
    return table[max((name for name in table if device.startswith(name)), key=len)]


def cache_bytes(q, c):
    """Bytes of the KV cache that a decode call reads."""
    width = 1 if "fp8" in c["kv"] else 2
    if "mla" in q.group:
        return 576 * int(c["batch"]) * width * q.x
    heads = int(c.get("num_key_value_heads") or c["kv_heads"])
    return 2 * heads * int(c.get("head_dim", 128)) * int(c["batch"]) * width * q.x


def expert_flops(q, c):
    """Of one rank's share of a balanced fused MoE layer."""
    inner = int(c.get("intermediate") or c["inter"]) / int(c["tp"])
    return 6 * int(c["hidden"]) * inner * q.x * int(c["topk"]) / int(c["ep"])


def through_a_link(ranks, moved):
    """A rank sends or receives at least this of a message of `moved` bytes, whatever the algorithm or the switch."""
    return moved * (ranks - 1) / ranks


def exchanged(q, c):
    """Bytes of tokens that leave a rank: each once to every other rank that one of its choices lies on."""
    if q.quantity.startswith("prepare"):  # indices, no tokens
        return 0.0
    ep, width = int(c["ep"]), 0.5 if c.get("dtype") == "nvfp4" else 1
    return q.x * int(c["hidden"]) * width * (ep - 1) * (1 - (1 - 1 / ep) ** int(c["topk"]))


# group -> (what a row needs, of its question and conditions; what its device gives of it in a second)
TIMED = {
    "attention_gqa": (cache_bytes, lambda q, c: of_device(PINS, q.device)),
    "attention_mla": (cache_bytes, lambda q, c: of_device(PINS, q.device)),
    "b200_attention_gqa": (cache_bytes, lambda q, c: of_device(PINS, q.device)),
    "b200_attention_mla": (cache_bytes, lambda q, c: of_device(PINS, q.device)),
    "moe_balanced": (expert_flops, lambda q, c: HOPPER[c["dtype"]]),
    "b200_moe": (expert_flops, lambda q, c: BLACKWELL[c["dtype"]]),
    "b200_gemm": (lambda q, c: 2 * q.x * int(c["n"]) * int(c["k"]), lambda q, c: BLACKWELL[c["dtype"]]),
    "b200_nccl": (lambda q, c: through_a_link(int(c["gpus"]), q.x), lambda q, c: of_device(LINKS, q.device)),
    "b200_allreduce": (
        lambda q, c: through_a_link(int(c["gpus"]), 2 * q.x),
        lambda q, c: of_device(LINKS, q.device),
    ),
    "b200_a2a": (exchanged, lambda q, c: of_device(LINKS, q.device)),
    "a2a_nvl72": (exchanged, lambda q, c: of_device(LINKS, q.device)),
}
# group -> the most that its value, in units of the reference, can be
VALUED = {
    "b200_inflight": lambda q, c: PINS["B200"] / 1e9,
    "b200_mainloop": lambda q, c: BLACKWELL["fp8" if "FP8" in c["dtype"] else "bfloat16"] / BLACKWELL_SMS / 1e12,
    "b200_energy": lambda q, c: BOARD_WATTS,
    "amd_stream": lambda q, c: PINS["MI300X"] / (1e12 if "BabelStream" in q.quantity else 1e9),
    "amd_roofline": lambda q, c: min(PINS["MI300X"], MI300X_FP64 / q.x) / 1e9,
    "amd_collective": lambda q, c: MI300X_LINKS / 1e9,
    "amd_gemm": lambda q, c: MI300X_FP8 / 1e12,
}


def answered(group):
    """(Question, conditions, simulated) of the rows of a group that ask for most: the largest two x of each series."""
    suite = serving if group in ("attention_gqa", "attention_mla", "moe_balanced", "a2a_nvl72") else dies
    series = {}
    for q, text in rows_of(suite, group):
        if q.x and "prefill" not in q.quantity and conditions(q).get("balance", "balanced") == "balanced":
            key = tuple(sorted((k, v) for k, v in conditions(q).items() if k in ("dtype", "kv", "library", "gpus")))
            series.setdefault((q.device, q.quantity, key), []).append((q, text))
    chosen = [row for each in series.values() for row in sorted(each, key=lambda row: row[0].x)[-2:]]
    results = ledger.judge("serving" if suite is serving else "dies", chosen, ledger.discover())
    return [(q, conditions(q), r.simulated) for (q, _), r in zip(chosen, results, strict=True) if r.simulated]


@pytest.mark.parametrize("group", TIMED)
def test_no_row_needs_more_than_its_device_gives(group):
    needs, gives = TIMED[group]
    shares = {q.id: needs(q, c) / (value * 1e-6) / gives(q, c) for q, c, value in answered(group)}
    assert shares and max(shares.values()) <= 1, max(shares.items(), key=lambda item: item[1])
    assert max(shares.values()) > 0.2, "rows that come nowhere near a bound test nothing"


@pytest.mark.parametrize("group", VALUED)
def test_no_value_is_above_its_bound(group):
    shares = {q.id: value / VALUED[group](q, c) for q, c, value in answered(group) if q.device != "MI210"}
    assert shares and 0.2 < max(shares.values()) <= 1, max(shares.items(), key=lambda item: item[1])


def ledger_of_h100():
    """(Question, simulated) of the answered rows of the committed ledger."""
    with (files("chipweave.validation") / "ledger_h100.csv").open(encoding="utf-8") as file:
        answers = {row["id"]: float(row["simulated"]) for row in csv.DictReader(file) if row["simulated"]}
    return [(q, answers[q.id]) for q, _ in rows_of(h100) if q.id in answers]


def test_collectives_of_a_node_keep_to_its_links():
    shares = {}
    for q, value in ledger_of_h100():
        ranks = re.match(r"(\d+) GPUs", q.conditions)
        if q.group not in ("nccl", "custar") or not ranks or not q.x or "busbw" in q.quantity:
            continue
        moved = q.x * (2 if q.group == "custar" else 1)
        shares[q.id] = through_a_link(int(ranks[1]), moved) / (value * 1e-6) / of_device(LINKS, q.device)
    assert len(shares) > 200 and 0.5 < max(shares.values()) <= 1, max(shares.items(), key=lambda item: item[1])


def test_gemms_of_a_die_keep_to_its_peak():
    shares = {}
    for q, value in ledger_of_h100():
        edges = re.match(r"(\w+) .*N=(\d+) K=(\d+)", q.conditions)
        if q.group == "gemm" and edges and edges[1] in HOPPER:
            shares[q.id] = 2 * q.x * int(edges[2]) * int(edges[3]) / (value * 1e-6) / HOPPER[edges[1]]
    assert len(shares) > 50 and 0.5 < max(shares.values()) <= 1, max(shares.items(), key=lambda item: item[1])
