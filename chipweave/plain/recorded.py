"""What the plain engine keeps of the stages that have started, in the rows of `chipweave.fabric.Engine.recorded`."""

from __future__ import annotations

from typing import Any

import numpy as np

COLUMNS = 9
BATCH, TRANSFER, END = 1, 2, 8


def row(engine: Any, event: Any) -> tuple[int, ...]:
    """One stage that has started; absolute ps."""
    of = event.transfer
    chain = list(engine.layout.chains.values()).index(of.chain)
    stage = list(of.chain.stages).index(event.stage)
    times = [t + engine.base if t >= 0 else t for t in (event.asked, event.started, event.ended)]
    return (event.number, of.batch.number, of.index, chain, stage, event.side, *times)


def rows(engine: Any, batch: int, transfer: int, ended_ps: int) -> np.ndarray:
    """int64 [n, 9] in the order of numbers; -1: of any batch, transfer or end."""
    kept = [row(engine, event) for event in sorted(engine.kept or (), key=lambda event: event.number)]
    wanted = [(at, value) for at, value in ((BATCH, batch), (TRANSFER, transfer), (END, ended_ps)) if value >= 0]
    return table([each for each in kept if all(each[at] == value for at, value in wanted)])


def last(engine: Any) -> np.ndarray:
    """int64 [1 or 0, 9]: the first to end last."""
    ended = max(engine.kept or (), key=lambda event: (event.ended, -event.number), default=None)
    return table([] if ended is None else [row(engine, ended)])


def table(found: list[tuple[int, ...]]) -> np.ndarray:
    """Rows as an array, which has its columns even where it is empty."""
    return np.array(found, np.int64).reshape(len(found), COLUMNS)
