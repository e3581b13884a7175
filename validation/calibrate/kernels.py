"""Fits the parameters of the kernel-level models from calibration rows alone and writes
validation/calibrated/kernels.yaml.

    python -m chipweave.validation.calibrate.kernels

Each figure is written with the rows it came from. Rows of any other role are dropped before their value is parsed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from chipweave import ledger
from chipweave.kernel_models import launch
from chipweave.kernel_models.moe import Layer

from ..rows import chips
from ..rows import kernel_software as software
from ..suites.h100 import REFERENCES

BOOST_HZ = {"H800 PCIe": 1.755e9, "GH200": 1.98e9}
PATH_FIGURES = ("turnaround_s", "l1_s", "l2_latency_s", "l2_hop_s", "dram_efficiency")
WRITE_QUEUE = 64
"""Bursts that a memory controller drains between reading and writing: assumed, a usual depth."""

READ_WRITE_TURNS = {"burst": 2, "CL": 20, "CWL": 10, "RTW": 20, "WTRL": 10}
"""HBM3 clocks, rows hbm3-0002, -0003, -0011, -0019, -0020."""


def calibration_values(path: Any = REFERENCES) -> Any:
    """{id: value} of the rows with role calibration."""
    return {q.id: ledger.number(text) for q, text in ledger.read_references(path) if q.role == "calibration"}


def fit(v: Any) -> Any:
    """{figure: (value, row ids, words)} from the calibration values `v`."""
    out = _hardware(v)
    figures = {name: entry[0] for name, entry in out.items()}
    for step in (_copies, _weights, _deepgemm, _linear):
        more = step(v, figures)
        out |= more
        figures |= {name: entry[0] for name, entry in more.items()}
    return out


def _hardware(v: Any) -> Any:
    """What the die alone sets: rates from microbenchmarks at saturation, latencies from chases, s and bytes a clock.

    Rates a clock are carried to other devices by their clocks; latencies of L1 and L2 are cycles of
    the row's device.
    """
    pcie, gh200 = BOOST_HZ["H800 PCIe"], BOOST_HZ["GH200"]
    rate = v["uarch-0062"] * 1e12 / chips.structure("h800_pcie").sms / pcie
    turnaround = chips.structure("gh200").sms * 2 * 128 * 8 / (v["stream-0445"] * 1e9)
    return {
        "flop_per_clk": (rate, ["uarch-0062"], "back-to-back wgmma of one SM; 114 SMs at 1755 MHz"),
        "tensor_clock_hz": (
            pcie,
            ["uarch-0062"],
            "the clock of that row, taken for every board under tensor load: assumed",
        ),
        "l2_bytes_per_clk": (v["uarch-0050"], ["uarch-0050"], "saturated L2 reads"),
        "shared_bytes_per_clk": (
            v["uarch-0049"],
            ["uarch-0049"],
            "what an SM's L1 gives; its shared memory is the same array",
        ),
        "atomic_handoff_s": (
            v["uarch-0045"] * 1e-9,
            ["uarch-0045"],
            "compare-and-swap from one SM to another, H100 PCIe",
        ),
        "l1_s": (v["uarch-0004"] / gh200, ["uarch-0004"], "L1 hit"),
        "l2_latency_s": (v["plateau-0001"] / gh200, ["plateau-0001"], "near L2 hit"),
        "l2_hop_s": ((v["uarch-0012"] - v["uarch-0011"]) / pcie, ["uarch-0011", "uarch-0012"], "far minus near L2 hit"),
        "dram_latency_s": (v["plateau-0002"] / gh200, ["plateau-0002"], "DRAM access"),
        "tma_extra_s": (v["uarch-0032"] / pcie, ["uarch-0032"], "TMA load over plain load"),
        "turnaround_s": (turnaround, ["stream-0445"], "2 blocks of 128 threads x 8 B an SM in flight, over the rate"),
        "die_memory_bytes_per_s": (v["stream-0613"] * 1e9, ["stream-0613"], "what the die moves to memory at most"),
        "dram_efficiency": (
            v["stream-0613"] * 1e9 / chips.structure("gh200").dram_bytes_per_s,
            ["stream-0613"],
            "of the pin rate, one direction",
        ),
        "graph_kernel_s": (v["launch-0002"] * 1e-6, ["launch-0002"], "a small kernel in a graph"),
    }


def turn_efficiency(queue: int = WRITE_QUEUE) -> float:
    """Share of the memory bus that carries data when `queue` bursts are read, then written, by the HBM3 timings.

    A turn costs RTW + CWL - CL - burst to writing and WTRL + CL to reading (JESD238); data takes 2
    x queue bursts.
    """
    t = READ_WRITE_TURNS
    to_write = t["RTW"] + t["CWL"] - t["CL"] - t["burst"]
    to_read = t["CWL"] + t["burst"] + t["WTRL"] + t["CL"] - t["CWL"] - t["burst"]
    data = 2 * queue * t["burst"]
    return data / (data + to_write + to_read)


def launch_path(f: dict[str, float]) -> launch.LaunchPath:
    """The command processor with figures `f`."""
    gaps = {mode: f.get(f"{mode}_gap_s", 0.0) for mode in ("stream", "graph")}
    turnaround, l1, l2_near, l2_hop, dram = (f[k] for k in PATH_FIGURES)
    return launch.LaunchPath(gaps, turnaround, l1, l2_near, l2_hop, dram, turn_efficiency())


def _copies(v: Any, f: Any) -> Any:
    """The launch gap of a stream and of a graph: a row's floor less what the model gives for its 64 kB kernel."""
    chip = chips.chip_named("H200 SXM", f)
    own = launch.copy_seconds(chip, launch_path(f), 65536)
    rows = {"stream": "launch-0001", "graph": "launch-0002"}
    return {
        f"{mode}_gap_s": (v[r] * 1e-6 - own, [r], "floor minus the model's 64 kB kernel") for mode, r in rows.items()
    }


