"""The critical path of each layer-step: the transfer that ends last, followed back through its stages to its issue.

Every instant of a layer-step has one place, one class and one reason. While the last transfer waits, the place is what
it waits for; while it is served, what serves it; before its issue and after its end it is the command processors.
A send's time is split into the bytes over the slowest link of its route (serialisation), the latencies of the links,
and all else (waiting: other messages, and under `flit` the routers' pipelines), under `flit` link by link
(chipweave.run.why.way).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from chipweave.chain.nouns import Take
from chipweave.component.staged import Staged
from chipweave.run.why.stretches import (
    ASKED,
    BATCH,
    CHAIN,
    END,
    NUMBER,
    SIDE,
    START,
    TRANSFER,
    Batch,
    Stretches,
    is_control,
)
from chipweave.run.why.way import SERIALISATION, WAITING, Crossings, along, own_ps, split, way_of

CONTROL = "command processors"


@dataclass(frozen=True)
class Span:
    """One interval of a critical path; ps on the clock of the run.

    link: (network, links of the route) where the place is one; role: the operand that picked the place ("die", "home"),
    "" where no policy did.
    """

    begin: int
    end: int
    cause: str
    place: str
    reason: str
    behind: str | None = None
    expert: int | None = None
    role: str = ""
    link: tuple | None = None


@dataclass(frozen=True)
class LayerPath:
    """The spans of one layer-step, from `begin` to `end` without a gap."""

    step: int
    layer: int
    begin: int
    end: int
    spans: list[Span]


def classes_of(groups: Any) -> dict[str, str]:
    """Group of parts that work by stages ("die.hbm") -> the class its resources count to (`Component.time_class`)."""
    return {part.group: part.time_class or part.kind for part in groups if isinstance(part, Staged)}


def class_of(resources: str, classes: dict[str, str]) -> str:
    """The class of a resource array, which bears its group's name, perhaps with more behind it."""
    fitting = [group for group in classes if resources == group or resources.startswith(group + ".")]
    return classes[max(fitting, key=len)] if fitting else resources


