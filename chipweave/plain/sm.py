"""Plain twin of csrc/behaviours/sm/sm.c: warps in order, load-store unit, L1. Inner times are femtoseconds.

An operation is a list of SM_OP_WORDS integers, [code, nine operands]. The engine counts in whole
ps; the SM counts in fs, because one cycle of 1755 MHz is 569.8 ps and a rounded cycle would drift
over a long program.
"""

from __future__ import annotations

from typing import Any

from chipweave.errors import BadInput
from chipweave.io import native
from chipweave.plain.endpoints import DONE, READ, WRITE, Message, PlainCore
from chipweave.plain.llc_slice import dealt, sectors
from chipweave.plain.lsu import lines_of
from chipweave.plain.sm_cluster import CLUSTER, COPIES, FRONT, LEAVE, OF_COPIES, PlainCluster
from chipweave.plain.sm_state import Entry, Fetch, Warp

FFI, LIB = native.load("sm")
LINE, FS = 128, 1000
LOAD, STORE, CHASE, WAIT, LOOP, WORK, JUMP, GATHER, SHARED, COPY, BARRIER = (
    getattr(LIB, f"SM_OP_{name}") for name in "LOAD STORE CHASE WAIT LOOP WORK JUMP GATHER SHARED COPY BARRIER".split()
)
PAGES, ORDER = LIB.SM_TABLE_PAGES, LIB.SM_TABLE_ORDER
OP_WORDS, KERNEL_WORDS = LIB.SM_OP_WORDS, LIB.SM_KERNEL_WORDS
LAUNCH, STOP = LIB.SM_LAUNCH, LIB.SM_STOP
WAKE, BLOCK = 2, 3


