"""One message to many dies at once.

A plan goes to every die in every layer, and every die reports: fifty messages that say the same at the same instant. A
`Cast` sends one message to all dies where the outcome is provably the same, and one each otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from chipweave.errors import BadInput, Fault


class Cast:
    """The way of a message for many dies, out of one port of all parts of a group.

        to_dies = Cast(self, "launch", run.workers)
        to_dies.send(SubKernel(kernel.number, dies))         # of(some dies) is the message for these

    A wire belongs to the die of its sender, else to the dies that its receiver is on or leads to, else to all (a report
    on its way up). Dies whose wires take
    the same time, without bandwidth to wait for, and lead to parts of one group with a method `on_PORT_all` get one
    message, which is given to the group's first part; of wires over a network, whose messages may wait, only those with
    the same ends. Otherwise `on_PORT` gets each die's own message, in the order of the dies.

    dies: those that must be reached; None: all that the wires reach.
    """

    together = True  # False: every die gets a message of its own

    def __init__(self, part: Any, port: str, dies: Iterable[int] | None = None) -> None:
        known = part.members[0].__dict__.setdefault("_wires_of_ports", {})  # of all members: found once, not once each
        if port not in known:
            known[port] = _wires(part, port), {}
        self.wires, self.ways = known[port]
        missing = [die for die in dies or () if die not in self.wires]
        if missing:
            more = f" and {len(missing) - 8} more" if len(missing) > 8 else ""
            raise BadInput(
                Fault(
                    f"{part.name}.{port}: no wire leads to die {', '.join(map(str, missing[:8]))}{more} of {part.dies}",
                    allowed=f"one part of control with wires to all dies; of `systems` one of the whole: "
                    f"parts: {{{part.name.rpartition('_')[2]}: {{kind: {part.kind}}}}}",
                )
            )

    def send(self, message: Any, after: int = 0) -> None:
        """Send a message for `message.dies`, `after` ps from now."""
        for dies, wire, handler in self.ways.get(message.dies) or self.way(message.dies):
            if handler is not None and self.together and not message.bytes:
                wire.send(message.of(dies), after, handler)
                continue
            for die in dies:
                self.wires[die].send(message.of((die,)), after)

    def way(self, dies: tuple[int, ...]) -> list[tuple[tuple[int, ...], Any, Callable[..., Any] | None]]:
        """[(dies, a wire of theirs, handler of one message for all or None)], kept for the next message."""
        alike: dict[Any, list[int]] = {}
        for die in dies:
            wire = self.wires[die]
            leader = wire.peer.members[0]
            alike.setdefault((id(leader), wire.latency, wire.bandwidth, wire.port, wire.way), []).append(die)
        found = []
        for same in alike.values():
            wire = self.wires[same[0]]
            found.append((tuple(same), wire, handler_of_all(wire.peer.members[0], wire.port)))
        self.ways[dies] = found
        return found


def _wires(part: Any, port: str) -> dict[int, Any]:
    """{die: the wire to it} out of a port of all parts of a group."""
    wires: dict[int, Any] = {}
    everywhere = None
    for member in part.members:
        for wire in member.outgoing.get(port, ()):
            there = (member.die,) if member.die is not None else reach(wire.peer, part)
            everywhere = everywhere or (None if there else wire)
            for die in there:
                wires.setdefault(die, wire)
    if everywhere:
        wires = {die: wires.get(die, everywhere) for die in range(part.dies)}
    return wires


def reach(part: Any, *passed: Any) -> list[int]:
    """The dies that a part is on, or that messages from it come to without going through the parts `passed`."""
    if part.die is not None:
        return [part.die]
    passed = (*passed, part)
    peers = [wire.peer for wires in part.outgoing.values() for wire in wires]
    return sorted({die for peer in peers if peer not in passed for die in reach(peer, *passed)})


def handler_of_all(part: Any, port: str) -> Callable[..., Any] | None:
    """Its `on_PORT_all`, or None: see `method_of_all`."""
    return method_of_all(part, f"on_{port}")


def method_of_all(part: Any, name: str) -> Callable[..., Any] | None:
    """Its method NAME_all, which does for many dies what NAME does for one, or None: where a class derived from the one
    that has it has a NAME of its own, that is meant."""
    for cls in type(part).__mro__:
        if f"{name}_all" in vars(cls):
            method: Callable[..., Any] = getattr(part, f"{name}_all")
            return method
        if name in vars(cls):
            return None
    return None
