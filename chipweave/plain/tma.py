"""Plain twin of csrc/behaviours/tma/tma.c: an SM's engine of bulk copies, boxes turned into lines.

A descriptor is (base, bytes from box to box, bytes of a row, rows, bytes from row to row): the two
innermost dimensions of a CUDA tensor map. Inner times are femtoseconds.
"""

from __future__ import annotations

from chipweave.plain.endpoints import READ, WRITE, Message, PlainCore

LINE, FS, WORDS = 128, 1000, 5


class PlainTma:
    """`lines_left` holds the lines of all commands in order: (earliest time, address, mask, kind, mbarrier)."""

    stats: dict[str, int]  # set by the engine

    def __init__(self, host: PlainCore, me: int, parameters: dict[str, int]) -> None:
        """Nothing attached, nothing under way; `next` is when the engine can send its next line."""
        self.host, self.me, self.p = host, me, parameters
        self.period = (10**15 + parameters["clock"] // 2) // parameters["clock"]
        self.descriptors: list[list[int]] = []
        self.lines_left: list[tuple[int, int, int, int, int]] = []
        self.next, self.under_way, self.waking = 0, 0, False

    def attach(self, what: int, data: list[int]) -> None:
        """Descriptors, WORDS numbers each, for programs to name by their place."""
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
        """Send lines in order: one every line_cycles, at most `lines` unanswered."""
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
        """A copy to make, or the answer of a line. A descriptor that is not attached is a fault of the program."""
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
        """The next line is due."""
        self.waking = False
        self.advance()


TWIN = PlainTma
