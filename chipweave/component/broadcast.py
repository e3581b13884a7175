"""One message to all dies at once.

A plan goes to every die in every layer, and every die reports: fifty messages that say the same at the same instant. A
`Cast` carries them as one where nobody could tell the difference, and one by one where somebody could.
"""

from chipweave.errors import BadInput


class Cast:
    """The way of a message for all dies, out of one port of all replicas of a part.

        to_dies = Cast(self, "launch", dies=25)
        to_dies.send(SubKernel(kernel))         # of(die) is die's own message

    If all wires take the same time, without bandwidth to wait for, and lead to all replicas of one part or to one part,
    which has a method `on_PORT_all`, that is called once with the message for all (on the first replica, which acts for
    the others). Otherwise `on_PORT` gets each die's own message, in the order of the dies.
    """

    def __init__(self, part, port, dies):
        wires = [wire for replica in part.replicas for wire in replica.outgoing.get(port, ())]
        if len(wires) not in (1, dies):
            raise BadInput(
                f"{part.name}.{port} has {len(wires)} wires where it needs one, or one for each of {dies} dies"
            )
        self.wires = wires if len(wires) == dies else wires * dies
        first = wires[0]
        peers = [wire.peer for wire in wires]
        alike = all(
            (wire.latency, wire.bandwidth, wire.port) == (first.latency, first.bandwidth, first.port) for wire in wires
        )
        together = alike and (peers == first.peer.replicas or all(peer is first.peer for peer in peers))
        self.all = handler_of_all(first.peer, first.port) if together else None

    def send(self, message, after=0):
        """Send a message for all dies, `after` ps from now."""
        if self.all is not None and not message.bytes:
            self.wires[0].send(message, after, self.all)
            return
        for die, wire in enumerate(self.wires):
            wire.send(message.of(die), after)


def handler_of_all(part, port):
    """Its `on_PORT_all`, or None: where a class derived from the one that has it has an `on_PORT` of its own, that is meant."""
    for cls in type(part).__mro__:
        if f"on_{port}_all" in vars(cls):
            return getattr(part, f"on_{port}_all")
        if f"on_{port}" in vars(cls):
            return None
    return None
