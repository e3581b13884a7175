"""Fits floor and block cost of the attention kernels from calibration rows: `fit(rows)`, called by
calibrate/serving.py.

floor_s  of the rows of a family with 2 cached tokens: what the model leaves, where the family has any
sync_s   of its prefill rows of 4,096 tokens: a block's cost beside its work; decode runs the same blocks
"""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import Any

from chipweave.kernel_models.attention import seconds
from chipweave.serving import library

from ..cases.attention import CACHES, call_of
from ..rows.chips import calibrated, chip_named
from ..rows.conditions import conditions, framework

ROUNDS, MOST_SYNC_S = 5, 6e-6
OWN_SYNC = ("trtllm-mla-decode-fp8",)
"""Decode kernels whose blocks differ from those of the prefill kernel (another library), with a row that sets them."""

SHARED = {
    "trtllm-gqa-prefill-bfloat16": "trtllm-mla-prefill-bfloat16",
    "trtllm-mla-decode-bfloat16": "trtllm-mla-prefill-bfloat16",
}
"""Families without a calibration row of their own: those of the same library whose block cost they take."""


def fit(rows: Any) -> dict[str, tuple[float, list[str], str]]:
    """{figure: (value, row ids, words)} from the (Question, value) pairs of role calibration."""
    families = _families(rows)
    kernels = {n: replace(k, helper_s=calibrated()["graph_kernel_s"]) for n, k in library.attention_table()[0].items()}
    for _ in range(ROUNDS):
        for name in kernels:
            kernels[name] = replace(kernels[name], floor_s=_floor(name, kernels, families))
        for name in kernels:
            kernels[name] = replace(kernels[name], sync_s=_sync(name, kernels, families))
    out = {}
    for name, kernel in kernels.items():
        source = _floor_family(name, families)
        out[f"{name}.floor_s"] = (kernel.floor_s, _ids(families[source], 2), "what the model leaves at 2 cached tokens")
        source = _sync_family(name, families)
        out[f"{name}.sync_s"] = (kernel.sync_s, _ids(families[source], 4096), "what a block costs beside its work")
    return out


def _families(rows: Any) -> Any:
    """{kernel name: [(question, seconds)]}; an unknown framework is an error of the table."""
    found: dict[str, list[tuple[Any, float]]] = {name: [] for name in library.attention_table()[0]}
    for q, value in rows:
        c = conditions(q)
        form = "gqa" if q.group == "attention_gqa" else "mla"
        name = f"{framework(c['framework'])}-{form}-{q.quantity.split()[0]}-{c['kv']}"
        found[name].append((q, value * 1e-6))
    return found


def _ids(members: Any, context: Any) -> Any:
    return [q.id for q, _ in members if q.x == context]


def _floor_family(name: Any, families: Any) -> Any:
    """Whose rows set a floor: its own, those of the decode kernel, those of the other cache type."""
    decode = name.replace("-prefill-", "-decode-")
    other = decode.replace("bfloat16", "fp8") if "bfloat16" in decode else decode.replace("fp8", "bfloat16")
    return next(n for n in (name, decode, other) if _ids(families[n], 2))


def _sync_family(name: Any, families: Any) -> Any:
    """Whose rows set a block's cost."""
    prefill = name if name in OWN_SYNC else name.replace("-decode-", "-prefill-")
    other = prefill.replace("bfloat16", "fp8") if "bfloat16" in prefill else prefill.replace("fp8", "bfloat16")
    return next(n for n in (prefill, SHARED.get(name), SHARED.get(prefill), other) if n and _ids(families[n], 4096))


def _time(name: Any, q: Any, kernel: Any) -> Any:
    """The model's seconds of a row."""
    c, form = conditions(q), name.split("-")[1]
    fitted = calibrated()
    heads, kv_heads = int(c["num_heads"]), int(c.get("num_key_value_heads", 1))
    call = call_of(
        form, q.quantity.split()[0], int(c["batch"]), int(q.x), heads, kv_heads, 128, CACHES[c["kv"]], kernel
    )
    chip = chip_named(q.device, fitted)
    return seconds(chip, fitted["turnaround_s"], fitted["weights_dram_efficiency"], call, kernel)


def _floor(name: Any, kernels: Any, families: Any) -> Any:
    source = _floor_family(name, families)
    bare = replace(kernels[source], floor_s=0.0)
    return fmean(value - _time(source, q, bare) for q, value in families[source] if q.x == 2)


def _sync(name: Any, kernels: Any, families: Any) -> Any:
    """Seconds of synchronisation that bring a family's mean error at context 4096 to zero, by bisection."""
    source = _sync_family(name, families)
    members = [(q, value) for q, value in families[source] if q.x == 4096]
    low, high = 0.0, MOST_SYNC_S
    for _ in range(50):
        middle = (low + high) / 2
        tried = replace(kernels[source], sync_s=middle)
        error = fmean(_time(source, q, tried) / value - 1 for q, value in members)
        low, high = (low, middle) if error > 0 else (middle, high)
    return low
