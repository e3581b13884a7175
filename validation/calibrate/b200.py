"""The values of programs on the B200 family that follow from calibration rows, each by inverting the model at one row.

      python -m chipweave.validation.calibrate.b200        prints chipweave/data/serving/packages/b200.yaml

Rows of any other role are dropped before their value is read. A kernel's time is floor + work /
rate: the floor comes from its smallest row, the rate from its largest less the floor, so that each
value has a meaning and none is an average over a fit.
"""

from __future__ import annotations

from importlib.resources import files
from math import ceil

from chipweave import ledger
from chipweave.kernel_models.expert_exchange import token_bytes
from chipweave.kernel_models.nvlink_calls import OWN_PART, PROTOCOLS, Domain, collective_seconds
from chipweave.kernel_models.package_kernels import CHAIN, attention_work
from chipweave.kernel_models.package_library import BYTES

from ..cases.b200_links import exchange_of
from ..rows.blackwell import library_named, links
from ..rows.conditions import conditions
from . import b200_step

ROWS = files("chipweave.validation") / "references" / "dies" / "b200.csv"
LARGE = 4096, 7168, 16384
ASSUMED = {"gemm_share_bf16", "tma_setup_s", "l2_bytes_per_s"}
"""Figures that do not come from their own calibration row: what is assumed instead stands in their source."""
GIVEN = {
    "tma_setup_s": (7.07e-08, "set-up of a tile copy on H100, 139 cycles (calibrated/die.yaml), at 1965 MHz"),
    "l2_bytes_per_s": (1.69e13, "L2 by TMA when data crosses: notes of the rows, no predicted row"),
}
HEAD = """# What belongs to a program on the B200 family rather than to the device; rows of references/dies/b200.csv.
# Written by python -m chipweave.validation.calibrate.b200; do not edit.
"""


def rows() -> dict[str, tuple[ledger.Question, float]]:
    """{id: (question, value)} of the calibration rows."""
    return {q.id: (q, float(text)) for q, text in ledger.read_references(ROWS) if q.role == "calibration"}


def figures() -> dict[str, tuple[float, str]]:
    """{name: (value, source)} of GEMMs and attention: floors in s, shares of the peak rate."""
    known = rows()
    kernels = library_named("b200")
    e = kernels.engine
    found = {}
    work = 2.0 * LARGE[0] * LARGE[1] * LARGE[2]
    for name, small, large in (
        ("bf16", "gemm-00031", "gemm-00468"),
        ("fp8", "gemm-00697", "gemm-01134"),
        ("fp8_block", "gemm-01363", "gemm-01800"),
        ("nvfp4", "gemm-02029", "gemm-02466"),
    ):
        floor = known[small][1] * 1e-6 - e.latency
        found[f"gemm_floor_{name}_s"] = floor, f"calibration row {small} less one access of memory"
        rate = work / (known[large][1] * 1e-6 - floor)
        found[f"gemm_share_{name}"] = rate / kernels.peak(name), f"calibration row {large}"
    found["gemm_share_bf16"] = (
        found["gemm_share_fp8_block"][0],
        "as 8-bit blocks: calibration row gemm-00468 gives 0.466, but 16 bits need the same cycles a byte",
    )
    for which in ("gqa", "mla"):
        low = {"gqa": ("00427", "00989"), "mla": ("00203", "00499")}[which]
        for phase, row in zip(("decode", "prefill"), low, strict=True):
            name = f"attention_{which}-{row}"
            found[f"{which}_{phase}_floor_s"] = known[name][1] * 1e-6, f"calibration row {name}"
    # prefill: operands once at the memory's rate, the rest is work and half of the longest block
    for key, row, heads, kv, width in (
        ("attention_share", "attention_gqa-01005", 64, 8, 128),
        ("mla_prefill_share", "attention_mla-00515", 128, 128, 160),
    ):
        floor = found["gqa_prefill_floor_s" if kv == 8 else "mla_prefill_floor_s"][0]
        moved = 4.0 * 16384 * width * (heads + kv) / e.memory
        total = attention_work(e, heads, width, 16384 * (16384 + 256) / 2, 1.0)
        longest = attention_work(e, 1, width, 256.0 * 16384, 1.0) * e.units
        left = known[row][1] * 1e-6 - floor - moved - (ceil(heads * 64 / e.units) - 1) * CHAIN * e.latency
        found[key] = (total + longest / 2) / left, f"calibration row {row}"
    bytes_ = (576.0 * 65536 * 2 + 128 * (576 + 512) * 2.0) / e.memory
    name = "attention_mla-00218"
    found["mla_split_s"] = known[name][1] * 1e-6 - found["mla_decode_floor_s"][0] - bytes_, f"calibration row {name}"
    name = "attention_gqa-00441"
    streamed = e.cache_seconds(2.0 * 128 * 8 * 32768 * 2.0) + 4.0 * 128 * 64 / e.memory
    found["gqa_split_s"] = known[name][1] * 1e-6 - found["gqa_decode_floor_s"][0] - streamed, f"calibration row {name}"
    beside = {}
    for row, hidden, inter, size in (
        ("moe-00487", 4096, 1536, 2.0),
        ("moe-01702", 7168, 2048, BYTES["fp8_block"]),
    ):
        beside[row] = known[row][1] * 1e-6 - 8 * 3.0 * hidden * inter * size / e.memory
    found["moe_floor_s"] = beside["moe-00487"], "calibration row moe-00487 less the weights of eight experts"
    found["moe_expert_block_s"] = (
        (beside["moe-01702"] - beside["moe-00487"]) / 256,
        (
            "an expert of the rank in the layout of DeepGEMM: calibration "
            "row moe-01702 less the weights of eight experts and the floor"
        ),
    )
    return found


