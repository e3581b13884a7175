"""Components of control: plain Python, driven by messages on wires and by SimPy processes."""

from chipweave.component import Component


class Controller(Component):
    """Base of components that send and receive messages.

    A message that arrives at port `launch` calls `on_launch(message)`. State is kept in plain attributes, never in
    the locals of a waiting process.

    Attributes, set before the run:
        simulation: the chipweave.engine.Simulation.
        replicas, group: as for staged components.
    """

    def begin(self, simulation, run):
        """Called once, when the fabric stands; `run` is the chipweave.serving.Run."""
        self.simulation = simulation

    def send(self, port, message):
        """Send a message over the wire (or wires) of `port`."""
        self.simulation.send(self, port, message)
