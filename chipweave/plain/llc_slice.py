"""Plain twin of csrc/behaviours/llc_slice/llc_slice.c: a slice of the L2.

A set is a list of [line, valid, dirty, shared], most recent first. valid and dirty are masks of the
four sectors of 32 B of a line of 128 B; shared says that the other partition may hold a copy.

A line has one home partition. Its slice there owns the data; the slice of the other partition
caches it on reads, passes writes on, and drops its copy when the home is written. Inner times are
femtoseconds, those of messages ps.
"""

from __future__ import annotations

from chipweave.plain.endpoints import DATA, DONE, DROP, READ, WRITE, Message, PlainCore

NEAR, PEER, MEMORY = 0, 1, 2
LINE, FS, RECENT = 128, 1000, 16
Line = list[int]  # [line, valid, dirty, shared]
TURN = 0x9E3779B97F4A7C15


def dealt(line: int, unit: int, slices: int) -> int:
    """Number of the slice, over both partitions, that a line is dealt to; its low bit is the home partition."""
    group = line // unit // slices
    return (line // unit + ((group * TURN & (2**64 - 1)) >> 40) % slices) % slices


def sectors(mask: int) -> int:
    """How many of the four sectors a mask names."""
    return bin(mask & 15).count("1")


class PlainLlcSlice:
    """State as in the C struct; `stats` are the engine's: statistic -> value."""

    stats: dict[str, int]  # set by the engine

    def __init__(self, host: PlainCore, me: int, parameters: dict[str, int]) -> None:
        self.host, self.me, self.p = host, me, parameters
        self.busy, self.room = 0, parameters["write_backs"]
        self.sets: list[list[Line | None]] = [[None] * parameters["ways"] for _ in range(parameters["sets"])]
        self.recent: list[tuple[int, int, int] | None] = [None] * RECENT  # (line, mask, start)
        self.fills: dict[int, tuple[int, int, list[Message]]] = {}  # number: (line, mask, who waits)
        self.held: list[Message] = []
        self.passed: dict[int, Message] = {}
        self.next_fill, self.n_recent = 0, 0

    def attach(self, what: int, data: list[int]) -> None:
        """A slice has no tables: raises ValueError."""
        raise ValueError("takes no tables")

    # -- lines

    def home(self, line: int) -> int:
        """The home partition of a line, 0 or 1."""
        return dealt(line, self.p["unit"], self.p["slices"]) & 1

    def local(self, line: int) -> int:
        """The line's number among those of this slice: units dealt to other slices are left out."""
        unit = self.p["unit"]
        return line // unit // self.p["slices"] * unit + line % unit

    def set_of(self, line: int) -> list[Line | None]:
        """The set a line falls into. Lines of the other partition use the same sets, rotated by half of them.

        Without the rotation the copies of remote lines would evict exactly the home lines of equal
        local number.
        """
        n = self.p["sets"]
        return self.sets[(self.local(line) + (n // 2 if self.home(line) else 0)) % n]

    def find(self, line: int) -> Line | None:
        """The entry of `line`, moved to the front of its set (LRU), or None."""
        ways = self.set_of(line)
        for i, entry in enumerate(ways):
            if entry and entry[0] == line:
                ways.insert(0, ways.pop(i))
                return entry
        return None

    def insert(self, line: int) -> Line | None:
        """Put an empty entry for `line` in front; returns the entry that fell out, which may be dirty, or None."""
        ways = self.set_of(line)
        out = ways.pop()
        ways.insert(0, [line, 0, 0, 0])
        return out

    def newest(self, line: int) -> Line:
        """The entry just inserted, or found, in the set of `line`."""
        entry = self.set_of(line)[0]
        assert entry is not None
        return entry

    def forget(self, line: int) -> None:
        """Drop the entry of `line`, with whatever it holds.

        Only copies of remote lines are dropped, and those are never dirty.
        """
        if self.find(line):
            self.set_of(line)[0] = None

    def local_address(self, line: int) -> int:
        """Byte address in the memory channel of this slice; several slices share a channel in turns of `unit` lines."""
        unit, n = self.p["unit"], self.local(line)
        return ((n // unit * self.p["channel_share"] + self.p["channel_index"]) * unit + n % unit) * LINE

    def granule(self, mask: int) -> int:
        """The sectors fetched from memory for `mask`: widened to pairs (fill 2), to the line (fill
        4), or as they are.
        """
        if self.p["fill"] == 4:
            return 15
        return mask | (mask & 5) << 1 | (mask & 10) >> 1 if self.p["fill"] == 2 else mask

    def write_back(self, out: Line | None) -> None:
        """Send the dirty sectors of an evicted entry to memory; takes one of `write_backs` places
        until acknowledged.
        """
        if out and out[2]:
            self.room -= 1
            self.stats["write_backs"] += 1
            size = self.p["request_bytes"] + 32 * sectors(out[2])
            self.host.post(self.me, MEMORY, 0, 0, Message(self.local_address(out[0]), 0, size, WRITE, out[2]))

    # -- reads

    def served(self, line: int, mask: int, coalesce: bool) -> int:
        """ps from now until an access of `mask` is served: latency, after the accesses before it on the data port.

        Each sector takes sector_fs of the port. coalesce: a read of sectors whose read has not
        started yet shares it (the last 16 are looked at), so that broadcasts do not pay for every
        reader.
        """
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
        """Reply with the sectors of `to`, `delay` ps from now."""
        size = self.p["request_bytes"] + 32 * sectors(to.mask)
        self.host.reply(self.me, delay, to, Message(to.address, to.tag, size, DATA, to.mask))

    def read(self, m: Message) -> None:
        """A read: from here, with a fetch already on its way, or by a fetch from memory (home) or the peer slice.

        The fetch leaves after `latency`, the time of the lookup that missed.
        """
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
        """A fetch is back: keep its sectors, evict if need be, and answer all that waited, newest first as in C.

        Waiters pay the data port but no second lookup: latency is taken off again.
        """
        line, mask, waiting = self.fills.pop(m.tag)
        entry = self.find(line)
        if not entry:
            self.write_back(self.insert(line))
            entry = self.newest(line)
        entry[1] |= mask
        for asked in reversed(waiting):
            if asked.port == PEER:
                entry[3] = 1
            self.answer(asked, self.served(line, asked.mask, True) - self.p["latency"])

    # -- stores

    def done(self, to: Message, delay: int) -> None:
        """Acknowledge the write `to`, `delay` ps from now."""
        self.host.reply(self.me, delay, to, Message(to.address, to.tag, self.p["request_bytes"], DONE, 0))

    def store_here(self, m: Message) -> None:
        """A write at its home: takes the port, invalidates a copy in the other partition, marks its sectors dirty.

        Sectors are written whole, so a write never has to fetch the line first.
        """
        line = m.address // LINE
        entry = self.find(line)
        delay = self.served(line, m.mask, False)
        self.stats["writes"] += 1
        if entry and entry[3]:
            self.host.post(self.me, PEER, 0, 0, Message(m.address, 0, self.p["request_bytes"], DROP, 0))
            entry[3] = 0
        if not entry:
            self.write_back(self.insert(line))
            entry = self.newest(line)
        entry[1] |= m.mask
        entry[2] |= m.mask
        self.done(m, delay)

    def store(self, m: Message) -> None:
        """A write: to the peer where this is not its home; held back while all places for write-backs are taken.

        Held writes keep their order; reads overtake them.
        """
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
        """A write is acknowledged: by the peer for a write passed on, or by memory, which frees a place."""
        if m.port != MEMORY:
            self.done(self.passed.pop(m.tag), 0)
            return
        self.room += 1
        while self.held and self.room > 0:
            self.store_here(self.held.pop(0))

    def receive(self, m: Message) -> None:
        """Handle a message by its kind; DROP invalidates a copy."""
        if m.kind == DROP:
            self.forget(m.address // LINE)
        else:
            {READ: self.read, DATA: self.filled, WRITE: self.store, DONE: self.stored}[m.kind](m)

    # -- outside time

    def touch(self, m: Message) -> int:
        """Serve an access outside time: 0 where the slice had the data, 1 for its peer, 2 for
        memory, 3 for the peer's memory.
        """
        line = m.address // LINE
        entry, at_home = self.find(line), self.home(line) == self.p["partition"]
        if m.kind == WRITE:
            if not at_home:
                self.forget(line)
                return self.host.pass_on(self.me, PEER, 0, m)
            if not entry:
                self.insert(line)
                entry = self.newest(line)
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
            entry = self.newest(line)
        entry[1] |= missing
        entry[3] |= m.port == PEER
        return level


TWIN = PlainLlcSlice
