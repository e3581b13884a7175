"""A kernel on its way: what the command processors hand one another, and what the fabric is given in the end.

    global CP --SubKernel--> local CP --SubKernel--> SM cluster --start--> Kernel --transfers--> fabric
    global CP <---Report---  local CP <---Report---  SM cluster <---------------------- completion

Messages are for one die, or for many at once (chipweave.component.broadcast).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np


class Kernel:
    """One kernel over many dies. Dies that start at the same instant issue their transfers together, in plan order.

    operands  int64 [rows, operands]; column 0 is the executing die
    dies      how many dies have a part in it
    times, counted  transfers of each row, see Simulation.transfers
    mask      uint8 [dies, experts] of prediction bits for the PDUs, or None
    """

    def __init__(
        self,
        simulation: Any,
        chain: str,
        operands: np.ndarray,
        dies: int,
        mask: np.ndarray | None = None,
        times: int = 1,
        counted: str | None = None,
    ) -> None:
        self.simulation, self.chain, self.operands, self.mask = simulation, chain, operands, mask
        self.times, self.counted = times, counted
        self.waiting, self.running = dies, 0
        self.started: list[int] = []
        self.begin: int | None = None
        self.end: int | None = None
        self.listeners: list[tuple[Callable[[Kernel, Sequence[int]], None], Sequence[int]]] = []

    def start(self, dies: Sequence[int], ended: Callable[[Kernel, Sequence[int]], None]) -> None:
        """The dies numbered `dies` start their parts now; `ended(kernel, dies)` is called when the whole kernel has
        ended."""
        self.listeners.append((ended, dies))
        first = not self.started
        self.waiting -= len(dies)
        self.started += dies
        if not self.waiting:
            self.issue()
        elif first:
            self.simulation.call_at(self.simulation.now, self.issue)

    def issue(self) -> None:
        """Give the fabric the transfers of the dies that started at this instant."""
        if not self.started:
            return
        whole = not self.waiting and self.begin is None
        rows = self.operands if whole else self.operands[np.isin(self.operands[:, 0], self.started)]
        self.started = []
        if self.begin is None:
            self.begin = self.simulation.now
        self.running += 1
        if len(rows):
            self.simulation.transfers(self.chain, rows, self.times, self.counted).callbacks.append(self._ended)
        else:
            self._ended(None)

    def _ended(self, _: Any) -> None:
        self.running -= 1
        if not self.running and not self.waiting:
            self.end = self.simulation.now
            for ended, dies in self.listeners:
                ended(self, dies)


class SubKernel(NamedTuple):
    """The parts of a kernel that some dies compute."""

    kernel: Kernel
    dies: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """Carried on the wire's latency alone: the size of a plan entry is not published."""
        return 0

    @property
    def die(self) -> int:
        """The die of a message for one."""
        return self.dies[0]

    def of(self, dies: tuple[int, ...]) -> SubKernel:
        """The message for some of the dies."""
        return self if dies == self.dies else SubKernel(self.kernel, dies)

    def prediction(self) -> np.ndarray | None:
        """uint8 [experts] for the PDU of this one die, or None where nothing is predicted."""
        return None if self.kernel.mask is None else self.kernel.mask[self.die]


class Report(NamedTuple):
    """A kernel has ended, say some of the dies that had a part in it.

    Dies report when the whole kernel has ended: one whose own part ends early waits for the others.
    """

    kernel: Kernel
    dies: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """As of a `SubKernel`."""
        return 0

    @property
    def die(self) -> int:
        """The die of a report of one."""
        return self.dies[0]

    def of(self, dies: tuple[int, ...]) -> Report:
        """The report of some of the dies."""
        return self if dies == self.dies else Report(self.kernel, dies)
