"""The accounts of a run at the level of resources, kept while it goes on: cheap enough to be always on.

Of each layer-step the classes of its critical path; of each resource how long it was held and waited for; of each link
who sent what. The kernel adds up; Python sees a dozen stages of each layer-step and one row for each entry of a plan.
`chipweave why` follows the same path with names (chipweave.run.why.recorded).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.chain.nouns import Take
from chipweave.component.replicas import die_names
from chipweave.run.why.breakdown import Breakdown
from chipweave.run.why.flows import Flows
from chipweave.run.why.recorded import CONTROL, class_of, classes_of
from chipweave.run.why.stretches import ASKED, CHAIN, END, NUMBER, STAGE, START, Stretches
from chipweave.run.why.way import LINKS, WAITING, along, own_ps, split, way_of


class Accounting(Stretches):
    """A fabric that keeps accounts."""

    def __init__(self, fabric: Any, work: Any) -> None:
        """fabric: the run's engine, which records from now on; work: what the run's layers do."""
        super().__init__(fabric)
        self.flows = Flows(fabric)
        self.spans: list[tuple[str, int, int]] = []  # (class, begin, end) since the last layer-step
        self.critical: list[tuple[int, int, str, int]] = []
        self.used = np.zeros((sum(array.count for array in fabric.layout.parts["resources"]), 3), np.int64)
        self.classes: dict[str, str] = {}
        self.causes = {cause: cause for cause in (CONTROL, *LINKS)}  # of resources, by name
        self.routes: dict[tuple[int, ...], tuple[int, int, int]] = {}  # what `way_of` says, once for each
        self.on_way: dict[str, Any] = {}  # network -> message -> where it was, of the stretch in hand
        self.end = 0

    def take(self) -> None:
        """The stretch since the last barrier goes into the accounts."""
        if not self.issued:
            return
        batches = list(self.issued.values())
        lengths, times = [len(rows) for _, rows, *_ in batches], [times for *_, times, _ in batches]
        started = self.fabric.usage(self.used, self.flows.slot_of, self.flows.slots, lengths, times)
        self.flows.add(batches, started)
        self.on_way = self.ways()
        for event in self.fabric.path()[::-1].tolist():
            self.spans += self.spans_of(event)
        self.issued = {}

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
        stage = self.stage(event)
        for take in stage.take:
            if isinstance(take, Take):
                return [(take.resources.name, event[ASKED], event[END])]
        route = stage.message or (stage.take[0] if stage.take else None)
        if route is None:
            return [(CONTROL, event[ASKED], event[END])]
        of = self.operands(event)
        key = event[CHAIN], event[STAGE], of[route.source], of[route.target]
        if key not in self.routes:
            self.routes[key] = way_of(stage, (route.network, route.network.routes(*key[2:])))
        waited = [(WAITING, event[ASKED], event[START])] if event[START] > event[ASKED] else []
        network, way = route.network, self.routes[key]
        crossings = self.on_way.get(network.name, {}).get(event[NUMBER])
        if stage.message and crossings:
            pieces = along(network, crossings, event[START], event[END], own_ps(stage, of, way))
            return waited + [(cause, begin, end) for cause, _, begin, end, _ in pieces]
        return waited + split(stage, of, event[START], event[END], way)

    def kept(self) -> dict[str, np.ndarray]:
        """The accounts so far, after a layer-step, as arrays that `restore` takes."""
        causes = list(dict.fromkeys(cause for *_, cause, _ in self.critical))
        rows = [(step, layer, causes.index(cause), ps) for step, layer, cause, ps in self.critical]
        keys, sizes = self.flows.kept()
        return {
            "used": self.used,
            "end": np.array([self.end]),
            "critical": np.array(rows, np.int64).reshape(len(rows), 4),
            "causes": np.array(causes, np.str_),
            "flow_keys": keys,
            "flow_bytes": sizes,
        }

    def restore(self, kept: dict[str, np.ndarray]) -> None:
        """Go on from what `kept` gave."""
        causes = kept["causes"].tolist()
        self.used[:], self.end = kept["used"], int(kept["end"][0])
        self.critical = [(step, layer, causes[cause], ps) for step, layer, cause, ps in kept["critical"].tolist()]
        self.flows.restore(kept["flow_keys"], kept["flow_bytes"])

    def breakdown(self, run: Any) -> Breakdown:
        """The accounts of a run that has ended."""
        run_ps = max(self.end, self.fabric.now_ps)
        parts, at = [], 0
        for array in self.fabric.layout.parts["resources"]:
            cause = class_of(array.name, self.classes)
            for unit, (served, busy, waited) in enumerate(self.used[at : at + array.count].tolist()):
                parts.append((array.label(unit), cause, served, busy, run_ps - busy, waited))
            at += array.count
        return Breakdown(run_ps, self.critical, parts, self.flows.largest(die_names(run.groups)))