def exchanges() -> dict[str, tuple[float, str]]:
    """Floor and rate of each expert exchange, from its row of one token and its row of most.

    rate: bytes/s of one GPU at 24 SMs, to which a row that states another number of SMs is scaled.
    """
    pairs: dict[str, list[tuple[float, float, float, str]]] = {}
    for row, (q, value) in rows().items():
        if q.group != "b200_a2a":
            continue
        assert q.x is not None, f"{row} states its tokens"
        found, (library, what, name) = conditions(q), exchange_of(q)
        each = token_bytes(
            library, what, found.get("dtype", ""), int(found["ep"]), int(found["hidden"]), int(found["topk"])
        )
        scale = 24.0 / int(found.get("sms", 24))
        pairs.setdefault(name, []).append((q.x, value * 1e-6, q.x * each * scale, row))
    found_ = {}
    for name, values in pairs.items():
        (few, low, small, first), (many, high, large, last) = sorted(values)
        rate = (large - small) / (high - low)
        found_[f"{name}_floor_s"] = low - small / rate, f"calibration row {first}"
        if name.startswith("NVLinkTwoSided") and "prepare" not in name:
            found_[f"{name}_token_s"] = (
                (high - low - (large - small) / nvlink_rate()) / (many - few),
                f"calibration rows {first} and {last}, less the links' time".replace("'", ""),
            )
            continue
        found_[f"{name}_rate"] = rate, f"calibration rows {first} and {last}"
    return found_


def nvlink_rate() -> float:
    """Bytes/s one way beneath a kernel: of two ranks that gather, each sends a half and copies its own."""
    (q, value), (_, first) = rows()["nccl-00021"], rows()["nccl-00001"]
    assert q.x is not None, "the row states its bytes"
    simple = PROTOCOLS[2]
    return (1.0 + OWN_PART) * q.x / 2.0 / ((value - first) * 1e-6 - simple.base - simple.step)


def collectives() -> dict[str, tuple[float, str]]:
    """Share of the links, call and step of NCCL, and XLA's dispatch around it, s.

    Two rows that differ in ring steps alone (1 and 14) give the step; what a row by XLA takes more
    than NCCL is its dispatch.
    """
    known, rate = rows(), nvlink_rate()
    step = (known["nccl-00106"][1] - known["nccl-00001"][1]) / 13 * 1e-6
    first = known["nccl-00001"][1] * 1e-6
    gather = collective_seconds(Domain(rate, first, step, 0.0), "all-gather", 2, 1048576)
    return {
        "nvlink_share": (rate / links(), "calibration row nccl-00021: its largest message"),
        "nccl_call_s": (first, "calibration row nccl-00001: one step"),
        "nccl_step_s": (step, "calibration rows nccl-00001 and nccl-00106: 1 and 14 steps"),
        "xla_dispatch_s": (known["coll_xla-00084"][1] * 1e-6 - gather, "calibration row coll_xla-00084 less NCCL"),
    }


def text() -> str:
    """The whole of chipweave/data/serving/packages/b200.yaml."""
    parts = [HEAD]
    found = GIVEN | figures() | collectives() | exchanges()
    servers = [row for row in rows().values() if row[0].group == "b200_step"]
    found |= b200_step.fit(servers, {name: float(f"{value:.6g}") for name, (value, _) in found.items()})
    for name, (value, source) in found.items():
        kind = "assumed" if name in ASSUMED else "fitted"
        parts.append(f"{name}:\n  value: {value:.6g}\n  source: '{source}'\n  kind: {kind}\n")
    return "".join(parts)


if __name__ == "__main__":
    print(text(), end="")
