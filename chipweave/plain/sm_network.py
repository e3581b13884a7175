"""Plain twin of csrc/behaviours/sm_network/sm_network.c: carries a message to the rank that its address names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chipweave.plain.endpoints import READ, WRITE

FS = 1000


class PlainSmNetwork:
    """State as in the C struct."""

    def __init__(self, host: Any, me: int, parameters: dict[str, int]) -> None:
        self.host, self.me, self.p = host, me, parameters
        self.period = (10**15 + parameters["clock"] // 2) // parameters["clock"]
        self.leaving, self.entering = {}, {}

    def attach(self, what: Any, data: Any) -> Any:
        raise ValueError("takes no tables")

    @staticmethod
    def taken(ports: dict[int, int], port: int, start: int, takes: int) -> int:
        ports[port] = max(ports.get(port, 0), start) + takes
        return ports[port]

    def receive(self, m: Any) -> None:
        request, asked, asker = m.kind in (READ, WRITE), m.address >> 48, m.address >> 32 & 0xFFFF
        source, to = (asker, asked) if request else (asked, asker)
        now, delay = self.host.time * FS, self.p["cycles"] * self.period
        self.stats["requests" if request else "answers"] += 1
        there = now + delay
        if m.bytes and self.p["port_bytes"]:
            takes = m.bytes * 100 * self.period // self.p["port_bytes"]
            there = self.taken(self.entering, to, self.taken(self.leaving, source, now, takes) + delay - takes, takes)
        self.host.schedule(self.me, (there - now) // FS, 1, to, replace(m))

    def timer(self, code: int, data: Any) -> None:
        """A message has come through: `code` is the SM it goes to."""
        self.host.post(self.me, 0, code, 0, data)


TWIN = PlainSmNetwork
