"""Joules of one step on a server: the events of each work, counted by the same composition that counts its time.

Leaves out  what frameworks' helper kernels move beside operands; idle links; everything outside the boards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chipweave.kernel_models.attention import Attention
from chipweave.kernel_models.board_power import Board, Events, clock_share, parts
from chipweave.kernel_models.expert_exchange import touched
from chipweave.serving.kernels import Kernels
from chipweave.serving.setting import FORMATS
from chipweave.serving.step import Batch, Setup, Step, work_values

EIGHTS = {"bfloat16": 2.0, "nvfp4": 0.5}
"""Type of operands -> energy of an operation over that of one on 8 bits: as their bits (a guess)."""


@dataclass(frozen=True)
class Spent:
    """What a work does: seconds, and events as in `Events`; sums and multiples are those of each."""

    seconds: float = 0.0
    working: float = 0.0
    eights: float = 0.0
    moved: float = 0.0
    memory: float = 0.0
    links: float = 0.0

    def __add__(self, other: Spent | float) -> Spent:
        if not isinstance(other, Spent):
            return replace(self, seconds=self.seconds + other)
        return Spent(*(a + b for a, b in zip(self.values, other.values, strict=True)))

    __radd__ = __add__

    def __mul__(self, times: float) -> Spent:
        return Spent(*(value * times for value in self.values))

    __rmul__ = __mul__

    @property
    def values(self) -> tuple[float, ...]:
        """All six, in order."""
        return self.seconds, self.working, self.eights, self.moved, self.memory, self.links

    @property
    def events(self) -> Events:
        """For the models of boards."""
        return Events(*self.values)


class Metered:
    """The kernels of a setup, answering with `Spent`: their seconds, and events by the shapes of the calls."""

    composed = None

    def __init__(self, kernels: Kernels) -> None:
        self.kernels, self.server, self.figures = kernels, kernels.server, kernels.figures
        self.framework, self.absorbs, self.fuses_shared = kernels.framework, kernels.absorbs, kernels.fuses_shared

    def small(self, size: float) -> Spent:
        """A kernel that moves `size` bytes, from memory where L2 does not hold half of them."""
        seconds = self.kernels.small(size)
        return Spent(seconds, seconds, 0.0, size, self._from_memory(size))

    def linear(self, m: int, n: int, k: int, form: str) -> Spent:
        """A linear layer: weights from memory, activations through L2."""
        seconds, (dtype, width) = self.kernels.linear(m, n, k, form), FORMATS[form]
        activations = 2.0 * m * (n + k)
        work = EIGHTS.get(dtype, 1.0) * 2.0 * m * n * k
        moved = width * n * k + activations
        return Spent(seconds, seconds, work, moved, width * n * k + self._from_memory(activations))

    def attention(self, call: Attention, form: str, kv: str) -> Spent:
        """One attention call: its cache from memory."""
        seconds = self.kernels.attention(call, form, kv)
        pairs = call.context if call.phase == "decode" else call.queries * (call.context - (call.queries - 1) / 2)
        work = EIGHTS["bfloat16"] * 2.0 * call.batch * call.heads * pairs * (call.qk + call.v)
        cache = float(call.kv_bytes_all)
        return Spent(seconds, seconds, work, cache + call.query_bytes, cache + self._from_memory(call.query_bytes))

    def moe(self, *call: Any) -> Spent:
        """Routed experts of the busiest rank: the weights of those that have tokens, from memory."""
        tokens, top_k, hidden, columns, experts, ranks, form, _, _, shared = call
        seconds, (dtype, width) = self.kernels.moe(*call), FORMATS[form]
        draws = self.kernels.draws(tokens, top_k, experts, ranks)
        rows = float(np.mean([counts.sum() for counts in draws])) + tokens * shared
        used = float(np.mean([np.count_nonzero(counts) for counts in draws])) + shared
        weights = 3.0 * hidden * columns
        work = EIGHTS.get(dtype, 1.0) * 2.0 * rows * weights
        activations = 2.0 * rows * (2 * hidden + 3 * columns)
        moved = used * weights * width + activations
        return Spent(seconds, seconds, work, moved, used * weights * width + self._from_memory(activations))

    def all_reduce(self, size: int, ranks: int) -> Spent:
        """Twice (ranks - 1) / ranks of the bytes over a GPU's links."""
        links = 2.0 * (ranks - 1) / ranks * size
        return Spent(self.kernels.all_reduce(size, ranks), 0.0, 0.0, 3.0 * links, 0.0, links)

    def exchange(self, phase: str, tokens: int, top_k: int, hidden: int, ranks: int, experts: int) -> Spent:
        """A copy of each token to each rank that has an expert of it; eight bits there, sixteen back."""
        seconds = self.kernels.exchange(phase, tokens, top_k, hidden, ranks, experts)
        width = 1.0 if phase == "dispatch" else 2.0
        links = tokens * touched(ranks, top_k, own=False) * hidden * width if ranks > 1 else 0.0
        return Spent(seconds, 0.0, 0.0, 2.0 * links, 0.0, links)

    def _from_memory(self, size: float) -> float:
        return size if size > self.server.chip.l2_bytes / 2 else 0.0


def of_works(setup: Setup, batch: Batch) -> Iterator[tuple[int, str, str, Spent]]:
    """(times, kind, name, Spent) of the works of one GPU in a step; the host's time spends nothing but rest."""
    metered: Any = Metered(setup.kernels)
    for count, works in work_values(replace(setup, kernels=metered), batch):
        for kind, name, spent in works:
            yield count, kind, name, spent if isinstance(spent, Spent) else Spent(seconds=spent)


def document(setup: Setup, batch: Batch, step: Step, board: Board, inherited: bool) -> dict[str, Any]:
    """Joules of a step of all GPUs by part of the board and by kind of work, joules a token, watts of a GPU over time,
    and the step under the limit.

    A work that runs beside another spends its events in its own time; rest is counted over the time of the step.
    """
    seconds, gpus = step.ns * 1e-9, setup.layout.gpus
    of_part: dict[str, float] = {"rest": board.idle * seconds}
    of_kind: dict[str, float] = {}
    slower, shares = 0.0, {}
    for count, kind, name, spent in of_works(setup, batch):
        if not spent.seconds:
            continue
        found = {part: watts * spent.seconds for part, watts in parts(board, spent.events).items() if part != "rest"}
        for part, joules in found.items():
            of_part[part] = of_part.get(part, 0.0) + count * joules
        of_kind[kind] = of_kind.get(kind, 0.0) + count * sum(found.values())
        share = clock_share(board, spent.events)
        slower += count * spent.seconds * (1.0 / share - 1.0)
        shares[name] = sum(found.values()) / spent.seconds
    total, tokens = gpus * sum(of_part.values()), batch.decode + batch.prompts * batch.new
    return {
        "figures": board.of,
        "inherited": inherited,
        "joules": total,
        "joules_per_token": total / tokens if tokens else None,
        "watts_per_gpu": total / gpus / seconds if seconds else board.idle,
        "by_part": {part: gpus * joules for part, joules in of_part.items()},
        "by_kind": {kind: gpus * joules for kind, joules in sorted(of_kind.items(), key=lambda t: -t[1])},
        "limit_watts": board.power,
        "time_under_limit_ns": step.ns + round(slower * 1e9),
        "watts_over_time": [
            {"start_ns": p.start, "end_ns": p.end, "watts": min(board.power, board.idle + shares.get(p.work.name, 0.0))}
            for p in step.parts
        ],
    }