def _slope_and_floor(name: Any, floor_name: Any, seconds: Any, measured: Any, rows: Any, words: Any) -> Any:
    """The memory efficiency with which the model's difference between two rows is the measured one, and the floor
    left."""
    efficiency = 0.9
    for _ in range(60):  # the model's time is nearly all weights / efficiency: a contraction
        low, high = (s({name: efficiency}) for s in seconds)
        efficiency *= (high - low) / (measured[1] - measured[0])
    low = seconds[0]({name: efficiency})
    return {
        name: (efficiency, rows, words + ": slope"),
        floor_name: (measured[0] - low, rows, words + ": what the model leaves"),
    }


def _weights(v: Any, f: Any) -> Any:
    """Share of the memory's rate that weights are read at, and the floor of an MoE call.

    Two rows with one token each, whose experts differ in size alone, give the slope and the
    intercept.
    """
    chip = chips.chip_named("H100 SXM5", f)
    shapes = (Layer(7168, 2048, "fp8_block"), 256, 8), (Layer(4096, 14336, "bfloat16"), 8, 2)

    def seconds(layer: Any, experts: Any, top_k: Any) -> Any:
        counts = software.moe_loads("", "balanced", 1, experts, top_k, 8)
        return lambda more: software.moe_seconds(chip, f | more, layer, counts, 1, top_k)

    rows = ["moe-1201", "moe-1351"]
    measured = [v[r] * 1e-6 for r in rows]
    words = "one token on one expert of 44 MB and of 352 MB"
    return _slope_and_floor(
        "weights_dram_efficiency", "moe_floor_s", [seconds(*s) for s in shapes], measured, rows, words
    )


def _deepgemm(v: Any, f: Any) -> Any:
    """The same for grouped GEMMs of DeepGEMM, by two rows with 2 and 64 experts."""
    chip = chips.chip_named("H100 SXM5", f)

    def seconds(ranks: Any, tokens: Any) -> Any:
        counts = software.wideep_loads("uniform", tokens, ranks)[0]
        return lambda more: software.wideep_seconds(chip, f | more, counts)

    rows = ["moe_wideep-0097", "moe_wideep-0020"]
    measured = [v[r] * 1e-6 for r in rows]
    words = "2 and 64 experts with few tokens"
    return _slope_and_floor(
        "deepgemm_dram_efficiency", "wideep_floor_s", [seconds(128, 128), seconds(4, 32)], measured, rows, words
    )


def _linear(v: Any, f: Any) -> Any:
    """The floor of a linear layer of one row, by type of operand: its row less the model."""
    chip = chips.chip_named("H100 SXM5", f)
    rows = {"bfloat16": "gemm-0023", "fp8": "gemm-0034"}
    floors = {d: v[r] * 1e-6 - software.linear_seconds(chip, f, d, 1, 7168, 2048) for d, r in rows.items()}
    words = "one row of 7168 x 2048 minus the model"
    out = {f"linear_{d}_floor_s": (floors[d], [r], words) for d, r in rows.items()}
    kernel = floors["bfloat16"] - f["graph_gap_s"]
    return out | {"gemm_kernel_floor_s": (kernel, ["gemm-0023", "launch-0002"], "the 16-bit floor without the launch")}


def write(path: Any, fitted: Any) -> None:
    """The YAML file: figure -> value, rows, words."""
    entries = {
        name: {"value": float(f"{value:.9g}"), "rows": rows, "words": words}
        for name, (value, rows, words) in fitted.items()
    }
    head = "# Written by validation/calibrate/kernels.py from calibration rows alone. SI units. Do not edit.\n"
    Path(path).write_text(head + yaml.safe_dump(entries, sort_keys=False, width=140), encoding="utf-8")


if __name__ == "__main__":
    write(chips.CALIBRATED, fit(calibration_values()))
