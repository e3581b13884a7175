"""A run's fabric for what looks at each stretch between two barriers: accounts, critical paths, timelines."""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.run.why.way import Crossings, ways_of

NUMBER, BATCH, TRANSFER, CHAIN, STAGE, SIDE, ASKED, START, END = range(9)  # columns of `Engine.recorded`
Batch = tuple[Any, np.ndarray, int, str | None]  # chain, rows, times, operand counted


def is_control(layout: Any, chain: Any) -> bool:
    """Whether a chain, by name or itself, carries messages between parts of control."""
    name = chain if isinstance(chain, str) else chain.name
    return bool(layout.chains[name].control)


class Stretches:
    """A fabric that records; stands in for the run's own (`around` of chipweave.run.simulate).

    Attributes:
        fabric: the run's engine, which keeps its stages from now on.
        chains: those of its layout, by number.
        issued: number of each batch issued since the last barrier -> the batch.
    """

    def __init__(self, fabric: Any) -> None:
        self.fabric = fabric
        fabric.record()
        self.chains = list(fabric.layout.chains.values())
        self.stages = [list(chain.stages.values()) for chain in self.chains]
        self.issued: dict[int, Batch] = {}

    def __getattr__(self, name: str) -> Any:
        """Everything else is the engine's own."""
        return getattr(self.__dict__["fabric"], name)

    def issue(
        self, chain: Any, rows: np.ndarray, starts_ps: Any = None, times: int = 1, counted: str | None = None
    ) -> int:
        """See `Engine.issue`; what the last stretch between barriers recorded is taken first."""
        if self.fabric.idle:
            self.take()
        batch: int = self.fabric.issue(chain, rows, starts_ps, times, counted)
        self.issued[batch] = (chain, rows, times, counted)
        return batch

    def take(self) -> None:
        """Take what has been recorded since the last barrier, and clear `issued`; also called as a layer-step ends."""
        raise NotImplementedError

    def ways(self) -> dict[str, dict[int, Crossings]]:
        """network -> message -> where it was, of messages that have arrived since the last call."""
        return {network.name: ways_of(self.fabric.trails(network)) for network in self.fabric.layout.parts["networks"]}

    def stage(self, event: list[int]) -> Any:
        """The stage of a recorded row."""
        return self.stages[event[CHAIN]][event[STAGE]]

    def operands(self, event: list[int]) -> dict[str, int]:
        """Operands of a recorded stage's transfer."""
        _, rows, times, counted = self.issued[event[BATCH]]
        of = dict(zip(self.chains[event[CHAIN]].operands, rows[event[TRANSFER] // times].tolist(), strict=True))
        if counted is not None:
            of[counted] += event[TRANSFER] % times
        return of
