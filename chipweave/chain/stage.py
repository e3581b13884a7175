"""One stage of a chain, and what a Python answer may see of a transfer that is in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chipweave.chain.nouns import Count, Mark, Query, RouteTime, Take

DONE = "done"
MAX_OPERANDS = 16
MAX_SPAWN = 4
INSTANT, TIMED = ("choose", "outcome"), ("hold", "send")


@dataclass(frozen=True)
class Question:
    """What a Python answer may see of a transfer at one instant.

    `now_ps` absolute time; `operands` name -> int; `ends_ps` the end of the hold so far as it is known (marks only).
    """

    chain: str
    stage: str
    now_ps: int
    batch: int
    transfer: int
    operands: dict[str, int]


@dataclass(frozen=True)
class Stage:
    name: str
    kind: str  # hold, send, choose, outcome
    take: tuple[Any, ...] = ()
    lasts: Any = None
    query: Query | None = None
    branches: tuple[str, ...] = ()  # stage names, by answer
    marks: tuple[Mark, ...] = ()
    counts: tuple[Count, ...] = ()
    spawn: tuple[str, ...] = ()  # stage names of side chains, created in this order before the successor
    then: str = DONE
    message: RouteTime | None = None  # send only

    def targets(self) -> list[str]:
        return [*self.branches, *self.spawn, *([] if self.branches else [self.then])]


def describe(stage: Stage) -> str:
    """The stage as one line of text: what it takes, asks, marks and counts, and what follows."""
    if stage.query is not None:  # only `choose` asks
        query = stage.query
        what = f"{query.table.name + '.' if query.table else ''}{query.op}({', '.join(query.of)})"
        return f"choose  {stage.name}: {what} -> {' | '.join(stage.branches)}"
    words = [f"{stage.kind:7} {stage.name}"]
    for take in stage.take:
        words.append(
            f"takes {take.resources.name}[{take.operand}]"
            if isinstance(take, Take)
            else f"takes {take.network.name}[{take.source} -> {take.target}]"
        )
    if stage.message:
        words.append(f"through {stage.message.network.name}[{stage.message.source} -> {stage.message.target}]")
    if stage.lasts is not None:
        words.append(f"lasts {type(stage.lasts).__name__}")
    words += [f"marks {m.table.name if m.table else 'Python'}.{m.op} at {m.when}" for m in stage.marks]
    words += [f"counts {c.counter.name}" for c in stage.counts]
    words += [f"spawns {s}" for s in stage.spawn]
    return " ".join(words) + f" -> {stage.then}"
