"""A kernel on its way: what the command processors hand one another, and what the fabric is given in the end.

    global CP --SubKernel--> local CP --SubKernel--> SM cluster --start--> Kernel --transfers--> fabric
    global CP <---Report---  local CP <---Report---  SM cluster <---------------------- completion

Messages are for one die, or for many at once (chipweave.component.broadcast). They are plain data: the Kernel itself,
which changes while it runs, stays with the simulation and is found there by its number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from typing_extensions import Self


class Kernel:
    """One kernel over many dies. Dies that start at the same instant issue their transfers together, in plan order.

    number    its key in `simulation.kernels`, from its making until it has ended
    operands  int64 [rows, operands]; column 0 is the executing die
    dies      how many dies have a part in it
    times, counted  transfers of each row, see Simulation.transfers
    before, after  (chain, int64 [rows, operands]) of messages that go before the transfers of all dies and after them:
              a phase begins on all dies when the one before has ended on all
    ended     instants at which the phases ended
    """

    def __init__(
        self,
        simulation: Any,
        chain: str,
        operands: np.ndarray,
        dies: int,
        times: int = 1,
        counted: str | None = None,
        before: tuple[str, np.ndarray] | None = None,
        after: tuple[str, np.ndarray] | None = None,
    ) -> None:
        self.simulation = simulation
        self.number = simulation.add_kernel(self)
        self.phases: list[tuple[str, np.ndarray, int, str | None]] = [(chain, operands, times, counted)]
        self.phases[:0] = [(*before, 1, None)] if before else []
        self.phases += [(*after, 1, None)] if after else []
        self.ended: list[int] = []
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
        operands = self.phases[0][1]
        rows = operands if whole else operands[np.isin(operands[:, 0], self.started)]
        self.started = []
        if self.begin is None:
            self.begin = self.simulation.now
        self.give(rows)

    def give(self, rows: np.ndarray) -> None:
        """Give the fabric transfers of the phase that runs."""
        chain, _, times, counted = self.phases[len(self.ended)]
        self.running += 1
        if len(rows):
            self.simulation.transfers(chain, rows, times, counted).callbacks.append(self._ended)
        else:
            self._ended(None)

    def _ended(self, _: Any) -> None:
        """Some of its transfers have ended; with the last of all dies the kernel has, and listeners are called."""
        self.running -= 1
        if self.running or self.waiting:
            return
        self.ended.append(self.simulation.now)
        if len(self.ended) < len(self.phases):
            self.give(self.phases[len(self.ended)][1])
            return
        self.end = self.simulation.now
        del self.simulation.kernels[self.number]
        for ended, dies in self.listeners:
            ended(self, dies)


@dataclass(frozen=True)
class ForDies:
    """A message of a kernel for some dies, or from them: plain data, which names the kernel and does not hold it.

    kernel: its number, the key of `Simulation.kernels`; dies: their numbers, ascending.
    each: bytes for each of the dies; 0: carried on the latency of its way alone.
    """

    kernel: int
    dies: tuple[int, ...]
    each: int = field(default=0, kw_only=True)

    @property
    def bytes(self) -> int:
        """Bytes of the message."""
        return self.each * len(self.dies)

    @property
    def die(self) -> int:
        """The die of a message for one."""
        return self.dies[0]

    def of(self, dies: tuple[int, ...]) -> Self:
        """The message for some of the dies."""
        return self if dies == self.dies else replace(self, dies=dies)


@dataclass(frozen=True)
class SubKernel(ForDies):
    """The parts of a kernel that some dies compute.

    mask: uint8 [dies of the system, experts] of prediction bits for the PDUs, read only; None: nothing is predicted.
    """

    mask: np.ndarray | None = None

    def prediction(self) -> np.ndarray | None:
        """uint8 [experts] for the PDU of this one die, or None where nothing is predicted."""
        bits: np.ndarray | None = None if self.mask is None else self.mask[self.die]
        return bits


@dataclass(frozen=True)
class Report(ForDies):
    """A kernel has ended, say some of the dies that had a part in it.

    Dies report when the whole kernel has ended: one whose own part ends early waits for the others.
    """
