"""The critical path of each layer-step: the transfer that ends last, followed back through its stages to its issue.

Every instant of a layer-step has one place, one class and one reason. While the last transfer waits, the place is what
it waits for; while it is served, what serves it; before its issue and after its end it is the command processors.
A send's time is split into the bytes over the slowest link of its route (serialisation), the latencies of the links,
and all else (waiting: other messages, and under `flit` the routers' pipelines).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from chipweave.chain.nouns import PS_PER_SECOND, Take
from chipweave.component.staged import Staged

CONTROL = "command processors"
SERIALISATION, LATENCY, WAITING = "links: serialisation", "links: latency", "links: waiting"
LINKS = (SERIALISATION, LATENCY, WAITING)
NUMBER, BATCH, TRANSFER, CHAIN, STAGE, SIDE, ASKED, START, END = range(9)


@dataclass(frozen=True)
class Span:
    """One interval of a critical path; ps on the clock of the run.

    link: (network, links of the route) where the place is one; role: the operand that picked the place ("die", "home").
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


class Recorded:
    """A fabric that records; stands in for the run's own (`around` of chipweave.run.simulate). `paths`: LayerPaths."""

    def __init__(self, fabric: Any, work: Any) -> None:
        """fabric: the run's engine, which keeps its stages from now on; work: what the run's layers do."""
        self.fabric = fabric
        self.issued: dict[int, tuple[np.ndarray, int, str | None]] = {}
        self.spans: list[Span] = []
        self.paths: list[LayerPath] = []
        self.classes: dict[str, str] | None = None
        fabric.record()
        self.chains = list(fabric.layout.chains.values())

    def __getattr__(self, name: str) -> Any:
        """Everything else is the engine's own."""
        return getattr(self.fabric, name)

    def issue(
        self, chain: Any, rows: np.ndarray, starts_ps: Any = None, times: int = 1, counted: str | None = None
    ) -> int:
        """See `Engine.issue`; what the last stretch between barriers recorded is taken first."""
        if self.fabric.idle:
            self.take()
        batch = self.fabric.issue(chain, rows, starts_ps, times, counted)
        self.issued[batch] = (rows, times, counted)
        return batch

    def layer_ended(self, run: Any, job: Any, begin: int, end: int) -> None:
        """A layer-step has ended: its path is made of the stretches since the one before."""
        self.take()
        classes = self.classes = self.classes or classes_of(run.groups)
        spans = [replace(s, cause=class_of(s.cause, classes)) if s.role and not s.link else s for s in self.spans]
        self.paths.append(LayerPath(job.step, job.layer, begin, end, filled(spans, begin, end)))
        self.spans = []

    def take(self) -> None:
        """Follow the transfer that ended last since the last barrier back to its issue.

        Backwards, since each stage was created by exactly one other: the way back is unique, the
        way forward is not.
        """
        last = self.fabric.recorded_last()
        if not len(last) or not self.issued:
            return
        event = last[0].tolist()
        own = self.fabric.recorded(event[BATCH], event[TRANSFER]).tolist()
        found: list[Span] = []
        while event is not None:
            found[:0] = self.spans_of(event)
            event = before(event, own)
        self.spans += found
        self.issued = {}

    def operands(self, event: list[int]) -> dict[str, int]:
        """Operands of a recorded stage's transfer."""
        rows, times, counted = self.issued[event[BATCH]]
        names = self.chains[event[CHAIN]].operands
        values = dict(zip(names, rows[event[TRANSFER] // times].tolist(), strict=True))
        if counted is not None:
            values[counted] += event[TRANSFER] % times
        return values

    def spans_of(self, event: list[int]) -> list[Span]:
        """The spans of one stage: waited for, then served; their cause is the resources' name, which `layer_ended`
        classes."""
        chain = self.chains[event[CHAIN]]
        stage, of = list(chain.stages.values())[event[STAGE]], self.operands(event)
        expert = of.get("expert")
        where = places(stage, of)
        if where is None:
            return [Span(event[ASKED], event[END], CONTROL, stage.name, stage.name, expert=expert)]
        cause, place, role, link = where
        waits, serves = (WAITING, SERIALISATION) if link else (cause, cause)
        spans = []
        if event[START] > event[ASKED]:
            behind = self.ahead_of(event, place, link)
            spans.append(Span(event[ASKED], event[START], waits, place, "waiting", behind, expert, role, link))
        if not link:
            return [*spans, Span(event[START], event[END], serves, place, stage.name, None, expert, role)]
        for part, begin, end in split(stage, of, event[START], event[END], way_of(stage, link)):
            reason = part.partition(": ")[2]
            spans.append(Span(begin, end, part, place, f"{stage.name}: {reason}", None, expert, role, link))
        return spans

    def ahead_of(self, event: list[int], place: str, link: Any) -> str | None:
        """Whom a stage waited for: the one that left the same place at the instant it started."""
        for other in self.fabric.recorded(ended_ps=event[START]).tolist():
            if other[NUMBER] == event[NUMBER] or other[BATCH] not in self.issued:
                continue
            of = self.operands(other)
            stage = list(self.chains[other[CHAIN]].stages.values())[other[STAGE]]
            where = places(stage, of)
            shared = where and (bool(link and where[3] and set(link[1]) & set(where[3][1])) or where[1] == place)
            if shared:
                whose = f"expert {of['expert']}" if "expert" in of else f"transfer {other[TRANSFER]}"
                return f"{stage.name} of {whose}" + (f" for die {of['die']}" if "die" in of else "")
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


def way_of(stage: Any, link: tuple) -> tuple[int, int, int]:
    """Of the route of a send or of links held: its links' latencies, ps, and numerator and denominator of the ps that a
    byte takes on its slowest link."""
    network, links = link
    ways = [network.links[i] for i in links]
    rate = min((way.bytes_per_s for way in ways), default=None)
    if rate is not None and stage.message:
        rate = rate * stage.message.efficiency
    per_byte = PS_PER_SECOND / Fraction(rate) if rate else Fraction(0)
    return sum(way.latency_ps for way in ways), per_byte.numerator, per_byte.denominator


def split(
    stage: Any, of: dict[str, int], begin: int, end: int, way: tuple[int, int, int]
) -> list[tuple[str, int, int]]:
    """A send's time from start to end as (class, begin, end): waiting, then its bytes, then the latencies of its
    links."""
    latency = min(end - begin, way[0])
    size = stage.message.bytes if stage.message else stage.take[0].bytes
    work = size.constant + sum(factor * of[name] for name, factor in size.terms)
    busy = min(end - begin - latency, -(-work * way[1] // way[2]))
    first, second = end - latency - busy, end - latency
    return [
        (c, b, e)
        for c, b, e in ((WAITING, begin, first), (SERIALISATION, first, second), (LATENCY, second, end))
        if e > b
    ]


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
