"""Seeded traces for any model by a law (chipweave/trace/law.py): popularity, phases, requests, topics, memory.

    layer popularity --(Dirichlet)--> a request's own --\
                     --(Dirichlet)--> topics of a layer --> fresh draws of a token; the rest it keeps from the
                     token before

A topic is drawn once for each token and holds in all its layers: that ties a token's layers, and its experts within a
layer, together beyond what popularity does. Draws without replacement, groups and mixtures flatten popularity, so
weights are corrected on a sample (`calibrated`) until the sample shows the loads the law asks for, and the token
overlap likewise.

Draws are csrc/policies/draw.c. The first n requests do not depend on how many are made.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from chipweave.trace import popularity
from chipweave.trace.draw import Drawer

BLOCK_REQUESTS = 64  # prepared together; part of the definition of a trace
ONE = 1 << 28  # a table's weights sum to about this
SAMPLE = 512, 16, 24  # requests, prompt and answer tokens on which weights are corrected
ROUNDS = 5
MOST_PROMPT = 8  # times the mean


@dataclass(frozen=True)
class Gate:
    """What of a model draws need: layers (how many), experts, top_k, groups, groups_used."""

    layers: int
    experts: int
    top_k: int
    groups: int
    groups_used: int

    @classmethod
    def of(cls, model: Any) -> Gate:
        """The gate of a chipweave.models.Model; groups that do not divide the experts are left out."""
        groups = model.groups if model.experts % model.groups == 0 and model.groups_used < model.groups else 1
        return cls(len(model.moe_layers), model.experts, model.top_k, groups, min(model.groups_used, groups))


class Population:
    """Requests of one task in one language: weights [2, layers, experts], groups' weights, topics, keep [layers]."""

    def __init__(
        self, law: Any, gate: Gate, loads: np.ndarray, topic_marks: np.ndarray, calibrate: bool = True
    ) -> None:
        self.law, self.gate, self.loads = law, gate, loads
        share = loads / loads.sum(axis=2, keepdims=True)
        wanted = np.minimum(gate.top_k * share, 0.97)
        self.weights = -np.log1p(-wanted)
        of_groups = _grouped(share, gate.groups)
        self.group_weights = -np.log1p(-np.minimum(gate.groups_used * of_groups, 0.97))
        self.marks = topic_marks
        self.keep = np.clip(kept_profile(law, gate.layers), 0, 0.98)
        self.drawer = self.make_drawer()
        if calibrate:
            self.calibrate(share)

    def make_drawer(self) -> Drawer:
        """The Drawer of the present weights."""
        topics = self.marks[None] * (self.weights / self.weights.sum(axis=2, keepdims=True))[:, :, None, :]
        topics /= topics.sum(axis=3, keepdims=True)
        base = _grouped(self.weights / self.weights.sum(axis=2, keepdims=True), self.gate.groups)
        tilt = _grouped(topics, self.gate.groups) / base[:, :, None, :]
        groups = self.group_weights[:, :, None, :] * tilt
        groups /= groups.sum(axis=3, keepdims=True)
        gate = self.gate
        return Drawer(
            gate.experts,
            gate.top_k,
            gate.groups,
            gate.groups_used,
            self.keep,
            self.law.topic_share,
            _whole(topics),
            _whole(groups),
        )

    def own(self, random: Any, count: int) -> tuple[np.ndarray, np.ndarray]:
        """(uint32 [count, 2, layers, experts], [count, 2, layers, groups]).

        Requests' own weights, and their groups'.
        """
        gate = self.gate
        base = self.weights / self.weights.sum(axis=2, keepdims=True)
        alpha = np.maximum(self.law.request_concentration * base[1], 1e-3)
        bias = random.standard_gamma(alpha, (count, gate.layers, gate.experts)) / alpha
        weights = base[None] * bias[:, None]
        weights /= np.maximum(weights.sum(axis=3, keepdims=True), 1e-300)
        if gate.groups == 1:
            return _whole(weights), np.ones((count, 2, gate.layers, 1), np.uint32)
        groups = self.group_weights[None] * _grouped(weights, gate.groups) / _grouped(base, gate.groups)[None]
        groups /= groups.sum(axis=3, keepdims=True)
        return _whole(weights), _whole(groups)

    def topics(self, random: Any, count: int, tokens: int) -> np.ndarray:
        """uint8 [count, tokens]: the topic of each token."""
        law = self.law
        if not law.topics:
            return np.zeros((count, tokens), np.uint8)
        mixture = random.dirichlet(np.full(law.topics, law.topics_of_a_request / law.topics), count)
        bounds = np.cumsum(mixture, axis=1)
        fresh = (random.random((count, tokens))[:, :, None] > bounds[:, None, :-1]).sum(axis=2)
        stays = random.random((count, tokens)) < law.topic_stays
        stays[:, 0] = False
        begun = np.maximum.accumulate(np.where(stays, 0, np.arange(tokens)), axis=1)
        return np.take_along_axis(fresh, begun, 1).astype(np.uint8)

    def sample(self, seed: int) -> np.ndarray:
        """ids [requests, tokens, layers, top_k] of a few short requests; the same deviates each time."""
        requests, prompt, answer = SAMPLE
        random = np.random.Generator(np.random.PCG64([seed, 2]))
        own, groups = self.own(random, requests)
        topics = self.topics(random, requests, prompt + answer)
        return np.stack([self.drawer.request(own[r], groups[r], topics[r], prompt, r) for r in range(requests)])

    def calibrate(self, share: np.ndarray) -> None:
        """Correct weights and `keep` until a sample has the wanted loads and token overlap."""
        wanted_overlap = kept_profile(self.law, self.gate.layers)
        for round_ in range(ROUNDS):
            drawn = self.sample(round_)
            overlap = overlap_of(drawn[:, SAMPLE[1] :])
            chance = np.clip((overlap - self.keep) / np.maximum(1 - self.keep, 1e-3), 0, 0.98)
            self.keep = np.clip((wanted_overlap - chance) / (1 - chance), 0, 0.98)
            if self.gate.top_k > 1:
                self.correct(drawn, share)
            self.drawer = self.make_drawer()

    def correct(self, drawn: np.ndarray, share: np.ndarray) -> None:
        """One step of the weights towards the wanted shares; experts hardly drawn move little."""
        gate, prompt = self.gate, SAMPLE[1]
        seen = np.stack([_counts(drawn[:, :prompt], gate.experts), _counts(drawn[:, prompt:], gate.experts)]).astype(
            float
        )
        total = seen.sum(axis=2, keepdims=True)
        ratio = (share * total + 8) / (seen + 8)
        if gate.groups > 1:
            of_groups = (_grouped(share, gate.groups) * total + 8) / (_grouped(seen, gate.groups) + 8)
            self.group_weights = self.group_weights * of_groups**0.9
            ratio = ratio / np.repeat(of_groups, gate.experts // gate.groups, axis=2) ** 0.7
        self.weights = self.weights * np.clip(ratio, 0.2, 5) ** 0.9


def requests(
    law: Any,
    gate: Gate,
    count: int,
    decode_steps: int,
    seed: int,
    tasks: int = 1,
    languages: int = 1,
    counts: np.ndarray | None = None,
) -> Iterator[tuple[str, int, np.ndarray]]:
    """Yield (name, prompt rows, ids [tokens, layers, top_k]) of `count` requests.

    They take tasks and languages in turn.

    counts: loads of the answers [layers, experts], measured, in place of the law's own.
    """
    populations = populations_of(law, gate, seed, tasks, languages, counts)
    for first in range(0, count, BLOCK_REQUESTS):
        many = min(BLOCK_REQUESTS, count - first)
        random = np.random.Generator(np.random.PCG64([seed, 1, first]))
        prompts = prompt_lengths(law, random, BLOCK_REQUESTS)
        seeds = random.integers(0, 1 << 63, BLOCK_REQUESTS)
        ready: dict[int, tuple[Iterator[int], np.ndarray, np.ndarray, np.ndarray]] = {}
        for number in range(many):
            which = (first + number) % len(populations)
            name, population = populations[which]
            if which not in ready:
                stream = np.random.Generator(np.random.PCG64([seed, 3, first, which]))
                mine = len(range((which - first) % len(populations), BLOCK_REQUESTS, len(populations)))
                longest = int(prompts.max()) + decode_steps
                ready[which] = (
                    itertools.count(),
                    *population.own(stream, mine),
                    population.topics(stream, mine, longest),
                )
            turn, own, groups, topics = ready[which]
            at = next(turn)
            prompt = int(prompts[number])
            topic = np.ascontiguousarray(topics[at, : prompt + decode_steps])
            ids = population.drawer.request(own[at], groups[at], topic, prompt, int(seeds[number]))
            yield f"{name}{first + number:06d}", prompt, ids


def populations_of(
    law: Any, gate: Gate, seed: int, tasks: int = 1, languages: int = 1, counts: np.ndarray | None = None
) -> list[tuple[str, Population]]:
    """[(prefix of its requests' names, Population)], languages varying fastest; those without counts are kept."""
    if counts is None:
        return _of_law(law, gate, seed, tasks, languages)
    return _made(law, gate, seed, tasks, languages, counts)


@lru_cache(maxsize=8)
def _of_law(law: Any, gate: Gate, seed: int, tasks: int, languages: int) -> list[tuple[str, Population]]:
    """To calibrate populations takes up to seconds, and many traces of a process are of one law."""
    return _made(law, gate, seed, tasks, languages, None)


def _made(
    law: Any, gate: Gate, seed: int, tasks: int, languages: int, counts: np.ndarray | None
) -> list[tuple[str, Population]]:
    """See populations_of."""
    random = np.random.Generator(np.random.PCG64([seed, 0]))
    many = tasks * languages > 1
    common = popularity.deviates(law, gate.layers, gate.experts, gate.groups, random) if many else None
    found: list[tuple[str, Population]] = []
    for task in range(tasks):
        of_task = common
        if common is not None and tasks > 1:
            r = popularity.pearson(law.task_correlation) ** 0.5
            mine = popularity.deviates(law, gate.layers, gate.experts, gate.groups, random)
            of_task = r * common + np.sqrt(1 - r * r) * mine
        for language in range(languages):
            same = law.language_correlation**0.5 if languages > 1 else 1.0
            if counts is not None:
                loads = popularity.of_counts(law, counts, gate.groups, random)
            else:
                loads = popularity.loads(law, gate.layers, gate.experts, gate.groups, random, of_task, same)
            marks = _topic_marks(law, gate, loads, random)
            name = f"task{task}/language{language}/" if many else ""
            found.append((name, Population(law, gate, loads, marks)))
    return found


def _topic_marks(law: Any, gate: Gate, loads: np.ndarray, random: Any) -> np.ndarray:
    """[layers, topics, experts]: how much more a topic wants an expert than the layer does; mean 1 over topics."""
    share = loads[1] / loads[1].sum(axis=1, keepdims=True)
    alpha = np.maximum(law.topic_concentration * share, 1e-3)[:, None, :]
    marks = random.standard_gamma(np.broadcast_to(alpha, (gate.layers, law.topics, gate.experts))) / alpha + 1e-6
    return marks / marks.mean(axis=1, keepdims=True) if law.topics else marks


def prompt_lengths(law: Any, random: Any, count: int) -> np.ndarray:
    """Whole numbers from 2, lognormal."""
    middle = np.log(law.prompt_mean) - law.prompt_sigma**2 / 2
    drawn = np.rint(np.exp(middle + law.prompt_sigma * random.standard_normal(count)))
    return np.clip(drawn, 2, MOST_PROMPT * law.prompt_mean).astype(np.int64)


def kept_profile(law: Any, layers: int) -> np.ndarray:
    """Token overlap wanted in each layer: first, second, a plateau from a tenth of the depth on, a fall at the end."""
    depth = np.array([0, 1, max(2, layers // 10), max(3, layers - layers // 10 - 1), layers - 1])
    return np.interp(
        np.arange(layers), depth, [law.kept_first, law.kept_second, law.kept_middle, law.kept_middle, law.kept_last]
    )


def overlap_of(drawn: np.ndarray) -> np.ndarray:
    """float [layers]: share of a token's experts that the next keeps; drawn [requests, tokens, layers, top_k]."""
    before, after = drawn[:, :-1], drawn[:, 1:]
    kept = sum(
        (after == before[..., slot : slot + 1]).any(axis=-1).mean(axis=(0, 1)) for slot in range(drawn.shape[-1])
    )
    return kept / drawn.shape[-1]


def _counts(drawn: np.ndarray, experts: int) -> np.ndarray:
    """int [layers, experts] of drawn [requests, tokens, layers, top_k]."""
    return np.stack([np.bincount(drawn[:, :, layer].ravel(), minlength=experts) for layer in range(drawn.shape[2])])


def _grouped(array: np.ndarray, groups: int) -> np.ndarray:
    """Sums over groups of neighbours on the last axis."""
    return array.reshape(*array.shape[:-1], groups, array.shape[-1] // groups).sum(axis=-1)


def _whole(shares: np.ndarray) -> np.ndarray:
    """uint32 weights of shares that sum to 1."""
    return np.maximum(np.rint(shares * ONE), 1).astype(np.uint32)
