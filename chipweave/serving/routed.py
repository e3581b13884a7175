"""Loads of experts and ranks as a routing trace has them: `--balance trace:NAME`, a trace's name or file.

Requests are dealt to the ranks in turn and experts to ranks in blocks, so that each rank sends a share of its own to
each other one: an uneven exchange (all-to-all-v). Decode steps are counted, prompts where there are no others.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from chipweave.errors import BadInput, Fault
from chipweave.io.remembered import by_file
from chipweave.kernel_models.loads import hottest
from chipweave.serving.models import ServingModel
from chipweave.trace.library import open_trace
from chipweave.trace.store import Trace

PREFIX = "trace:"

SAMPLED = 4
"""Layers that are counted, spread evenly over those of the trace; times are their mean."""


MOST_ROWS = 1 << 15
"""Tokens of a sampled layer whose experts are kept, for kernels that send a token once to each place."""


class Routed:
    """Choices of a trace: `counts` int64 [sampled layers, requests, experts]; `chosen`: of each sampled layer (owners
    int64 [rows], ids [rows, top_k]) of up to MOST_ROWS tokens, a choice that is none being `experts`."""

    def __init__(self, trace: Trace) -> None:
        self.name, self.layers = trace.name, len(trace.layers)
        self.experts, self.top_k = trace.experts, trace.top_k
        self.counts, self.chosen = _counted(trace)
        self.reach = lru_cache(maxsize=64)(self._reach)

    def check(self, model: ServingModel) -> None:
        """Refuse a model that routes otherwise, with the numbers."""
        own, wanted = (self.layers, self.experts, self.top_k), (len(model.moe_layers), model.experts, model.top_k)
        if own != wanted:
            routes = "has no experts" if not model.experts else "has {} layers of {} experts, top {}".format(*wanted)
            raise BadInput(
                Fault(
                    "trace {} has {} layers of {} experts, top {}; {} {}".format(self.name, *own, model.name, routes),
                    allowed="a trace of the model's own routing",
                )
            )

    def busiest(self, tokens: int, ranks: int) -> tuple[np.ndarray, ...]:
        """Of each sampled layer, the tokens per expert on the rank that has most."""
        return tuple(hottest(_dealt(layer.sum(axis=0), tokens, self.top_k), ranks) for layer in self.counts)

    def copies(self, tokens: int, ranks: int) -> np.ndarray:
        """[ranks, ranks] copies that a rank's `tokens` tokens send to each rank, of the sampled layer whose busiest
        rank is in the middle. A rank whose requests have no counted steps sends as all together do."""
        found = []
        for layer in self.counts:
            sources = np.stack([layer[rank % len(layer) :: ranks].sum(axis=0) for rank in range(ranks)])
            sources[~sources.any(axis=1)] = layer.sum(axis=0)
            held = sources.reshape(ranks, ranks, -1).sum(axis=2)
            found.append(tokens * self.top_k * held / held.sum(axis=1, keepdims=True))
        return sorted(found, key=lambda copies: float(copies.sum(axis=0).max()))[len(found) // 2]

    def _reach(self, ranks: int, places: int) -> tuple[np.ndarray, ...]:
        """Of each sampled layer, [ranks, places]: share of a rank's tokens that have any of their experts on each of
        `places` equal blocks of experts (ranks or nodes). A rank without tokens sends as all together do."""
        found = []
        for owners, ids in self.chosen:
            there = np.zeros((len(ids), places + 1), bool)
            np.put_along_axis(there, np.minimum(ids // -(-self.experts // places), places), True, axis=1)
            there[:, places] = False
            share = np.broadcast_to(there[:, :places].mean(axis=0), (ranks, places)).copy()
            for rank in np.unique(owners % ranks):
                share[rank] = there[owners % ranks == rank, :places].mean(axis=0)
            found.append(share)
        return tuple(found)


@by_file
def load(source: str) -> Routed:
    """The trace by name or file.

    Raises:
        BadInput: no such trace, or one without choices of a sampled layer.
    """
    return Routed(open_trace(source))


def _counted(trace: Trace) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """`counts` and `chosen` of a Routed."""
    layers = np.unique(np.linspace(0, len(trace.layers) - 1, SAMPLED).round().astype(int))
    counts = np.zeros((len(layers), trace.requests, trace.experts), np.int64)
    kept: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in layers]
    first = 0 if trace.prefill_only else 1
    for step in trace.steps_iter(first):
        for row, index in enumerate(layers):
            ids, of = np.asarray(step[int(index)]), np.asarray(step.owners(int(index)))
            owners = np.broadcast_to(of[:, None], ids.shape)
            there = np.ones(ids.shape, bool) if trace.no_choice is None else ids != trace.no_choice
            np.add.at(counts[row], (owners[there], ids[there]), 1)
            room = MOST_ROWS - sum(len(o) for o, _ in kept[row])
            if room > 0 and len(ids):
                kept[row].append((of[:room], np.where(there, ids, trace.experts)[:room].astype(np.int64)))
    if not counts.sum(axis=(1, 2)).all():
        raise BadInput(Fault(f"trace {trace.name} has no choices in a layer of {[trace.layers[i] for i in layers]}"))
    return counts, [(np.concatenate([o for o, _ in k]), np.concatenate([i for _, i in k])) for k in kept]


def _dealt(chosen: np.ndarray, tokens: int, top_k: int) -> np.ndarray:
    """`tokens` x `top_k` choices in the proportions of `chosen`, whole, no expert with more than `tokens`."""
    exact = chosen / chosen.sum() * tokens * top_k
    whole = np.minimum(np.floor(exact), tokens).astype(np.int64)
    while missing := tokens * top_k - int(whole.sum()):
        able = np.flatnonzero(whole < tokens)
        whole[able[np.argsort(whole[able] - exact[able], kind="stable")][:missing]] += 1
    return whole
