"""Plain twin of csrc/behaviours/tma/tma.c: an SM's engine of bulk copies, boxes turned into lines."""

from __future__ import annotations

from typing import Any

from chipweave.plain.endpoints import READ, WRITE, Message

LINE, FS, WORDS = 128, 1000, 5


class PlainTma:
    """`lines_left` holds the lines of all commands in order: (earliest time, address, mask, kind, mbarrier)."""

    def __init__(self, host: Any, me: Any, parameters: Any) -> None:
        self.host, self.me, self.p = host, me, parameters
        self.period = (10**15 + parameters["clock"] // 2) // parameters["clock"]
        self.descriptors, self.lines_left, self.next, self.under_way, self.waking = [], [], 0, 0, False

    def attach(self, what: Any, data: Any) -> None:
        self.descriptors = [data[i : i + WORDS] for i in range(0, len(data), WORDS)]

    def lines_of(self, descriptor: int, box: int) -> list[tuple[int, int]]:
        """[(address, mask)] of a box."""
        base, step, inner, rows, pitch = self.descriptors[descriptor]
        lines = []
        for row in range(rows):
            first = base + box * step + row * pitch
            for line in range(first // LINE, (first + inner - 1) // LINE + 1):
                sectors = [k for k in range(4) if first <= line * LINE + 32 * k < first + inner]
                lines.append((line * LINE, sum(1 << k for k in sectors)))
        return lines

    def advance(self) -> None:
        now = self.host.time * FS
        while self.lines_left and self.under_way < self.p["lines"]:
            ready, address, mask, kind, barrier = self.lines_left[0]
            at = max(ready, self.next)
            if at > now:
                if not self.waking:
                    self.waking = True
                    self.host.schedule(self.me, -(-at // FS) - self.host.time, 1, 0, 0)
                return
            self.lines_left.pop(0)
            size = self.p["request_bytes"] + (32 * bin(mask).count("1") if kind == WRITE else 0)
            self.host.post(self.me, 0, 0, 0, Message(address, barrier | mask << 8, size, kind, mask))
            self.under_way += 1
            self.stats["lines"] += 1
            self.next = max(now, at + self.p["line_cycles"] * self.period)
        self.stats["waits"] += bool(self.lines_left)

    def receive(self, m: Message) -> None:
        if m.kind in (READ, WRITE):
            if m.tag >> 8 >= len(self.descriptors):
                known = f"{len(self.descriptors)} descriptors are attached, from 0 on"
                self.host.fail(self.me, f"a program copies by descriptor {m.tag >> 8}; {known}")
            ready = self.host.time * FS + self.p["setup_cycles"] * self.period
            self.lines_left += [
                (ready, address, mask, m.kind, m.tag & 255) for address, mask in self.lines_of(m.tag >> 8, m.address)
            ]
            self.stats["copies"] += 1
        else:
            self.under_way -= 1
        self.advance()

    def timer(self, code: int, data: int) -> None:
        self.waking = False
        self.advance()


TWIN = PlainTma
