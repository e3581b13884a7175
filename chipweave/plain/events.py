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
    def __init__(self, batch: Batch, index: int, chain: Any, row: list[int]) -> None:
        self.batch, self.index, self.chain = batch, index, chain
        self.operands = dict(zip(chain.operands, row, strict=False))
        self.priority = self.operands[chain.priority] if chain.priority else 0


class Batch:
    def __init__(self, number: int, size: int) -> None:
        self.number, self.outstanding, self.last = number, size, 0
        self.finish = np.zeros(size, np.int64)
