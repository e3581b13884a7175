"""Watts of a board while a kernel runs over and over: rest, units at work, and an energy for each event.

    rest + busy x share of the time that units work + sum over kinds (energy of an event x events a second)

The limit holds the sum: beyond it the clock goes down until it fits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class Board:
    """Energies of a GPU, or of one die of it: watts, and the energy of an event as in `gpu.package`.

    `of` says whose figures they are.
    """

    power: float
    idle: float
    busy: float
    energy_8: float
    energy_l2: float
    energy_memory: float
    energy_link: float
    of: str

    def share(self, dies: int) -> Board:
        """Of one of `dies` dies: watts are divided, the energy of an event stays."""
        return replace(self, power=self.power / dies, idle=self.idle / dies, busy=self.busy / dies)


def board_of(package: Any, of: str) -> Board | None:
    """The board that a part `gpu.package` states; None where it states no limit, rest or busy power."""
    if None in (package.power, package.idle, package.busy):
        return None
    watts = (float(package.power), float(package.idle), float(package.busy))
    return Board(*watts, package.energy_8, package.energy_l2, package.energy_memory, package.energy_link, of)


def clock_share(board: Any, events: Events) -> float:
    """Share of the clock at which the limit holds: what units and events draw beyond rest falls with the clock, as at
    a fixed voltage (a guess: a lower voltage would leave more)."""
    drawn = sum(parts(board, events).values()) - float(board.idle)
    left = float(board.power) - float(board.idle)
    return 1.0 if drawn <= left else left / drawn


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
