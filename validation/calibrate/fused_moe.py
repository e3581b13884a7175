"""Fits what one launched kernel costs in each MoE stack, from the calibration rows of the ledger's group `moe`."""

from __future__ import annotations

from statistics import fmean
from typing import Any

import numpy as np

from chipweave import ledger
from chipweave.kernel_models.fused_moe import MoeLayer, seconds
from chipweave.serving import library

from ..cases.fused_moe import machine, rank_loads
from ..rows.chips import calibrated, chip_named
from ..suites.h100 import REFERENCES

ROWS = {
    "sglang-triton": ("moe-0001",),
    "vllm-triton": ("moe-0631",),
    "vllm-cutlass": ("moe-0601",),
    "trtllm-cutlass": ("moe-1201", "moe-1351"),
}
"""One token each. The rows of Mixtral in Triton stacks are left out: one expert's second GEMM fills few SMs."""

SHAPES = {
    "moe-0001": (256, 8, 7168, 2048, "fp8_block", 8, (8, 4)),
    "moe-0631": (256, 8, 7168, 256, "fp8_block", 1, (8, 4)),
    "moe-0601": (256, 8, 7168, 2048, "fp8_block", 8, (8, 4)),
    "moe-1201": (256, 8, 7168, 2048, "fp8_block", 8, None),
    "moe-1351": (8, 2, 4096, 14336, "bfloat16", 8, None),
}
"""experts, top-k, hidden, intermediate of the rank, operands, EP, groups of the gate: the conditions of those rows."""


def fit() -> dict[str, tuple[float, list[str], str]]:
    """{figure: (value, row ids, words)}."""
    values = {
        q.id: float(v) * 1e-6
        for q, v in ledger.read_references(REFERENCES)
        if q.role == "calibration" and q.group == "moe"
    }
    wide = calibrated()["wideep_floor_s"] / library.moe_stacks()["deepgemm"].kernels
    return {"deepgemm.kernel_s": (wide, ["moe_wideep-0097", "moe_wideep-0020"], "wideep_floor_s, a kernel")} | {
        f"{name}.kernel_s": (
            fmean(_cost(name, row, values[row]) for row in rows),
            list(rows),
            "what the model leaves, a kernel",
        )
        for name, rows in ROWS.items()
    }


def _cost(name: Any, row: Any, measured: Any) -> Any:
    """Seconds of one launch: what a calibration row takes more than the model without launches, over its kernels."""
    experts, top_k, hidden, intermediate, dtype, ranks, groups = SHAPES[row]
    stack = library.moe_stacks()[name]
    layer = MoeLayer(1, top_k, hidden, intermediate, experts, dtype, groups is not None)
    counts = np.asarray(rank_loads("balanced", 1, experts, top_k, ranks, groups)[0])
    bare = seconds(machine(chip_named("H100 SXM5", calibrated())), layer, counts, stack)
    launched = stack.kernels + (dtype != "bfloat16") * stack.quantised + layer.group_limited * stack.grouped
    return (measured - bare) / launched
