"""How popular each expert of each layer is in prompts and in answers, drawn by a law.

A layer's log-popularity is a normal deviate per expert, part of which its whole group shares; prompts and answers have
correlated deviates. The law's family turns deviates into loads: exp(sigma z), or the Weibull quantile of Phi(z); its
shape varies from layer to layer. Means are 1, so that a load reads "times the mean".
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np

PHASES = 2  # prompt, answer
_PHI = np.vectorize(NormalDist().cdf, otypes=[float])
_INVERSE = np.vectorize(NormalDist().inv_cdf, otypes=[float])


def loads(
    law: Any,
    layers: int,
    experts: int,
    groups: int,
    random: Any,
    common: np.ndarray | None = None,
    correlation: float = 1.0,
) -> np.ndarray:
    """float [2, layers, experts]: loads over the mean in prompts and in answers.

    common: deviates [layers, experts] that another task or language shares with this one at a rank correlation.
    """
    z = deviates(law, layers, experts, groups, random)
    if common is not None:
        r = pearson(correlation)
        z = r * common + math.sqrt(1 - r * r) * z
    rho = np.clip(law.phase_correlation + law.phase_spread * random.standard_normal(layers), -0.99, 0.99)
    r = pearson(rho)[:, None]
    prompt = r * z + np.sqrt(1 - r * r) * deviates(law, layers, experts, groups, random)
    shape = [
        _shapes(law.prefill_shape, law.prefill_spread, layers, random),
        _shapes(law.decode_shape, law.decode_spread, layers, random),
    ]
    return np.stack([of_family(law, prompt, shape[0]), of_family(law, z, shape[1])])


def deviates(law: Any, layers: int, experts: int, groups: int, random: Any) -> np.ndarray:
    """Normal deviates [layers, experts] of variance 1, of which groups of neighbours share `group_variance`."""
    own = random.standard_normal((layers, experts))
    shared = np.repeat(random.standard_normal((layers, groups)), experts // groups, axis=1)
    share = law.group_variance if groups > 1 else 0
    return math.sqrt(share) * shared + math.sqrt(1 - share) * own


def pearson(rank_correlation: float | np.ndarray) -> Any:
    """Pearson correlation of two normals whose Spearman correlation this is; in the shape that was given."""
    return 2 * np.sin(np.pi / 6 * np.asarray(rank_correlation, float))


def of_family(law: Any, z: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Loads over the mean for deviates [layers, experts] and shapes [layers]."""
    if law.family == "lognormal":
        load = np.exp(shape[:, None] * z)
    else:
        load = (-np.log1p(-np.clip(_PHI(z), 0, 1 - 1e-12))) ** (1 / shape[:, None])
    load /= load.mean(axis=1, keepdims=True)
    if law.ceiling:
        load /= (1 + (load / law.ceiling) ** 4) ** 0.25
        load /= load.mean(axis=1, keepdims=True)
    return np.maximum(load, 1e-4)


def of_counts(law: Any, counts: np.ndarray, groups: int, random: Any) -> np.ndarray:
    """Loads as `loads` has them where those of answers are counted: [layers, experts].

    Prompts by the phase correlation.

    A prompt's loads are the answer's own values dealt out by deviates that correlate with their ranks.
    """
    layers, experts = counts.shape
    load = np.maximum(counts / counts.mean(axis=1, keepdims=True), 1e-4)
    rank = np.argsort(np.argsort(load, axis=1, kind="stable"), axis=1)
    rho = np.clip(law.phase_correlation + law.phase_spread * random.standard_normal(layers), -0.99, 0.99)
    r = pearson(rho)[:, None]
    z = r * _INVERSE((rank + 0.5) / experts) + np.sqrt(1 - r * r) * deviates(law, layers, experts, groups, random)
    prompt = np.take_along_axis(np.sort(load, axis=1), np.argsort(np.argsort(z, axis=1), axis=1), 1)
    return np.stack([prompt, load])


def _shapes(median: Any, spread: Any, layers: Any, random: Any) -> Any:
    return np.maximum(median + spread * random.standard_normal(layers), 0.25 * median)
