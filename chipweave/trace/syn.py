"""The synthetic sets `deepseek-syn`, `qwen-syn`, `kimi-syn` that the published artifact's oracle rows were measured on.

The law: a (layer, expert) has the log-weight sigma * N(0, 1), a request adds bias * N(0, 1); a token's set is the k
largest of log-weight + stickiness * [expert was in the token before] + Gumbel noise, best first. Drawing top-k of
Gumbel-perturbed log-weights is sampling without replacement in proportion to the weights. The sets are defined by the
SHA-256 of their JSON lines, so every double here must come out as it did there: only uniform doubles of numpy's PCG64
are drawn, and sums are formed in one fixed order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class SynSet:
    """One set: model, layers below which all are dense, layers, experts, seed and the SHA-256 of its JSON lines."""

    model: str
    dense: int
    layers: int
    experts: int
    seed: int
    sha256: str
    top_k: int = 8
    requests: int = 256
    decode_steps: int = 16
    prompt: tuple = (6, 20)
    sigma: float = 0.6
    stickiness: float = 0.6
    bias: float = 0.3


SETS = {
    "deepseek-syn": SynSet(
        "deepseek-v3", 3, 61, 256, 20251005497, "f73a083b21f2a30672559402c2c75332e82a34229c040d6a29437f628c88c0ca"
    ),
    "qwen-syn": SynSet(
        "qwen3-235b", 0, 94, 128, 20251005498, "b671dc7354b4f6cdbc3da9590e5c27416a0bb3d66a876b2b9555fb7b6254ecee"
    ),
    "kimi-syn": SynSet(
        "kimi-k2", 1, 61, 384, 20251005499, "3594495072173f826601d284e5b93f8e73758347b017212a573cd74f4e85916f"
    ),
}


def requests(name: str, count: int | None = None) -> Iterator[tuple[str, int, np.ndarray]]:
    """Yield (name, prompt rows, ids [tokens, layers, top_k]) of the first `count` requests of a set."""
    law = SETS[name]
    random = np.random.Generator(np.random.PCG64(law.seed))
    shape = law.layers - law.dense, law.experts
    weights = law.sigma * normals(random, shape)
    for number in range(law.requests if count is None else count):
        prompt = law.prompt[0] + int(random.random() * (law.prompt[1] - law.prompt[0] + 1))
        base = weights + law.bias * normals(random, shape)
        ids = np.empty((prompt + law.decode_steps, shape[0], law.top_k), np.uint16)
        previous = None
        for token in ids:
            previous = token[...] = _draw(base, previous, law.stickiness, gumbels(random, shape), law.top_k)
        yield f"{name}/{number:05d}.json", prompt, ids


def json_lines(name: str, count: int | None = None) -> Iterator[bytes]:
    """The set as lines of {"path", "trace"} in the format of the public data set, bytes with their newline."""
    law = SETS[name]
    for path, prompt, ids in requests(name, count):
        rows = ids.transpose(1, 0, 2).tolist()
        steps = [slice(0, prompt)] + [slice(t, t + 1) for t in range(prompt, len(ids))]
        null = {str(layer): None for layer in range(law.dense)}
        trace = [{**null, **{str(law.dense + i): of_layer[part] for i, of_layer in enumerate(rows)}} for part in steps]
        yield json.dumps({"path": path, "trace": trace}, separators=(",", ":")).encode() + b"\n"


def normals(random: Any, shape: tuple[int, int]) -> np.ndarray:
    """Normal deviates by Box and Muller from the generator's uniform doubles."""
    count = shape[0] * shape[1]
    half = (count + 1) // 2
    radius = np.sqrt(-2.0 * np.log(1.0 - random.random(half)))
    angle = 2 * np.pi * random.random(half)
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count].reshape(shape)


def gumbels(random: Any, shape: tuple[int, int]) -> np.ndarray:
    """Gumbel deviates, formed in place."""
    noise = random.random(shape)
    np.clip(noise, 1e-300, 1.0 - 1e-16, out=noise)
    for _ in range(2):
        np.log(noise, out=noise)
        np.negative(noise, out=noise)
    return noise


def _draw(
    base: np.ndarray, previous: np.ndarray | None, stickiness: float, noise: np.ndarray, top_k: int
) -> np.ndarray:
    """The top_k best experts of each layer, best first; equal scores in order of their ids."""
    score = noise + base
    if previous is not None:
        held = np.take_along_axis(base, previous, 1) + stickiness + np.take_along_axis(noise, previous, 1)
        np.put_along_axis(score, previous, held, 1)
    np.negative(score, out=score)
    near = np.argpartition(score, top_k, axis=1)[:, : top_k + 1]
    near.sort(axis=1)
    value = np.take_along_axis(score, near, 1)
    order = np.argsort(value, axis=1, kind="stable")
    value = np.take_along_axis(value, order, 1)
    if (value[:, top_k - 1] == value[:, top_k]).any():  # a tie at the cut: argpartition keeps either
        return np.argsort(score, axis=1, kind="stable")[:, :top_k]
    return np.take_along_axis(near, order[:, :top_k], 1)
