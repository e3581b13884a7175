"""What a step of a server on B200 takes beside its kernels alone, from the servers of one dense model: the calibration
rows of `b200_step`.

All but the share of sums in the switch add to a step without changing what is chosen, so that one evaluation for each
gives their weights; the least sum of relative errors is then found one value after another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np

from chipweave import ledger
from chipweave.kernel_models.package_library import Library
from chipweave.serving import system
from chipweave.serving.kernels import Kernels
from chipweave.serving.package_kernels import kernels_of

from ..cases.b200_step import token_seconds

ADDED = (
    "step_trtllm_step_s",
    "step_trtllm_sequence_s",
    "step_vllm_step_s",
    "step_vllm_sequence_s",
    "step_fp8_extra_s",
    "step_nvfp4_extra_s",
)
WORDS = (
    "host time of a step of TensorRT-LLM",
    "host time of a sequence in it",
    "host time of a step of vLLM",
    "host time of a sequence in it",
    "an 8-bit linear layer in a graph beyond the shortest kernel",
    "a 4-bit one",
)
SHARES = (0.2, 0.3, 0.4, 0.5, 0.74, 1.0)
"""Tried shares of the links' rate, that a sum in the switch reaches; 0.74 is NCCL's estimate of its own."""
PROBE_S, SWEEPS = 1e-6, 60
SOURCE = "{}: calibration rows step of Llama-3.1-70B, least mean relative error"


def fit(rows: list[tuple[ledger.Question, float]], known: Mapping[str, float]) -> dict[str, tuple[float, str]]:
    """{name: (value, source)}.

    Args:
        rows: the calibration rows of `b200_step`, values in ms.
        known: figures of the kernels alone.
    """
    measured = np.array([value * 1e-3 for _, value in rows])
    still = {**known, **dict.fromkeys(ADDED, 0.0)}
    bare = {share: _seconds(rows, {**still, "switch_share": share}) for share in SHARES}
    first = {**still, "switch_share": SHARES[0]}
    probed = [_seconds(rows, {**first, name: PROBE_S}) for name in ADDED]
    weights = np.stack([(each - bare[SHARES[0]]) / PROBE_S for each in probed], axis=1)
    tried = [(*_added(measured, bare[share], weights), share) for share in SHARES]
    best = min(tried, key=lambda found: found[0])
    found = {name: (value, SOURCE.format(words)) for name, words, value in zip(ADDED, WORDS, best[1], strict=True)}
    return {"switch_share": (best[2], SOURCE.format("share of the links that a sum in the switch reaches")), **found}


def _added(measured: np.ndarray, bare: np.ndarray, weights: np.ndarray) -> tuple[float, np.ndarray]:
    """(mean relative error, values of ADDED): each value in turn at the weighted median of what the others leave.

    Args:
        measured, bare: seconds of each row, and those without what is added.
        weights: float array (rows, added): how often each value is in a row.
    """
    values = np.zeros(len(ADDED))
    for _ in range(SWEEPS):
        for j in range(len(ADDED)):
            own = weights[:, j]
            left = measured - bare - weights @ values + own * values[j]
            seen = own > 0
            values[j] = max(0.0, _median(left[seen] / own[seen], own[seen] / measured[seen]))
    return float(np.abs((bare + weights @ values) / measured - 1).mean()), values


def _median(values: np.ndarray, weights: np.ndarray) -> float:
    """The value at half of the weights."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _seconds(rows: list[tuple[ledger.Question, float]], figures: dict[str, float]) -> np.ndarray:
    """Seconds of each row with these figures."""

    @cache
    def of(name: str, stack: str) -> Kernels:
        server = system.load(name)
        assert server.package is not None, f"{name} is a server of packages"
        shipped = server.package
        changed = Library(shipped.package, shipped.tensor, shipped.links, figures)
        return kernels_of(replace(server, package=changed), stack)

    return np.array([token_seconds(q, of) for q, _ in rows])
