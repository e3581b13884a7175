"""Case study 2 of arXiv 2510.05497: experts of Qwen3-235B on 8 H100, moved (Remap) or doubled (Dup) by what the prompts
chose.

A layer's MoE compute lasts as long as the busiest GPU's expert GEMMs; an expert's GEMMs over n tokens last the longer
of computing them at the model's share of peak and reading its weights from HBM. Loads are a trace's, placements differ
from layer to layer and are made from prompts alone (Algorithm 2 of the paper); Best knows the answers' loads, Worst
stacks the busiest experts.

Leaves out: dispatch and combine, launches, attention: as the paper's metric, the three GEMMs of the experts only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chipweave.policy.tally import tally
from chipweave.trace.in_turn import InTurn
from chipweave.trace.store import Trace

GPUS, EXTRA = 8, 1  # of the paper's experiment: one more slot a GPU for Dup
PEAK_FLOPS, HBM_BYTES_PER_S = 989e12, 3.35e12  # H100 SXM5 data sheet: dense BF16, HBM3
# Speed-ups over Default by batch: (Worst, Best, Remap, Dup); labels of figure 17.
PRINTED = {
    4096: (0.80, 1.33, 1.25, 1.22),
    8192: (0.56, 1.20, 1.14, 1.04),
    16384: (0.51, 1.25, 1.11, 1.04),
    24576: (0.57, 1.28, 1.12, 1.20),
}
KINDS = ("worst", "best", "remap", "dup")


@dataclass(frozen=True)
class Gpu:
    """Rates of one GPU."""

    flops: float = PEAK_FLOPS
    bytes_per_s: float = HBM_BYTES_PER_S


def expert_times(model: Any, tokens: np.ndarray, gpu: Gpu = Gpu()) -> np.ndarray:
    """Seconds of the GEMMs of experts over `tokens` (any shape); 0 for none."""
    limits = np.array([most if most is not None else np.iinfo(np.int64).max for most, _ in model.utilisation])
    shares = np.array([float(share) for _, share in model.utilisation])
    share = shares[np.searchsorted(limits, tokens)]
    flop = 6.0 * model.hidden * model.intermediate * tokens
    read = model.expert_bytes / (gpu.bytes_per_s * float(model.hbm_efficiency))
    return np.where(tokens > 0, np.maximum(flop / (gpu.flops * share), read), 0.0)


def token_times(model: Any, tokens: np.ndarray, gpu: Gpu = Gpu()) -> np.ndarray:
    """As `expert_times` where weights are read for nothing and each token costs alike, at half the peak."""
    return 12.0 * model.hidden * model.intermediate * np.asarray(tokens, float) / gpu.flops


COSTS: dict[str, Callable[..., np.ndarray]] = {"roofline": expert_times, "tokens": token_times}


def contiguous(experts: int, gpus: int = GPUS) -> np.ndarray:
    """The GPU of each expert: neighbours together."""
    return np.arange(experts) * gpus // experts


def remap(cost: np.ndarray, gpus: int = GPUS) -> np.ndarray:
    """The GPU of each expert: by falling cost, each to the least loaded GPU that still has room."""
    room, load = np.full(gpus, len(cost) // gpus), np.zeros(gpus)
    home = np.empty(len(cost), np.int64)
    for expert in np.argsort(-cost, kind="stable").tolist():
        gpu = int(np.argmin(np.where(room > 0, load, np.inf)))
        home[expert], room[gpu] = gpu, room[gpu] - 1
        load[gpu] += cost[expert]
    return home


def stacked(cost: np.ndarray, gpus: int = GPUS) -> np.ndarray:
    """The GPU of each expert with the busiest together: the worst of equal sizes."""
    home = np.empty(len(cost), np.int64)
    home[np.argsort(-cost, kind="stable")] = contiguous(len(cost), gpus)
    return home


def duplicated(cost: np.ndarray, gpus: int = GPUS, extra: int = EXTRA) -> np.ndarray:
    """float [gpus, experts]: share of an expert's tokens that a GPU computes, `extra` copies more a GPU.

    From the contiguous placement, gpus x extra times the copy of the (expert, GPU) that lowers the busiest GPU's load
    most; tokens of an expert are split evenly over its copies."""
    has = np.zeros((gpus, len(cost)), bool)
    has[contiguous(len(cost), gpus), np.arange(len(cost))] = True
    room = np.full(gpus, extra)
    for _ in range(gpus * extra):
        copies = has.sum(axis=0)
        load = (has * (cost / copies)).sum(axis=1)
        best = None
        busiest = int(np.argmax(load))
        for expert in np.flatnonzero(has[busiest]).tolist():
            saved = np.where(has[:, expert], cost[expert] / copies[expert] - cost[expert] / (copies[expert] + 1), 0)
            for gpu in np.flatnonzero((room > 0) & ~has[:, expert]).tolist():
                after = load - saved
                after[gpu] += cost[expert] / (copies[expert] + 1)
                peak = float(after.max())
                if best is None or peak < best[0]:
                    best = (peak, expert, gpu)
        if best is None:
            break
        has[best[2], best[1]] = True
        room[best[2]] -= 1
    return has / has.sum(axis=0)


def layer_time(model: Any, tokens: np.ndarray, shares: np.ndarray, cost: str = "roofline") -> float:
    """Seconds of one layer: the busiest GPU's. tokens [experts]; shares [gpus, experts]; cost: of COSTS."""
    return float(COSTS[cost](model, np.rint(shares * tokens)).sum(axis=1).max())


def shares_of(home: np.ndarray, gpus: int = GPUS) -> np.ndarray:
    """float [gpus, experts] of a placement without copies."""
    return (np.arange(gpus)[:, None] == home).astype(float)


def speedups(model: Any, forecast: np.ndarray, steps: np.ndarray, cost: str = "roofline") -> dict[str, float]:
    """Speed-up over contiguous homes of each of KINDS. forecast [layers, experts], loads that Remap and Dup are made
    from; steps [steps, layers, experts], tokens that are timed; cost: of COSTS."""
    total = dict.fromkeys(("default", *KINDS), 0.0)
    time = COSTS[cost]
    for layer, loads in enumerate(forecast):
        seen = time(model, loads * (steps[:, layer].sum() / len(steps) / max(1, loads.sum())))
        known = time(model, steps[:, layer].mean(axis=0))
        plans = {
            "default": shares_of(contiguous(model.experts)),
            "worst": shares_of(stacked(known)),
            "best": shares_of(remap(known)),
            "remap": shares_of(remap(seen)),
            "dup": duplicated(seen),
        }
        for tokens in steps[:, layer]:
            for kind, shares in plans.items():
                total[kind] += layer_time(model, tokens, shares, cost)
    return {kind: total["default"] / total[kind] for kind in KINDS}


def forecast_of(prompt: np.ndarray, steps: np.ndarray, known: str) -> tuple[np.ndarray, np.ndarray]:
    """(loads to place by, steps to time). known: "prompts", all steps being timed; "answers": the first half of the
    steps foretells the second."""
    if known == "prompts":
        return prompt, steps
    half = len(steps) // 2
    return steps[:half].sum(axis=0), steps[half:]


def loads_of(trace: Trace | InTurn, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """(prompt loads [layers, experts], loads of the first answer steps [steps, layers, experts]) of a trace."""
    found = np.zeros((steps + 1, len(trace.layers), trace.experts), np.int64)
    for step in trace.steps_iter(0, steps + 1):
        for index in range(len(trace.layers)):
            found[step.step, index] = tally(step[index], trace.experts)[0]
    return found[0], found[1:]
