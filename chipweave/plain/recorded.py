"""What the plain engine keeps of the stages that have started, in the rows of `chipweave.fabric.Engine.recorded`."""

from __future__ import annotations

from typing import Any

import numpy as np

COLUMNS = 9
NUMBER, BATCH, TRANSFER, SIDE, ASKED, END = 0, 1, 2, 5, 6, 8


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


def path(engine: Any) -> np.ndarray:
    """int64 [n, 9]: from the stage that ended last back, each time to the stage whose end created it."""
    found = last(engine).tolist()
    while found:
        now = found[-1]
        own = rows(engine, now[BATCH], now[TRANSFER], now[ASKED]).tolist()
        able = [each for each in own if each[NUMBER] < now[NUMBER]]
        if not able:
            break
        found.append(max(able, key=lambda each: (each[SIDE] == now[SIDE], each[NUMBER])))
    return table(found)


def usage(
    engine: Any, used: np.ndarray, slot_of: np.ndarray, slots: int, rows: list[int], times: list[int]
) -> np.ndarray:
    """See `chipweave.fabric.Engine.usage`."""
    started = np.zeros((sum(rows), slots), np.int64)
    places = [(chain, stage) for chain in engine.layout.chains.values() for stage in chain.stages]
    first = len(engine.batches) - len(rows)
    for event in engine.kept or ():
        for k, resource in enumerate(event.resources):
            if resource < len(used):
                held = event.ended - event.started if event.ended >= 0 else 0
                used[resource] += (1, held, 0 if k else event.started - event.asked)
        slot = slot_of[places.index((event.transfer.chain, event.stage))]
        if slot >= 0:
            batch = event.transfer.batch.number - first
            started[sum(rows[:batch]) + event.transfer.index // times[batch], slot] += 1
    return started


def table(found: list[tuple[int, ...]]) -> np.ndarray:
    """Rows as an array, which has its columns even where it is empty."""
    return np.array(found, np.int64).reshape(len(found), COLUMNS)
