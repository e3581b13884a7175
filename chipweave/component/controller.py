"""Components of control: plain Python, driven by messages on wires and by SimPy processes."""

from __future__ import annotations

from typing import Any

from chipweave.component.component import Component
from chipweave.declare.provenance import Source
from chipweave.errors import BadInput


class Controller(Component):
    """Base of components that send and receive messages.

    A message that arrives at port `launch` calls `on_launch(message)`. State is kept in plain attributes, never in
    the locals of a waiting process.

    Attributes, set before the run:
        simulation: the chipweave.run.clock.Simulation.
        outgoing: port -> list of chipweave.run.clock.Wire, in the order of the dies at the other ends.
        replicas, group: as for staged components.
    """

    simulation: Any
    die: int | None
    dies: int
    members: list[Any]
    replicas: list[Any]
    group: str

    @property
    def moves_tokens(self) -> bool:
        """Whether it lets tokens move from die to die, which parts of the network then carry."""
        return False

    def _fill(self, name: str, values: dict[str, Any], sources: dict[str, Source]) -> None:
        super()._fill(name, values, sources)
        self.outgoing: dict[str, list[Any]] = {}

    def begin(self, simulation: Any, run: Any) -> None:
        """Called once, when the fabric stands; `run` is the chipweave.run.simulate.Run."""
        self.simulation = simulation

    def send(self, port: str, message: Any, to: int = 0, after: int = 0) -> None:
        """Send a message over the wire of `port`, `after` ps from now; of several wires, over number `to`."""
        wires = self.outgoing.get(port)
        if not wires:
            raise BadInput(f"{self.name}.{port} sends a message and has no wire")
        (wires[0] if len(wires) == 1 else wires[to]).send(message, after)
