"""Plain twin of csrc/behaviours/llc_slice/llc_slice.c: a slice of the L2.

A set is a list of [line, valid, dirty, shared], most recent first.
"""

from __future__ import annotations

from typing import Any

from chipweave.plain.endpoints import DATA, DONE, DROP, READ, WRITE, Message

NEAR, PEER, MEMORY = 0, 1, 2
LINE, FS, RECENT = 128, 1000, 16
TURN = 0x9E3779B97F4A7C15


def dealt(line: int, unit: int, slices: int) -> int:
    """Number of the slice, over both partitions, that a line is dealt to; its low bit is the home partition."""
    group = line // unit // slices
    return (line // unit + ((group * TURN & (2**64 - 1)) >> 40) % slices) % slices


def sectors(mask: int) -> int:
    return bin(mask & 15).count("1")


class PlainLlcSlice:
    """State as in the C struct; `stats` are the engine's: statistic -> value."""

    def __init__(self, host: Any, me: int, parameters: dict[str, int]) -> None:
        self.host, self.me, self.p = host, me, parameters
        self.busy, self.room = 0, parameters["write_backs"]
        self.sets = [[None] * parameters["ways"] for _ in range(parameters["sets"])]
        self.recent, self.fills, self.next_fill = [None] * RECENT, {}, 0
        self.n_recent, self.held, self.passed = 0, [], {}

    def attach(self, what: Any, data: Any) -> Any:
        raise ValueError("takes no tables")

    # -- lines

    def home(self, line: int) -> int:
        return dealt(line, self.p["unit"], self.p["slices"]) & 1

    def local(self, line: int) -> int:
        unit = self.p["unit"]
        return line // unit // self.p["slices"] * unit + line % unit

    def set_of(self, line: int) -> list[Any]:
        n = self.p["sets"]
        return self.sets[(self.local(line) + (n // 2 if self.home(line) else 0)) % n]

    def find(self, line: int) -> list[int] | None:
        ways = self.set_of(line)
        for i, entry in enumerate(ways):
            if entry and entry[0] == line:
                ways.insert(0, ways.pop(i))
                return entry
        return None

    def insert(self, line: int) -> list[int] | None:
        ways = self.set_of(line)
        out = ways.pop()
        ways.insert(0, [line, 0, 0, 0])
        return out

    def forget(self, line: int) -> None:
        if self.find(line):
            self.set_of(line)[0] = None

    def local_address(self, line: int) -> int:
        unit, n = self.p["unit"], self.local(line)
        return ((n // unit * self.p["channel_share"] + self.p["channel_index"]) * unit + n % unit) * LINE

    def granule(self, mask: int) -> int:
        if self.p["fill"] == 4:
            return 15
        return mask | (mask & 5) << 1 | (mask & 10) >> 1 if self.p["fill"] == 2 else mask

    def write_back(self, out: list[int] | None) -> None:
        if out and out[2]:
            self.room -= 1
            self.stats["write_backs"] += 1
            size = self.p["request_bytes"] + 32 * sectors(out[2])
            self.host.post(self.me, MEMORY, 0, 0, Message(self.local_address(out[0]), 0, size, WRITE, out[2]))

    # -- reads

    def served(self, line: int, mask: int, coalesce: bool) -> int:
        now = self.host.time * FS
        for old in self.recent if coalesce else ():
            if old and old[0] == line and not mask & ~old[1] and old[2] > now:
                self.stats["merged"] += 1
                return (old[2] - now) // FS + self.p["latency"]
        start, taken = max(self.busy, now), sectors(mask) * self.p["sector_fs"]
        self.busy = start + taken
        self.stats["busy"] += taken // FS
        if coalesce:
            self.recent[self.n_recent] = (line, mask, start)
            self.n_recent = (self.n_recent + 1) % RECENT
        return (start - now) // FS + self.p["latency"]

    def answer(self, to: Message, delay: int) -> None:
        size = self.p["request_bytes"] + 32 * sectors(to.mask)
        self.host.reply(self.me, delay, to, Message(to.address, to.tag, size, DATA, to.mask))

    def read(self, m: Message) -> None:
        line = m.address // LINE
        entry = self.find(line)
        missing = m.mask & ~(entry[1] if entry else 0)
        self.stats["reads"] += 1
        if entry and m.port == PEER:
            entry[3] = 1
        if not missing:
            self.stats["hits"] += 1
            self.answer(m, self.served(line, m.mask, True))
            return
        for number in reversed(self.fills):  # the newest first, as the C chain has them
            kept = self.fills[number]
            if kept[0] == line and not missing & ~kept[1]:
                kept[2].append(m)
                return
        at_home = self.home(line) == self.p["partition"]
        missing = self.granule(missing) if at_home else missing
        self.fills[self.next_fill] = (line, missing, [m])
        ask = Message(
            self.local_address(line) if at_home else m.address, self.next_fill, self.p["request_bytes"], READ, missing
        )
        self.next_fill += 1
        self.stats["memory_reads" if at_home else "peer_reads"] += 1
        self.host.post(self.me, MEMORY if at_home else PEER, 0, self.p["latency"], ask)

    def filled(self, m: Message) -> None:
        line, mask, waiting = self.fills.pop(m.tag)
        entry = self.find(line)
        if not entry:
            self.write_back(self.insert(line))
            entry = self.set_of(line)[0]
        entry[1] |= mask
        for asked in reversed(waiting):
            if asked.port == PEER:
                entry[3] = 1
            self.answer(asked, self.served(line, asked.mask, True) - self.p["latency"])

    # -- stores

    def done(self, to: Message, delay: int) -> None:
        self.host.reply(self.me, delay, to, Message(to.address, to.tag, self.p["request_bytes"], DONE, 0))

    def store_here(self, m: Message) -> None:
        line = m.address // LINE
        entry = self.find(line)
        delay = self.served(line, m.mask, False)
        self.stats["writes"] += 1
        if entry and entry[3]:
            self.host.post(self.me, PEER, 0, 0, Message(m.address, 0, self.p["request_bytes"], DROP, 0))
            entry[3] = 0
        if not entry:
            self.write_back(self.insert(line))
            entry = self.set_of(line)[0]
        entry[1] |= m.mask
        entry[2] |= m.mask
        self.done(m, delay)

    def store(self, m: Message) -> None:
        line = m.address // LINE
        if self.home(line) != self.p["partition"]:
            self.forget(line)
            self.passed[self.next_fill] = m
            self.host.post(
                self.me,
                PEER,
                0,
                self.served(line, m.mask, False),
                Message(m.address, self.next_fill, m.bytes, WRITE, m.mask),
            )
            self.next_fill += 1
        elif self.room <= 0 or self.held:
            self.held.append(m)
        else:
            self.store_here(m)

    def stored(self, m: Message) -> None:
        if m.port != MEMORY:
            self.done(self.passed.pop(m.tag), 0)
            return
        self.room += 1
        while self.held and self.room > 0:
            self.store_here(self.held.pop(0))

    def receive(self, m: Message) -> None:
        if m.kind == DROP:
            self.forget(m.address // LINE)
        else:
            {READ: self.read, DATA: self.filled, WRITE: self.store, DONE: self.stored}[m.kind](m)

    # -- outside time

    def touch(self, m: Message) -> int:
        line = m.address // LINE
        entry, at_home = self.find(line), self.home(line) == self.p["partition"]
        if m.kind == WRITE:
            if not at_home:
                self.forget(line)
                return self.host.pass_on(self.me, PEER, 0, m)
            if not entry:
                self.insert(line)
                entry = self.set_of(line)[0]
            entry[1] |= m.mask
            entry[2] |= m.mask
            return 0
        missing, level = m.mask & ~(entry[1] if entry else 0), 2
        if entry and m.port == PEER:
            entry[3] = 1
        if not missing:
            return 0
        if at_home:
            missing = self.granule(missing)
        else:
            on = Message(m.address, m.tag, m.bytes, m.kind, missing)
            level = 3 if self.host.pass_on(self.me, PEER, 0, on) else 1
        if not entry:
            self.insert(line)
            entry = self.set_of(line)[0]
        entry[1] |= missing
        entry[3] |= m.port == PEER
        return level


TWIN = PlainLlcSlice
