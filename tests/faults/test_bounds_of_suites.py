"""Does any suite of the ledger answer a row with more than links, pins and tensor units can do?

Rates that a row's bytes or operations need in the answered time, against the datasheet figures of its device. Sizes and
times make them, whatever mechanism a model has. Rows that move most come closest: of each series those at its end."""

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

from chipweave.validation.rows.conditions import conditions

from .suite_rows import SUITES, asked, drawn, drawn_rows, keeps_below, ledger_rows, rows_of

LINKS = {"H100": 450e9, "H200": 450e9, "H800": 200e9, "B200": 900e9, "GB200": 900e9}  # one way, NVLink 4 and 5
PINS = {"H100 SXM5": 3.35e12, "H200": 4.8e12, "B200": 8e12, "GB200": 8e12, "MI300X": 5.3e12}
HOPPER = {"bfloat16": 989.4e12, "fp8": 1979e12, "fp8_block": 1979e12}  # dense, H100 SXM5
BLACKWELL = {"bfloat16": 2.5e15, "fp8": 5e15, "fp8_block": 5e15, "nvfp4": 10e15}  # dense, B200 at 1.965 GHz
L2_H100 = 50e6
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
    "b200_p2p": lambda q, c: of_device(LINKS, q.device) / 1e9,
    "b200_energy": lambda q, c: BOARD_WATTS,
    "amd_stream": lambda q, c: PINS["MI300X"] / (1e12 if "BabelStream" in q.quantity else 1e9),
    "amd_roofline": lambda q, c: min(PINS["MI300X"], MI300X_FP64 / q.x) / 1e9,
    "amd_collective": lambda q, c: MI300X_LINKS / 1e9,
    "amd_gemm": lambda q, c: MI300X_FP8 / 1e12,
}


OF_SERVING = ("attention_gqa", "attention_mla", "moe_balanced", "a2a_nvl72")


def of_group(group):
    """(suite, rows of a group whose needs are known)."""
    suite = "serving" if group in OF_SERVING else "dies"
    rows = [row for row in rows_of(SUITES[suite], group) if row[0].x and "prefill" not in row[0].quantity]
    return suite, [row for row in rows if conditions(row[0]).get("balance", "balanced") == "balanced"]


def answered(group):
    """(Question, conditions, simulated) of the rows of a group that ask for most: the largest two x of each series."""
    (suite, rows), series = of_group(group), {}
    for q, text in rows:
        key = tuple(sorted((k, v) for k, v in conditions(q).items() if k in ("dtype", "kv", "library", "gpus")))
        series.setdefault((q.device, q.quantity, key), []).append((q, text))
    return asked(suite, [row for each in series.values() for row in sorted(each, key=lambda row: row[0].x)[-2:]])


@pytest.mark.parametrize("group", TIMED)
def test_no_row_needs_more_than_its_device_gives(group):
    needs, gives = TIMED[group]
    keeps_below({q.id: needs(q, c) / (value * 1e-6) / gives(q, c) for q, c, value in answered(group)})


@pytest.mark.slow
@pytest.mark.parametrize("group", TIMED)
def test_nor_does_a_size_that_is_not_in_the_rows(group):
    needs, gives = TIMED[group]
    suite, rows = of_group(group)
    shares = [needs(q, c) / (value * 1e-6) / gives(q, c) for q, c, value in asked(suite, drawn(rows))]
    assert len(shares) > 20 and max(shares) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("group", ["attention_gqa", "attention_mla", "b200_attention_gqa", "b200_attention_mla"])
def test_prefills_keep_to_the_peak(group):
    """A causal half of the scores and of their sums of values, of heads of 128, or of 192 and 128 where latent."""
    suite = "serving" if group in OF_SERVING else "dies"
    rows = [row for row in rows_of(SUITES[suite], group) if row[0].x and "prefill" in row[0].quantity]
    shares = {}
    for q, c, value in asked(suite, sorted(rows, key=lambda row: row[0].x)[-150:] + drawn(rows, tenfold=(-1, 1))):
        heads = int(c.get("heads") or c["num_heads"])
        flops = int(c["batch"]) * heads * q.x**2 * (192 + 128 if "mla" in group else 2 * int(c.get("head_dim", 128)))
        peaks = BLACKWELL if group.startswith("b200") else HOPPER
        shares[q.id] = flops / (value * 1e-6) / peaks["fp8" if "fp8" in c["dtype"] + c["kv"] else "bfloat16"]
    keeps_below(shares)


