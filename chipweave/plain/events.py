"""What the plain stage engine keeps of its work: events, the transfers they belong to, the batches these came in."""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.chain.stage import DONE


def repeated(rows: np.ndarray, starts_ps: np.ndarray | None, times: int, counted: int) -> tuple[np.ndarray | None, ...]:
    """The rows, and their starts, of all transfers: each `times` times, operand `counted` one larger each time."""
    rows = rows.repeat(times, axis=0)
    if counted >= 0 and len(rows):
        rows[:, counted] += np.arange(len(rows)) % times
    return rows, None if starts_ps is None else starts_ps.repeat(times)


class Event:
    """One stage of one transfer: the resources it asks for (global numbers) and when, in ps since the barrier."""

    def __init__(
        self,
        number: int,
        transfer: Transfer,
        stage: str | None,
        resources: tuple[int, ...],
        priority: int,
        time: int,
        side: bool,
    ) -> None:
        self.number, self.transfer, self.stage, self.resources = number, transfer, stage, resources
        self.priority, self.time, self.asked, self.side = priority, time, time, side
        self.waiting, self.walk, self.started, self.ended = False, None, None, -1

    def rank(self) -> tuple[int, int, int]:
        """Order in a wait queue. `time` is live: the start overwrites it."""
        return (-self.priority, self.time, self.number)

    def __lt__(self, other: Event) -> bool:
        return self.rank() < other.rank()


class Walk:
    """What the instants of one hold settled."""

    def __init__(self) -> None:
        self.lasts, self.spawn, self.end_marks, self.then = None, [], [], DONE


class Transfer:
    """One row of a batch: its operands by name and the priority, 0 to 7, of its waits."""

    def __init__(self, batch: Batch, index: int, chain: Any, row: list[int]) -> None:
        self.batch, self.index, self.chain = batch, index, chain
        self.operands = dict(zip(chain.operands, row, strict=False))
        self.priority = self.operands[chain.priority] if chain.priority else 0


class Batch:
    """Transfers issued together. finish: int64 [size], ps since the barrier; outstanding: chains not yet ended."""

    def __init__(self, number: int, size: int) -> None:
        self.number, self.outstanding, self.last = number, size, 0
        self.finish = np.zeros(size, np.int64)


def answered(query: Any, of: list[int], tables: dict[Any, Any]) -> int:
    """The answer of a query that needs no Python of the user; `of`: the values of its operands."""
    if query.op in ("equal", "less"):
        return int(of[0] == of[1] if query.op == "equal" else of[0] < of[1])
    if query.op == "operand":
        return of[0]
    if query.op == "modulo":
        return of[0] % query.value
    if query.op == "map_at":
        return query.table.values[of[0]]
    return getattr(tables[query.table], query.op.split("_")[1])(*of)


def check(engine: Any) -> None:
    """Every invariant of a plain stage engine; raises AssertionError."""
    for table in engine.tables.values():
        table.check()
    reserved = sum(engine.busy)
    owners = [r for _, _, e, kind in engine.heap if kind in ("start", "end") for r in e.resources]
    owners += [r for e in engine.messages.values() for r in e.resources]
    assert reserved == len(owners) == len(set(owners)), "a busy resource has exactly one owner"
    assert all(engine.busy[r] for r in owners)
    assert not engine.idle or not engine.waiting
