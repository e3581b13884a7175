"""The work of a run, layer by layer: what the gate of each MoE layer chose in each step, as policies see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chipweave.policy.tally import tally
from chipweave.policy.view import LayerView, read_only
from chipweave.run.tallies import Tallies
from chipweave.trace.relations import together
from chipweave.trace.widths import predecessors


@dataclass(frozen=True)
class LayerJob:
    """One layer of one step.

    owners: int64 [rows of view.ids], the request each row belongs to; requests: of the trace; replication: like
    requests that each of them stands for; end_ps: when it ended, None until then; moved_ps: what dispatch and combine
    took, of a layer that has ended and moved tokens.
    """

    step: int
    layer: int
    layer_index: int
    view: LayerView
    owners: Any = None
    requests: int = 0
    replication: int = 1
    end_ps: int | None = None
    moved_ps: tuple[int, int] | None = None


class Workload:
    """The requests of a trace, each standing for `replication` like ones; `steps` steps of it (the prefill is step 0).

    Replicated requests are counted once and multiplied: the same counts, and a heat map smaller by one factor in all
    its entries.
    """

    def __init__(
        self,
        trace: Any,
        replication: int,
        steps: int,
        costs: Any,
        distance: np.ndarray,
        drop_unnamed_layers: bool = False,
        by_last_request: bool = False,
        reads_ids: bool = True,
        sees_pairs: bool = False,
    ) -> None:
        """by_last_request: whether step 0 is a prefill is said by the last request alone, as in the published
        simulator.

        drop_unnamed_layers: leave out layers whose id is not below the number of keys in step 1 of the first
        request, as the published simulator does (they vanish from traces that leave dense layers out).

        reads_ids: whether any policy looks at ids; if none does, and counts are known, the trace is not read.

        sees_pairs: whether any looks at experts chosen together."""
        self.trace, self.replication = trace, replication
        self.steps = min(steps, trace.steps)
        self.prefill_steps = int(trace.last_has_prefill if by_last_request else trace.has_prefill)
        self.costs, self.distance, self.reads_ids = costs, distance, reads_ids or sees_pairs
        layers, experts = len(trace.layers), trace.experts
        self.popularity = np.zeros((layers, experts), np.int64)
        self.pairs = np.zeros((layers, experts, experts), np.int64) if sees_pairs else None
        limit = 1 << 30 if trace.layer_keys is None or not drop_unnamed_layers else trace.layer_keys
        self.layers = [(i, layer) for i, layer in enumerate(trace.layers) if layer < limit]

    @property
    def decode_tokens(self) -> Any:
        """Tokens of the decode steps: rows of requests that have not ended, replicas counted."""
        rows = (len(self.trace.row_request(step)) for step in range(self.prefill_steps, self.steps))
        return self.replication * sum(rows)

    def jobs(self, home: np.ndarray, holders: np.ndarray) -> Iterator[LayerJob]:
        """Yield a LayerJob for every layer of every step; `holders` uint8 [layers, E, D] is read as each job is
        made."""
        tallies = Tallies(self.trace, self.replication, self.steps)
        fixed = np.broadcast_to(home, holders.shape[:2]), read_only(holders), read_only(self.distance)
        if tallies.known and not self.reads_ids:
            yield from self._counted(tallies, *fixed)
            return
        before = None
        for step, chosen in enumerate(self.trace.steps_iter(0, self.steps)):
            neighbours = _neighbours(before, chosen, self.trace.requests, self.trace.widths)
            for index, layer in self.layers:
                ids = chosen[index]
                if not len(ids):
                    continue
                if tallies.known:
                    counted = tallies.of(step, index)
                else:
                    counted = tally(ids, self.trace.experts, self.replication)
                    tallies.put(step, index, *counted)
                previous, paired, starts = neighbours(index)
                job = self._job(step, index, layer, counted, *fixed, ids, previous, starts, paired)
                yield replace(job, owners=chosen.owners(index))
                self._count(job)
            before = chosen
        tallies.keep()

    def _counted(self, tallies: Tallies, *fixed: np.ndarray) -> Iterator[LayerJob]:
        """As `jobs`, of counts alone."""
        for step in range(self.steps):
            for index, layer in self.layers:
                job = self._job(step, index, layer, tallies.of(step, index), *fixed)
                yield job
                self._count(job)

    def _count(self, job: LayerJob) -> None:
        """A layer is over: what later steps know of it."""
        self.popularity[job.layer_index] += job.view.counts
        if self.pairs is not None and job.view.ids is not None:
            self.pairs[job.layer_index] += together(job.view.ids, job.view.experts, self.replication)

    def _job(
        self,
        step: int,
        index: int,
        layer: int,
        counted: tuple[np.ndarray, np.ndarray],
        homes: np.ndarray,
        holders: np.ndarray,
        distance: np.ndarray,
        *of_ids: np.ndarray | None,
    ) -> LayerJob:
        """The job of a layer; `of_ids` as the last fields of a LayerView, none where ids are not read."""
        prefill = step < self.prefill_steps
        ids, previous, starts, paired = of_ids or (None,) * 4
        view = LayerView(
            layer,
            step,
            prefill,
            *counted,
            homes[index],
            holders[index],
            distance,
            self.costs,
            ids,
            previous,
            starts,
            paired,
            self.popularity[index],
            None if self.pairs is None else self.pairs[index],
        )
        return LayerJob(step, layer, index, view, None, self.trace.requests, self.replication)


def _neighbours(before: Any, now: Any, requests: int, widths: Any = None) -> Any:
    """index of a layer -> (the ids one token earlier, the rows of `now` they belong to, the prompts' starts), None
    where there are none.

    The pair of the last prompt token and the first answer is never counted.
    """
    if now.step == 0:
        starts = None if now.missing else _prompt_starts(now.row_request, requests)
        return lambda index: (None, None, _prompt_starts(now.owners(index), requests) if starts is None else starts)
    if widths:
        return lambda index: _uneven_pairs(before if now.step > 1 else None, now, index)
    if now.step == 1:
        return lambda index: (None, None, None)
    if before.missing or now.missing:
        return lambda index: _pairs(before, now, index)
    kept = _still_running(before.row_request, now.row_request)
    return lambda index: (before[index][kept], None, None)


def _pairs(before: Any, now: Any, index: int) -> tuple[np.ndarray, np.ndarray, None]:
    """As `_neighbours`, of a layer that requests may leave out in either step."""
    earlier, later = before.owners(index), now.owners(index)
    both = np.intersect1d(earlier, later, assume_unique=True)
    return before[index][np.searchsorted(earlier, both)], np.searchsorted(later, both), None


def _uneven_pairs(before: Any, now: Any, index: Any) -> Any:
    """As `_neighbours` where requests have several rows in a step: their rows follow each other, too."""
    owners = before.owners(index) if before else np.empty(0, np.int64)
    rows, places = predecessors(owners, now.owners(index))
    both = np.concatenate([before[index], now[index]]) if before else now[index]
    return both[places], rows, None


def _still_running(before: np.ndarray, now: np.ndarray) -> slice | np.ndarray:
    """Which rows of the step before belong to requests of this step: a slice where all do (no copy), else positions."""
    return slice(None) if len(before) == len(now) else np.searchsorted(before, now)


def _prompt_starts(row_request: np.ndarray, requests: int) -> np.ndarray:
    """int64 [requests + 1]: where each request's prompt begins among the rows of step 0, and where the last one
    ends."""
    return np.concatenate([[0], np.cumsum(np.bincount(row_request, minlength=requests))]).astype(np.int64)
