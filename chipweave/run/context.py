"""What a run shares with the parts of its system while it goes on, and what it records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from chipweave.component.staged import CopyTable
from chipweave.run.metrics import counted_by
from chipweave.run.placing import Placing
from chipweave.run.record import LayerRecords
from chipweave.run.symptoms import Symptoms


class Run:
    """What a run shares with the parts of its system while it goes on (`Controller.begin`).

    Attributes for parts:
        workload, work, policies: the layers to come, their sizes, a chipweave.policy.strategy.Strategy.
        home: int32 [layers, E], the home die of each expert; placing: chipweave.run.placing.Placing.
        dies: how many there are; workers: the numbers of those that compute; chain: the name of the chain that a
            kernel's transfers follow.
        model, facts: the chipweave.trace.models.Model, what the parts state of themselves.
        done: the process that drives the run; set by the part that does.
        symptoms: chipweave.run.symptoms.Symptoms where copies are kept, else None.
        tokens: what moving tokens took, bytes and ps by name; empty where they are not moved.
    """

    def __init__(
        self, workload: Any, work: Any, policies: Any, placing: Placing, dies: int, model: Any, facts: dict[str, Any]
    ) -> None:
        self.workload, self.work, self.policies, self.placing, self.dies = workload, work, policies, placing, dies
        self.home = placing.placed.home
        self.model, self.facts = model, facts
        self.workers = tuple(die for die, rate in enumerate(facts["compute"]) if rate)
        self.notes: dict[str, Any] = {}
        self.done: Any = None  # a process of SimPy
        self.symptoms: Symptoms | None = None
        self.tokens: dict[str, int] = {}

    def start(self, fabric: Any, layout: Any, groups: list[Any], on_layer: Any, keep_plans: bool) -> None:
        """Tie the run to the fabric that moves its data."""
        self.fabric, self.layout, self.groups = fabric, layout, groups
        self.on_layer, self.keep_plans = on_layer, keep_plans
        self.chain = next(iter(layout.chains))
        self.metrics = counted_by(groups)
        names = [figure.name for figure in self.metrics]
        self.meters, self.records, self.events = Counted(fabric, groups, names), LayerRecords(names), 0
        self.layer_watch = getattr(fabric, "layer_ended", None)  # of a fabric that records where time went
        self.copy_tables = [part for part in groups if isinstance(part, CopyTable)]

    def jobs(self, holders: np.ndarray) -> Iterable[Any]:
        """The layers of all steps; `holders` uint8 [layers, E, D] is read as each job is made."""
        # Weights that move between steps would look like a stale table.
        if self.work.keeps_copies and self.policies.prediction.predicts and not self.placing.every:
            self.symptoms = Symptoms(holders, self.home, self.work.slices)
        return self.workload.jobs(self.home, holders)

    def copies_changed(self) -> np.ndarray:
        """int64 [n, 3]: (die, line, +1 or -1) of the copies stored and dropped since the last call."""
        changes = [table.changes(self.fabric) for table in self.copy_tables]
        found = changes[0] if len(changes) == 1 else np.concatenate([np.empty((0, 3), np.int64), *changes])
        if self.symptoms:
            self.symptoms.changed(found)
        return found

    def layer_done(self, job: Any, plan: Any, begin: int, end: int) -> None:
        """A layer has ended: record it."""
        events = self.fabric.events
        crc = plan.crc32() if self.keep_plans else 0
        if self.symptoms:
            self.symptoms.planned(job.layer_index, plan)
        self.records.add(job.step, job.layer, end - begin, events - self.events, len(plan), crc, self.meters.since())
        self.events = events
        if self.layer_watch:
            self.layer_watch(self, job, begin, end)
        if self.on_layer:
            self.on_layer(replace(job, end_ps=end))

    def statistics(self) -> list[tuple[str, str, str, int]]:
        """[(part, statistic, unit, value)] of every part."""
        rows = []
        for part in (part for group in self.groups for part in group.members):
            part.settle()
        for group in self.groups:
            for name, stat in group.statistics.items():
                counter = group.counters.get(name)
                counted = self.fabric.array(counter) if counter is not None else None
                for part in group.members:
                    value = part.stats[name] if counted is None else counted[part.die]
                    rows.append((part.name, name, stat.unit, int(value)))
        return rows


class Counted:
    """Per-layer deltas of every metric.

    A statistic is counted by the kernel, in one array for all replicas, or by the parts themselves in Python.

    Attributes:
        names: the metrics, in the order of `since`.
        counters: (position in `names`, number of the kernel's counter) of each statistic counted there.
        parts: (position, statistic, replicas) of each counted in Python.
    """

    def __init__(self, fabric: Any, groups: list[Any], names: list[str]) -> None:
        self.fabric, self.names, self.counters, self.parts = fabric, names, [], []
        for group in groups:
            for name, stat in group.statistics.items():
                if stat.metric and name in group.counters:
                    self.counters.append((names.index(stat.metric), group.counters[name].number))
                elif stat.metric:
                    self.parts.append((names.index(stat.metric), name, group.members))
        self.before = [0] * len(names)

    def since(self) -> list[int]:
        """What was counted since the last call, one number for each of `names`."""
        now = [0] * len(self.names)
        totals = self.fabric.totals()
        for figure, number in self.counters:
            now[figure] += totals[number]
        for figure, name, parts in self.parts:
            for part in parts:
                part.settle()
            now[figure] += sum(part.stats[name] for part in parts)
        difference = [new - old for new, old in zip(now, self.before, strict=False)]
        self.before = now
        return difference
