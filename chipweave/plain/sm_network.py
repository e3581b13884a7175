"""Plain twin of csrc/behaviours/sm_network/sm_network.c: carries a message to the rank that its address names."""

from __future__ import annotations

from dataclasses import replace

from chipweave.plain.endpoints import READ, WRITE, Message, PlainCore

FS = 1000


class PlainSmNetwork:
    """State as in the C struct."""

    stats: dict[str, int]  # set by the engine

    def __init__(self, host: PlainCore, me: int, parameters: dict[str, int]) -> None:
        self.host, self.me, self.p = host, me, parameters
        self.period = (10**15 + parameters["clock"] // 2) // parameters["clock"]
        self.leaving: dict[int, int] = {}
        self.entering: dict[int, int] = {}

    def attach(self, what: int, data: list[int]) -> None:
        raise ValueError("takes no tables")

    @staticmethod
    def taken(ports: dict[int, int], port: int, start: int, takes: int) -> int:
        ports[port] = max(ports.get(port, 0), start) + takes
        return ports[port]

    def receive(self, m: Message) -> None:
        """Pass a message from SM to SM: `cycles` of latency, and both ports in turn where port_bytes limits them.

        The address says who asks whom (bits 48 and 32 up); answers go the other way.
        """
        request, asked, asker = m.kind in (READ, WRITE), m.address >> 48, m.address >> 32 & 0xFFFF
        source, to = (asker, asked) if request else (asked, asker)
        now, delay = self.host.time * FS, self.p["cycles"] * self.period
        self.stats["requests" if request else "answers"] += 1
        there = now + delay
        if m.bytes and self.p["port_bytes"]:
            takes = m.bytes * 100 * self.period // self.p["port_bytes"]
            there = self.taken(self.entering, to, self.taken(self.leaving, source, now, takes) + delay - takes, takes)
        self.host.schedule(self.me, (there - now) // FS, 1, to, replace(m))

    def timer(self, code: int, data: Message) -> None:
        """A message has come through: `code` is the SM it goes to."""
        self.host.post(self.me, 0, code, 0, data)


TWIN = PlainSmNetwork