class Recorded(Stretches):
    """A fabric that follows the critical path of each layer-step.

    Attributes:
        paths: LayerPath of each layer-step; of one transfer of each, where that is wanted and the layer-step has it.
        most: transfers of the layer-step that has most.
    """

    def __init__(self, fabric: Any, work: Any, transfer: int | None = None) -> None:
        """fabric: the run's engine, which keeps its stages from now on; work: what the run's layers do.

        transfer: follow this transfer of each layer-step, in the order of issue, and not the one that ends last.
        """
        super().__init__(fabric)
        self.transfer = transfer
        self.passed = self.most = 0  # transfers of the layer-step in hand before this stretch
        self.life: tuple[int, int] | None = None  # birth and end of the transfer that is followed
        self.on_way: dict[str, dict[int, Crossings]] = {}  # network -> message -> where it was
        self.stage_of: dict[int, list[int]] = {}  # number -> its row, of the stretch in hand
        self.spans: list[Span] = []
        self.paths: list[LayerPath] = []
        self.classes: dict[str, str] | None = None

    def layer_ended(self, run: Any, job: Any, begin: int, end: int) -> None:
        """A layer-step has ended: its path is made of the stretches since the one before."""
        self.take()
        classes = self.classes = self.classes or classes_of(run.groups)
        if self.transfer is not None:
            begin, end = self.life or (begin, begin)
        spans = [replace(s, cause=class_of(s.cause, classes)) if s.role and not s.link else s for s in self.spans]
        if self.transfer is None or self.life:
            self.paths.append(LayerPath(job.step, job.layer, begin, end, filled(spans, begin, end)))
        self.spans, self.life, self.most, self.passed = [], None, max(self.most, self.passed), 0

    def take(self) -> None:
        """Follow the transfer that ended last since the last barrier back to its issue.

        Backwards, since each stage was created by exactly one other: the way back is unique, the
        way forward is not.
        """
        last = self.fabric.recorded_last()
        if not len(last) or not self.issued:
            return
        self.on_way = self.ways()
        if any(self.on_way.values()):
            self.stage_of = {row[NUMBER]: row for row in self.fabric.recorded().tolist()}
        event: list[int] | None = last[0].tolist() if self.transfer is None else self.wanted(self.transfer)
        if event is not None:
            own = self.fabric.recorded(event[BATCH], event[TRANSFER]).tolist()
            found: list[Span] = []
            while event is not None:
                found[:0] = self.spans_of(event)
                event = before(event, own)
            self.spans += found
        self.passed += sum(len(rows) * times for _, (_, rows, times, _) in self.work())
        self.issued = {}

    def wanted(self, number: int) -> list[int] | None:
        """The last stage of a transfer of the layer-step, side chains left out; None where this stretch has it not."""
        number -= self.passed
        for batch, (_, rows, times, _) in self.work():
            if 0 <= number < len(rows) * times:
                own = [row for row in self.fabric.recorded(batch, number).tolist() if not row[SIDE]]
                self.life = min(row[ASKED] for row in own), max(row[END] for row in own)
                return max(own, key=lambda row: (row[END], row[NUMBER]))
            number -= len(rows) * times
        return None

    def work(self) -> list[tuple[int, Batch]]:
        """(number, batch) of what was issued since the last barrier, messages of control left out."""
        return [
            (number, batch) for number, batch in self.issued.items() if not is_control(self.fabric.layout, batch[0])
        ]

    def spans_of(self, event: list[int]) -> list[Span]:
        """The spans of one stage: waited for, then served; their cause is the resources' name, which `layer_ended`
        classes."""
        stage, of = self.stage(event), self.operands(event)
        expert = of.get("expert")
        where = places(stage, of)
        if where is None:
            return [Span(event[ASKED], event[END], CONTROL, stage.name, stage.name, expert=expert)]
        cause, place, role, link = where
        role = "" if self.chains[event[CHAIN]].control else role  # no policy put it there
        waits, serves = (WAITING, SERIALISATION) if link else (cause, cause)
        spans = []
        if event[START] > event[ASKED]:
            behind = self.ahead_of(event, place, link)
            spans.append(Span(event[ASKED], event[START], waits, place, "waiting", behind, expert, role, link))
        if not link:
            return [*spans, Span(event[START], event[END], serves, place, stage.name, None, expert, role)]
        network, way = link[0], way_of(stage, link)
        crossings = self.on_way.get(network.name, {}).get(event[NUMBER])
        if stage.message and crossings:
            for part, why, begin, end, links in along(
                network, crossings, event[START], event[END], own_ps(stage, of, way)
            ):
                ahead = self.ahead_on(event, of, network, links, end) if part == WAITING else None
                port = place if links else network.links[crossings[2][0]].name.partition(" -> ")[0]
                on = (network, links) if links else None
                spans.append(Span(begin, end, part, port, f"{stage.name}: {why}", ahead, expert, role, on))
            return spans
        for part, begin, end in split(stage, of, event[START], event[END], way):
            reason = part.partition(": ")[2]
            spans.append(Span(begin, end, part, place, f"{stage.name}: {reason}", None, expert, role, link))
        return spans

    def ahead_on(self, event: list[int], of: dict[str, int], network: Any, links: tuple, end: int) -> str | None:
        """Whom a message waited for on links of its way, or in its source's queue: the one whose last tail was over the
        first of them latest before it."""
        found, latest = None, -1
        for message, crossings in self.on_way[network.name].items():
            if message == event[NUMBER]:
                continue
            if links:
                over = next((ps for link, ps in crossings[2:] if link == links[0]), -1)
            else:
                over = crossings[1][1]
            if latest < over <= end and (links or self.source_of(message) == self.source_of(event[NUMBER])):
                found, latest = message, over
        return None if found is None else self.words_of(self.stage_of[found])

    def source_of(self, message: int) -> int:
        """The endpoint that sent a message."""
        row = self.stage_of[message]
        return self.operands(row)[self.stage(row).message.source]

    def words_of(self, event: list[int]) -> str:
        """A stage in words: what, of which expert, for which die."""
        of = self.operands(event)
        whose = f"expert {of['expert']}" if "expert" in of else f"transfer {event[TRANSFER]}"
        return f"{self.stage(event).name} of {whose}" + (f" for die {of['die']}" if "die" in of else "")

    def ahead_of(self, event: list[int], place: str, link: Any) -> str | None:
        """Whom a stage waited for: the one that left the same place at the instant it started."""
        for other in self.fabric.recorded(ended_ps=event[START]).tolist():
            if other[NUMBER] == event[NUMBER] or other[BATCH] not in self.issued:
                continue
            where = places(self.stage(other), self.operands(other))
            shared = where and (bool(link and where[3] and set(link[1]) & set(where[3][1])) or where[1] == place)
            if shared:
                return self.words_of(other)
        return None


def before(event: list[int], own: list[list[int]]) -> list[int] | None:
    """The stage of the same transfer whose end created this one; None at the first."""
    able = [e for e in own if e[END] == event[ASKED] and e[NUMBER] < event[NUMBER]]
    return max(able, key=lambda e: (e[SIDE] == event[SIDE], e[NUMBER]), default=None)


def places(stage: Any, of: dict[str, int]) -> tuple | None:
    """(resources or network, place, operand that picks it, (network, links) or None) of a hold or send; None where it
    takes nothing."""
    for take in stage.take:
        if isinstance(take, Take):
            return take.resources.name, take.resources.label(of[take.operand]), take.operand, None
    route = stage.message or (stage.take[0] if stage.take else None)
    if route is None:
        return None
    network, ends = route.network, (of[route.source], of[route.target])
    return (
        network.name,
        f"{network.name}[{ends[0]} -> {ends[1]}]",
        route.source,
        (network, tuple(network.routes(*ends))),
    )


def filled(spans: list[Span], begin: int, end: int) -> list[Span]:
    """Spans in order from `begin` to `end`; what none of them covers is control."""
    found: list[Span] = []
    now = begin
    for span in sorted(spans, key=lambda s: s.begin):
        b, e = max(span.begin, now), min(span.end, end)
        if e <= b:
            continue
        if b > now:
            found.append(control(now, b, not found))
        found.append(replace(span, begin=b, end=e))
        now = e
    if now < end:
        found.append(control(now, end, not found))
    return found


def control(begin: int, end: int, first: bool) -> Span:
    """Time in which no transfer of the path is under way: plans, dispatch, reports."""
    return Span(begin, end, CONTROL, CONTROL, "plan and dispatch" if first else "report and next dispatch")
