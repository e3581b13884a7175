"""The accounts of a run at the level of resources, kept while it goes on: cheap enough to be always on.

Of each layer-step the classes of its critical path; of each resource how long it was held and waited for; of each link
who sent what. The kernel adds up; Python sees a dozen stages of each layer-step and one row for each entry of a plan.
`chipweave why` follows the same path with names (chipweave.run.why.recorded).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.chain.nouns import Take
from chipweave.run.why.breakdown import Breakdown
from chipweave.run.why.flows import Flows
from chipweave.run.why.recorded import (
    ASKED,
    BATCH,
    CHAIN,
    CONTROL,
    END,
    NUMBER,
    STAGE,
    START,
    TRANSFER,
    class_of,
    classes_of,
)
from chipweave.run.why.way import LINKS, WAITING, along, own_ps, split, way_of, ways_of


class Accounting:
    """A fabric that keeps accounts; stands in for the run's own (`around` of chipweave.run.simulate)."""

    def __init__(self, fabric: Any, work: Any) -> None:
        """fabric: the run's engine, which records from now on; work: what the run's layers do."""
        self.fabric = fabric
        fabric.record()
        self.chains = list(fabric.layout.chains.values())
        self.stages = [list(chain.stages.values()) for chain in self.chains]
        self.flows = Flows(fabric)
        self.batches: list[tuple[Any, np.ndarray, int, str | None]] = []  # since the last barrier
        self.numbers: dict[int, int] = {}  # batch -> its place among them
        self.spans: list[tuple[str, int, int]] = []  # (class, begin, end) since the last layer-step
        self.critical: list[tuple[int, int, str, int]] = []
        self.used = np.zeros((sum(array.count for array in fabric.layout.parts["resources"]), 3), np.int64)
        self.classes: dict[str, str] = {}
        self.causes = {cause: cause for cause in (CONTROL, *LINKS)}  # of resources, by name
        self.ways: dict[tuple[int, ...], tuple[int, int, int]] = {}
        self.on_way: dict[str, Any] = {}  # network -> message -> where it was, of the stretch in hand
        self.followed = fabric.layout.parts["networks"]
        self.end = 0

    def __getattr__(self, name: str) -> Any:
        """Everything else is the engine's own."""
        return getattr(self.fabric, name)

    def issue(
        self, chain: Any, rows: np.ndarray, starts_ps: Any = None, times: int = 1, counted: str | None = None
    ) -> int:
        """See `Engine.issue`; the accounts of the last stretch between barriers are taken first."""
        if self.fabric.idle:
            self.take()
        batch = self.fabric.issue(chain, rows, starts_ps, times, counted)
        self.numbers[batch] = len(self.batches)
        self.batches.append((chain, rows, times, counted))
        return batch

    def take(self) -> None:
        """The stretch since the last barrier goes into the accounts."""
        if not self.batches:
            return
        lengths, times = [len(rows) for _, rows, *_ in self.batches], [times for *_, times, _ in self.batches]
        started = self.fabric.usage(self.used, self.flows.slot_of, self.flows.slots, lengths, times)
        self.flows.add(self.batches, started)
        self.on_way = {n.name: ways_of(self.fabric.trails(n)) for n in self.followed}
        for event in self.fabric.path()[::-1].tolist():
            self.spans += self.spans_of(event)
        self.batches, self.numbers = [], {}

    def layer_ended(self, run: Any, job: Any, begin: int, end: int) -> None:
        """A layer-step has ended: what its path does not cover is the command processors'."""
        self.take()
        self.flows.layer_ended(job.layer)
        if not self.classes:
            self.classes = classes_of(run.groups)
        sums: dict[str, int] = {CONTROL: end - begin}
        now = begin
        for name, start, stop in self.spans:
            start, stop = max(start, now), min(stop, end)
            if stop > start:
                cause = self.causes.get(name) or self.causes.setdefault(name, class_of(name, self.classes))
                sums[cause] = sums.get(cause, 0) + stop - start
                sums[CONTROL] -= stop - start
                now = stop
        self.critical += [(job.step, job.layer, cause, ps) for cause, ps in sums.items() if ps]
        self.spans, self.end = [], end

    def spans_of(self, event: list[int]) -> list[tuple[str, int, int]]:
        """One stage as (resources or class, begin, end): waited for, then served."""
        stage = self.stages[event[CHAIN]][event[STAGE]]
        for take in stage.take:
            if isinstance(take, Take):
                return [(take.resources.name, event[ASKED], event[END])]
        route = stage.message or (stage.take[0] if stage.take else None)
        if route is None:
            return [(CONTROL, event[ASKED], event[END])]
        of = self.operands(event)
        key = event[CHAIN], event[STAGE], of[route.source], of[route.target]
        if key not in self.ways:
            self.ways[key] = way_of(stage, (route.network, route.network.routes(*key[2:])))
        waited = [(WAITING, event[ASKED], event[START])] if event[START] > event[ASKED] else []
        network, way = route.network, self.ways[key]
        crossings = self.on_way.get(network.name, {}).get(event[NUMBER])
        if stage.message and crossings:
            pieces = along(network, crossings, event[START], event[END], own_ps(stage, of, way))
            return waited + [(cause, begin, end) for cause, _, begin, end, _ in pieces]
        return waited + split(stage, of, event[START], event[END], way)

    def operands(self, event: list[int]) -> dict[str, int]:
        """Operands of a recorded stage's transfer."""
        _, rows, times, counted = self.batches[self.numbers[event[BATCH]]]
        of = dict(zip(self.chains[event[CHAIN]].operands, rows[event[TRANSFER] // times].tolist(), strict=True))
        if counted is not None:
            of[counted] += event[TRANSFER] % times
        return of

    def breakdown(self, run: Any) -> Breakdown:
        """The accounts of a run that has ended."""
        run_ps = max(self.end, self.fabric.now_ps)
        parts, at = [], 0
        for array in self.fabric.layout.parts["resources"]:
            cause = class_of(array.name, self.classes)
            for unit, (served, busy, waited) in enumerate(self.used[at : at + array.count].tolist()):
                parts.append((array.label(unit), cause, served, busy, run_ps - busy, waited))
            at += array.count
        dies = {part.die: part.name.rpartition(".")[0] for part in run.groups[0].members}
        return Breakdown(run_ps, self.critical, parts, self.flows.largest(dies))
