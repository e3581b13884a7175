"""Plain twin of csrc/endpoints/endpoints.c: the engine of line-rate endpoints as one heap of events, slow and obvious.

A behaviour is a class with `receive(message)`, `timer(code, data)`, `attach(what, data)`, `touch(message)` and a list
`stats`; its host is the engine. Each twin stands in chipweave/plain/NAME.py as `Plain` + its name.
"""

from __future__ import annotations

import heapq
import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from chipweave.errors import BadInput
from chipweave.io import native

READ, WRITE, DATA, DONE, DROP = (
    getattr(native.lib, f"CW_{kind}") for kind in ("READ", "WRITE", "DATA", "DONE", "DROP")
)


@dataclass
class Message:
    """See cw_message in csrc/behaviour.h.

    address, bytes: of memory and on the wire; tag: the sender's own; kind: READ, WRITE, DATA, DONE,
    ...; mask: sectors. sender, wire and port are filled in on the way.
    """

    address: int = 0
    tag: int = 0
    bytes: int = 0
    kind: int = 0
    mask: int = 0
    sender: int = 0
    wire: int = -1
    port: int = 0


@dataclass
class PlainPort:
    """Rates (ps a KiB) and times until which the port is taken, out and in; its lanes as wire numbers."""

    rate: list[int] = field(default_factory=lambda: [0, 0])
    busy: list[int] = field(default_factory=lambda: [0, 0])
    lanes: list[int] = field(default_factory=list)