@pytest.mark.parametrize("group", VALUED)
def test_no_value_is_above_its_bound(group):
    keeps_below({q.id: value / VALUED[group](q, c) for q, c, value in answered(group) if q.device != "MI210"})


ROWS = pytest.mark.parametrize("rows, least", [(ledger_rows, 200), (drawn_rows, 90)])


@ROWS
def test_collectives_of_a_node_keep_to_its_links(rows, least):
    shares = {}
    for q, value in rows("nccl") + rows("custar"):
        ranks = re.match(r"(\d+) GPUs", q.conditions)
        if ranks and q.x and "busbw" not in q.quantity:
            moved = q.x * (2 if q.group == "custar" else 1)
            shares[q.id] = through_a_link(int(ranks[1]), moved) / (value * 1e-6) / of_device(LINKS, q.device)
    assert len(shares) > least
    keeps_below(shares, 0.5)


@pytest.mark.parametrize("rows", [ledger_rows, drawn_rows])
def test_gemms_of_a_die_keep_to_its_peak_and_weights_that_its_l2_cannot_hold_to_its_pins(rows):
    peaks, pins = {}, {}
    for q, value in rows("gemm"):
        edges = re.match(r"(\w+) .*N=(\d+) K=(\d+)", q.conditions)
        if edges and edges[1] in HOPPER:
            weights = int(edges[2]) * int(edges[3])
            peaks[q.id] = 2 * q.x * weights / (value * 1e-6) / HOPPER[edges[1]]
            width = 2 if edges[1] == "bfloat16" else 1
            if weights * width > 4 * L2_H100:
                pins[q.id] = (weights * width - L2_H100) / (value * 1e-6) / PINS["H100 SXM5"]
    assert len(peaks) > 50
    keeps_below(peaks, 0.5)
    keeps_below(pins, 0.5)


@pytest.mark.slow
def test_skewed_loads_of_experts_keep_to_the_peak_too():
    """The ratio of a row times the balanced time of the same layer: its tokens ask for the same operations."""
    skewed = {}
    for q, text in rows_of(SUITES["serving"], "moe_skew"):
        skewed.setdefault((q.device, q.conditions), []).append((q, text))
    chosen = [max(rows, key=lambda row: row[0].x) for rows in list(skewed.values())[::2]]
    balanced = {(q.device, q.conditions, q.x): (q, text) for q, text in rows_of(SUITES["serving"], "moe_balanced")}
    pairs = [(row, balanced[row[0].device, row[0].conditions, row[0].x]) for row in chosen
             if (row[0].device, row[0].conditions, row[0].x) in balanced]  # fmt: skip
    times = {q.id: (q, c, value) for q, c, value in asked("serving", [row for _, row in pairs])}
    ratios = {q.id: value for q, _, value in asked("serving", [row for row, _ in pairs])}
    shares = {}
    for (q, _), (b, _) in pairs:
        if q.id in ratios and b.id in times:
            _, c, value = times[b.id]
            shares[q.id] = expert_flops(b, c) / (ratios[q.id] * value * 1e-6) / HOPPER[c["dtype"]]
    assert len(shares) > 50
    keeps_below(shares)


def test_every_group_that_is_answered_has_a_bound():
    """A group that a suite learns to answer is to be held against what cannot be passed, in a test of these files."""
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*bounds*.py"))
    baseline = json.loads((files("chipweave.validation") / "baseline.json").read_text(encoding="utf-8"))
    answered_groups = {
        name.split(" (")[0] for suite in SUITES for name, group in baseline[suite].items() if group["n_modelled"]
    }
    assert len(answered_groups) > 50
    assert not [name for name in sorted(answered_groups) if f'"{name}"' not in tests]
