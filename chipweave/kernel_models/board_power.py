"""Watts of a board while a kernel runs over and over: rest, units at work, and an energy for each event.

    rest + busy x share of the time that units work + sum over kinds (energy of an event x events a second)

The limit holds the sum: beyond it the clock goes down until it fits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Events:
    """What one run of a kernel does.

    Attributes:
        seconds: of the run; working: of these, that all units would work.
        eights: operations, each counted as the energy of one on 8-bit operands.
        moved, memory, links: bytes through L2, from or to memory, and to other packages.
    """

    seconds: float
    working: float
    eights: float
    moved: float
    memory: float
    links: float


def parts(board: Any, events: Events) -> dict[str, float]:
    """{part: watts} before the limit; `board`: a `gpu.package` that states rest and busy power."""
    rate = 1.0 / events.seconds
    return {
        "rest": float(board.idle),
        "units": float(board.busy) * max(0.0, events.working) * rate,
        "products": board.energy_8 * events.eights * rate * 1e-15,
        "L2": board.energy_l2 * events.moved * rate * 1e-12,
        "memory": board.energy_memory * events.memory * rate * 1e-12,
        "links": board.energy_link * events.links * rate * 1e-12,
    }


def watts(board: Any, events: Events) -> float:
    """Mean watts of the board, at most its limit."""
    return min(float(board.power), sum(parts(board, events).values()))