class PlainCore:
    """Same calls as endpoints.KernelCore; `host` of the twins at once."""

    def __init__(self, seed: int) -> None:
        """seed: of `random` in behaviours; time in ps."""
        self.seed, self.time, self.done, self.count = seed, 0, 0, 0
        self.parts: list[Any] = []  # the twins
        self.ports: list[list[PlainPort]] = []  # of each part
        self.wires: list[tuple[tuple[int, int], tuple[int, int], int]] = []  # (parts, ports, latency)
        self.heap: list[tuple[int, int, int, int, int, Any]] = []  # time, priority, sender, count, part, what
        self.tables: list[Any] = []

    # -- building

    def part(self, table: Any, values: list[int]) -> int:
        """Make a part of a behaviour's table with its parameter values, in the table's order; returns its number."""
        self.tables.append(table)
        module = importlib.import_module(f"chipweave.plain.{table.name}")
        self.ports.append([PlainPort() for _ in table.ports])
        twin = module.TWIN(self, len(self.parts), dict(zip(table.parameters, values, strict=False)))
        twin.stats = dict.fromkeys(table.statistics, 0)
        self.parts.append(twin)
        return len(self.parts) - 1

    def wire(self, a: int, a_port: int, b: int, b_port: int, latency: int) -> int:
        """Join two ports by a wire of `latency` ps; returns its number. Each end gets one more lane."""
        self.wires.append(((a, b), (a_port, b_port), latency))
        for part, port in ((a, a_port), (b, b_port)):
            self.ports[part][port].lanes.append(len(self.wires) - 1)
        return len(self.wires) - 1

    def rate(self, part: int, port: int, out: int, in_: int) -> None:
        """What a port takes, ps for 1024 bytes, out and in; 0: any amount at once. All its lanes share it."""
        self.ports[part][port].rate = [out, in_]

    def attach(self, part: int, what: int, data: Any) -> None:
        """Hand a table of numbers to a part; what it means is the behaviour's."""
        self.parts[part].attach(what, [int(x) for x in data])

    # -- what a twin may call

    def fail(self, part: int, text: str) -> NoReturn:
        """A fault of what a part was given, as cw_host.fail reports it."""
        raise BadInput(f"{self.tables[part].name} (endpoint {part}): {text}")

    def _wire(self, part: int, port: int, lane: int) -> int:
        """The wire of a lane; a fault of the part that addresses one it has not."""
        lanes = self.ports[part][port].lanes
        if not 0 <= lane < len(lanes):
            name = self.tables[part].ports[port]
            self.fail(part, f'port "{name}" has {len(lanes)} wires, and a message is for number {lane}')
        return lanes[lane]

    def _push(
        self, time: int, priority: int, sender: int, part: int, what: Message | tuple[Message | int, ...]
    ) -> None:
        """Events of one instant run by priority, then sender, then order of sending: that decides every tie."""
        heapq.heappush(self.heap, (time, priority, sender, self.count, part, what))
        self.count += 1

    def schedule(self, part: int, delay: int, priority: int, code: int, data: Message | int) -> None:
        """Wake `part` by timer(code, data) in `delay` ps."""
        self._push(self.time + max(0, delay), priority, part, part, (code, data))

    def _over(self, sender: int, number: int, delay: int, message: Message) -> None:
        """Send over a wire: the sender's port is taken first, then latency, then the receiver's port."""
        ends, ports, latency = self.wires[number]
        back = ends[0] != sender
        to, to_port = ends[not back], ports[not back]
        left = self._taken(self.ports[sender][ports[back]], 0, self.time + max(0, delay), message.bytes)
        there = self._taken(self.ports[to][to_port], 1, left + latency, message.bytes)
        self._push(there, 0, sender, to, replace(message, sender=sender, wire=number, port=to_port))

    @staticmethod
    def _taken(port: PlainPort, side: int, start: int, size: int) -> int:
        """When a port has taken `size` bytes: after all before them, at its rate, rounded up to whole ps."""
        port.busy[side] = max(port.busy[side], start) + (size * port.rate[side] + 1023) // 1024
        return port.busy[side]

    def post(self, part: int, port: int, lane: int, delay: int, message: Message) -> None:
        """Send a message over a lane of a port."""
        self._over(part, self._wire(part, port, lane), delay, message)

    def reply(self, part: int, delay: int, to: Message, message: Message) -> None:
        """Send a message back over the wire that `to` came by."""
        self._over(part, to.wire, delay, message)

    def pass_on(self, part: int, port: int, lane: int, message: Message) -> int:
        """Touch the part at the other end of a lane."""
        number = self._wire(part, port, lane)
        ends, ports, _ = self.wires[number]
        back = ends[0] != part
        return self.parts[ends[not back]].touch(replace(message, sender=part, wire=number, port=ports[not back]))

    # -- running

    def start(self, part: int, delay: int, code: int, data: int) -> None:
        """Wake a part from outside by timer(code, data) in `delay` ps."""
        self.schedule(part, delay, 1, code, data)

    def send(self, part: int, port: int, lane: int, delay: int, message: Sequence[int]) -> None:
        """Send a message from outside, over a lane of a part."""
        self.post(part, port, lane, delay, Message(*message))

    def run(self, until: int, events: int) -> int:
        """Run at most `events` events up to `until` ps; returns how many were run.

        The clock moves to `until` where nothing is left before it.
        """
        n = 0
        while n < events and self.heap and self.heap[0][0] <= until:
            self.time, *_, part, what = heapq.heappop(self.heap)
            if isinstance(what, Message):
                self.parts[part].receive(what)
            else:
                self.parts[part].timer(*what)
            n += 1
        self.done += n
        if n < events and self.time < until < 2**63 - 1:
            self.time = until
        return n

    def touch(self, parts: Any, addresses: Any, mask: Any, levels: Any) -> Any:
        """Warm caches outside time: address i goes to part i modulo their number; an odd address is a write.

        Returns how many accesses each level answered.
        """
        answered = [0] * levels
        for i, address in enumerate(int(a) for a in addresses):
            at = address & ~1
            message = Message(at, mask=mask or 1 << (at >> 5 & 3), kind=WRITE if address & 1 else READ)
            level = self.parts[parts[i % len(parts)]].touch(message)
            if level < levels:
                answered[level] += 1
        return answered

    def now(self) -> int:
        """ps of the last event."""
        return self.time

    def events(self) -> int:
        """Events run so far."""
        return self.done

    def statistic(self, part: int, index: int) -> int:
        """A part's statistic by its place in the table."""
        return list(self.parts[part].stats.values())[index]