class PlainSm(PlainCluster):
    """State as in the C struct; `stats` are the engine's: statistic -> value.

    An L1 entry is [line, valid, {sector bits: fetch}]: line is the number of a line of 128 B, valid
    a mask of its four sectors of 32 B, and the dict holds the fetches on their way by the sectors
    they bring. Each set is a list of entries, most recently used first.
    """

    def __init__(self, host: PlainCore, me: int, parameters: dict[str, int]) -> None:
        """Read `parameters` (the names of the C table) and start idle.

        clock is in Hz, the period in fs, rounded to the nearest. load_room and store_room are the
        sectors that may still be in flight: by Little's law they bound the bandwidth of one SM.
        """
        self.host, self.me, self.p = host, me, parameters
        self.period = (10**15 + parameters["clock"] // 2) // parameters["clock"]
        self.sets = [[None] * parameters["l1_ways"] for _ in range(parameters["l1_sets"])]
        self.load_room, self.store_room = parameters["load_sectors"], parameters["store_sectors"]
        self.pages: list[int] = []
        self.order: list[int] = []
        self.warps = {}
        self.alive: dict[int, int] = {}  # place: warps
        self.stalled: list[int] = []  # warps
        self.fetches: dict[int, Fetch] = {}
        self.next_fetch, self.lsu, self.lsu_used, self.launched = 0, 0, 0, 0
        self.pending, self.running, self.command = [0] * 16, 0, None

    def attach(self, what: int, data: list[int]) -> None:
        """Give the SM a table (PAGES, ORDER) or a program; raises BadInput for a program that does not check.

        PAGES: frame numbers of 2 MiB pages, looked up modulo their count. ORDER: the visiting order
        of Chase and Gather, elements. A program: KERNEL_WORDS of launch geometry, then its
        operations; the check is the C one, so both engines refuse the same programs with the same
        words.
        """
        if what == PAGES:
            self.pages = data
        elif what == ORDER:
            self.order = data
        else:
            why = FFI.new("char[256]")
            if LIB.sm_check_kernel(data, len(data), why):
                raise BadInput(FFI.string(why).decode())
            kernel = data[:KERNEL_WORDS]
            self.threads, self.at_once, self.first_block, self.step, self.blocks, self.first, self.further = kernel
            self.next_block = self.first_block
            self.ops = [data[i : i + OP_WORDS] for i in range(KERNEL_WORDS, len(data), OP_WORDS)]

    # -- L1

    def find(self, line: int) -> Entry | None:
        """The L1 entry of `line`, moved to the front of its set (LRU); None on a miss."""
        ways = self.sets[line % len(self.sets)]
        for i, entry in enumerate(ways):
            if entry and entry[0] == line:
                ways.insert(0, ways.pop(i))
                return entry
        return None

    def allocate(self, line: int) -> Entry | None:
        """A new entry for `line` in the place of the least recently used one; None where every way is busy.

        A way with a fetch on its way cannot be evicted, since the answer is written into it.
        Without a free way the access still goes out, and leaves no copy in L1.
        """
        ways = self.sets[line % len(self.sets)]
        for i in reversed(range(len(ways))):
            entry = ways[i]
            if not entry or not entry[2]:
                ways.pop(i)
                made: Entry = [line, 0, {}]
                ways.insert(0, made)
                return made
        return None

    # -- addresses

    def physical(self, address: int) -> int:
        """Physical byte address of a virtual one, by pages of 2 MiB; the same where no page table is attached."""
        if not self.pages:
            return address
        return self.pages[(address >> 21) % len(self.pages)] << 21 | address & 0x1FFFFF

    def lane(self, line: int) -> int:
        """Which of the SM's links to the network a line leaves by: the slice it is dealt to, halved."""
        return dealt(line, self.p["unit"], self.p["slices"]) >> 1

    def addresses(self, w: Warp, op: list[int]) -> list[int]:
        """Byte addresses of the lanes of one operation, at most 32.

        Chase and Gather: base + stride * order[i], where i moves with block, warp, lane and, for
        Chase, with the loop. Load and Store: base + block (modulo), warp, loop and lane, each times
        its step in bytes.
        """
        if op[0] in (CHASE, GATHER):
            first = op[3] + w.block * op[4] + w.index * op[5] + (w.count if op[0] == CHASE else 0)
            return [op[1] + op[2] * self.order[(first + lane * op[6]) % len(self.order)] for lane in range(op[8])]
        first = op[1] + w.block % op[3] * op[2] + w.index * op[4] + w.count * op[5]
        return [first + lane * op[6] for lane in range(op[8])]

    def gather(self, w: Warp, op: list[int]) -> tuple[dict[int, int], int, int]:
        """({line: sectors}, cycles of the unit, phases).

        A contiguous Load or Store (lane step = access size) takes one cycle a phase. Any other
        pattern takes the larger of its bank conflicts and its tag lookups, as microbenchmarks of
        strided access show (validation/cases/l1stride.py).
        """
        size, addresses, phases = op[7], self.addresses(w, op), self.wavefronts(op[8], op[7])
        lines = lines_of(addresses, size)
        if op[0] in (LOAD, STORE) and op[6] == size:
            return lines, phases, phases
        return lines, max(self.bank_cycles(addresses, size), self.tag_cycles(lines)), phases

    # -- memory instructions

    def memory(self, w: Warp, op: list[int]) -> bool:
        """Issue one memory instruction of warp `w`; False where it ran out of room and has to be tried again.

        w.line_done lines have been issued by an earlier try: they are not issued, nor counted, a
        second time. A load that hits everywhere is ready after hit_cycles, plus two cycles for each
        phase beyond the first.
        """
        lines, cycles, phases = self.gather(w, op)
        now = self.host.time * FS
        start, extra = max(now, self.lsu), 2 * (phases - 1) * self.period
        if not w.line_done:
            self.lsu_take(start, cycles)
            self.stats["loads"] += op[0] != STORE
        leave = (start + extra + self.p["miss_cycles"] * self.period) // FS - self.host.time
        for line, mask in list(lines.items())[w.line_done :]:
            done = self.store_line(line, mask, leave) if op[0] == STORE else self.load_line(w, line, mask, op[9], leave)
            if not done:
                self.stats["stalls"] += 1
                return False
            if op[0] != STORE:
                self.stats["loaded"] += 32 * sectors(mask)
            w.line_done += 1
        w.line_done = 0
        if op[0] != STORE:
            w.ready = max(w.ready, start + extra + self.p["hit_cycles"] * self.period)
        return True

    def load_line(self, w: Warp, line: int, mask: int, past_l1: int, leave: int) -> bool:
        """Read `mask` sectors of `line`; False where load_room does not suffice.

        Four outcomes: all sectors valid (hit); all on their way (wait for that fetch, no traffic);
        some missing (a fetch for exactly those); past_l1 (always a fetch, never recorded). leave:
        ps from now at which the request enters the network.
        """
        entry = None if past_l1 else self.find(line)
        if entry and not mask & ~entry[1]:
            self.stats["hits"] += 1
            return True
        coming = next(iter(entry[2].values())) if entry and entry[2] else None
        missing = mask & ~(entry[1] | (coming.mask if coming else 0)) if entry else mask
        if missing and self.load_room < sectors(missing):
            return False
        w.waiting += 1
        if entry and coming and not missing:
            coming.waiting.append(w)
            return True
        if not entry and not past_l1:
            entry = self.allocate(line)
        recorded = entry if entry and not coming else None
        fetch = self.fetches[self.next_fetch] = Fetch(line, missing, recorded, [w])
        if recorded:
            recorded[2][missing] = fetch
        self.load_room -= sectors(missing)
        self.stats["misses"] += 1
        at = self.physical(line * LINE)
        self.host.post(
            self.me,
            0,
            self.lane(at // LINE),
            leave,
            Message(at, self.next_fetch, self.p["request_bytes"], READ, missing),
        )
        self.next_fetch += 1
        return True

    def store_line(self, line: int, mask: int, leave: int) -> bool:
        """Write `mask` sectors of `line` through to the L2; False where store_room does not suffice.

        The tag is the number of sectors: the acknowledgement returns that much room. A store leaves
        L1 as it is.
        """
        n = sectors(mask)
        if self.store_room < n:
            return False
        self.store_room -= n
        at = self.physical(line * LINE)
        self.host.post(
            self.me, 0, self.lane(at // LINE), leave, Message(at, n, self.p["request_bytes"] + 32 * n, WRITE, mask)
        )
        self.stats["stored"] += 32 * n
        return True

    # -- warps and blocks

    def wake_at(self, key: int, at: int) -> None:
        """Schedule warp `key` to run at `at` fs, rounded up to whole ps so that it never runs early."""
        self.host.schedule(self.me, -(-at // FS) - self.host.time, 1, WAKE, key)

    def start_block(self, place: int, count: int) -> None:
        """Start the next block in `place`, or find out that the kernel has ended.

        Blocks are handed out in steps of `step`, so that SMs that run one grid take turns. Warps of
        32 threads start one after the other, warp_launch cycles apart. count: the loop count that
        warps begin with.
        """
        if self.next_block >= self.blocks:
            self.maybe_end()
            return
        self.running += 1
        block, n = self.next_block, (self.threads + 31) // 32
        self.next_block += self.step
        self.alive[place] = n
        for i in range(n):
            key = place * n + i
            self.warps[key] = Warp(block, i, place, count)
            self.launched = max(self.launched, self.host.time * FS) + self.p["warp_launch"] * self.period
            self.wake_at(key, self.launched)

    def pause(self, key: int, w: Warp) -> bool:
        """Whether the warp has to stop here: for fetches (answers wake it), or until its data is
        ready (a timer does).
        """
        if w.waiting:
            w.paused = True
            return True
        if w.ready > self.host.time * FS:
            self.wake_at(key, w.ready)
            return True
        return False

    def run(self, key: int) -> None:
        """Run warp `key` until it waits, stalls, or ends; the last warp of a block frees the place after turnaround.

        Instructions issue in order and take no time of their own: what costs time is the load-store
        unit, latency, and Work. A warp that stalls joins `stalled`, in order of arrival.
        """
        w = self.warps[key]
        while w.pc < len(self.ops):
            op = self.ops[w.pc]
            if op[0] == JUMP:
                w.pc = op[1]
                continue
            if op[0] in (LOAD, STORE, GATHER) or (op[0] == CHASE and not w.issued):
                if not self.memory(w, op):
                    self.stalled.append(key)
                    return
                w.issued = op[0] == CHASE
            if op[0] == SHARED and not self.shared(w, op):
                self.stalled.append(key)
                return
            if op[0] == COPY:
                self.copy(w, op)
            if op[0] == BARRIER and self.pending[op[1]]:
                w.barrier = op[1]
                return
            if op[0] in (CHASE, WAIT):
                if self.pause(key, w):
                    return
                w.issued = False
                self.stats["hops"] += op[0] == CHASE
            elif op[0] == LOOP:
                w.count += 1
                if w.count < op[2]:
                    w.pc = op[1]
                    continue
                w.count = 0
            elif op[0] == WORK:
                w.pc += 1
                self.wake_at(key, self.host.time * FS + op[1] * self.period)
                return
            w.pc += 1
        self.alive[w.place] -= 1
        if not self.alive[w.place]:
            self.stats["blocks"] += 1
            self.running -= 1
            self.host.schedule(self.me, self.p["turnaround"] * self.period // FS, 1, BLOCK, w.place)

    def resume_stalled(self) -> None:
        """Try stalled warps, oldest first, until one stalls again: a later one must not overtake it."""
        while self.stalled:
            key = self.stalled[0]
            w = self.warps[key]
            op = self.ops[w.pc]
            if not (self.shared(w, op) if op[0] == SHARED else self.memory(w, op)):
                return
            self.stalled.pop(0)
            if op[0] == CHASE:
                w.issued = True
            else:
                w.pc += 1
            self.run(key)

    # -- events

    def receive(self, m: Message) -> None:
        """Handle a message by port: command processor, cluster, copy engine, else an answer of memory."""
        if m.port == FRONT:
            self.from_front(m)
        elif m.port == CLUSTER:
            self.from_cluster(m)
        elif m.port == COPIES:
            self.from_copies(m)
        elif m.tag & OF_COPIES:
            self.answer_copies(m)
        elif m.kind == DONE:
            self.store_room += m.tag
            self.resume_stalled()
            self.maybe_end()
        else:
            self.answered(m)

    def answered(self, m: Message) -> None:
        """A fetch is back: its sectors become valid, its room is free, and the warps that waited for it go on."""
        fetch = self.fetches.pop(m.tag)
        if fetch.entry:
            self.find(fetch.line)
            fetch.entry[1] |= fetch.mask
            del fetch.entry[2][fetch.mask]
        self.load_room += sectors(fetch.mask)
        for w in reversed(fetch.waiting):
            self.load_back(w)
        self.resume_stalled()

    def load_back(self, w: Warp) -> None:
        """One load of a warp is back; the warp may have ended, if it did not wait for it."""
        w.waiting -= 1
        if not w.waiting and w.paused:
            w.paused = False
            self.run(w.place * ((self.threads + 31) // 32) + w.index)

    def timer(self, code: int, data: Any) -> None:
        """`data`: a Message to LEAVE, else a warp or a place."""
        if code == WAKE:
            self.run(data)
        elif code == BLOCK:
            self.start_block(data, 0)
        elif code == LEAVE:
            self.host.post(self.me, CLUSTER, 0, 0, data)
        elif code == STOP:
            self.blocks = 0
        else:
            self.launch()

    def launch(self) -> None:
        """Fill every place with a block. A program that follows an order fails here if none is attached."""
        if not self.order and any(op[0] in (CHASE, GATHER) for op in self.ops):
            self.host.fail(self.me, "the program follows a visiting order (Chase, Gather), and none is attached")
        for place in range(self.at_once):
            self.start_block(place, self.first + place * self.further)

    def touch(self, m: Message) -> int:
        """Serve an access outside time, to warm caches: returns the level that had the data (0: L1, 1: slice, ...)."""
        line = m.address // LINE
        entry = None if m.kind == WRITE else self.find(line)
        if entry and not m.mask & ~entry[1]:
            return 0
        if not entry and m.kind == READ:
            entry = self.allocate(line)
        if entry:
            entry[1] |= m.mask
        at = self.physical(m.address)
        return 1 + self.host.pass_on(self.me, 0, self.lane(at // LINE), Message(at, m.tag, m.bytes, m.kind, m.mask))


TWIN = PlainSm
