"""Plain twin of csrc/behaviours/hbm_channel/hbm_channel.c: timing rules, access order and refresh of one channel.

Times inside are whole memory-clock cycles (nXXX, as JESD235/238 name them), times of messages ps. A
channel has `pseudo_channels`, each with its own command timing, banks and queues; they share only
the clock.
"""

from __future__ import annotations

from chipweave.io import native
from chipweave.plain.endpoints import DATA, DONE, WRITE, Message, PlainCore

LINE, WINDOW, LONG_AGO = 128, 64, -(1 << 60)
FFI, LIB = native.load("hbm_channel")
ACT, PRE, RD, WR, REFAB, REFPB = (getattr(LIB, f"HBM_{name}") for name in "ACT PRE RD WR REFAB REFPB".split())
PC, GROUP, BANK = LIB.HBM_PC, LIB.HBM_GROUP, LIB.HBM_BANK
FIRST, LAST, BURSTS, FOURTH = (getattr(LIB, f"HBM_FROM_{name}") for name in "FIRST LAST BURSTS FOURTH".split())


def constraints() -> list[tuple[int, int, int, int, str]]:
    """The table of csrc/behaviours/hbm_channel/timing.h: (level, preceding, following, counted from, cycles)."""
    n = FFI.new("int32_t *")
    rows = LIB.hbm_constraints(n)
    return [
        (r.level, r.preceding, r.following, getattr(r, "from"), FFI.string(r.cycles).decode()) for r in rows[0 : n[0]]
    ]


def worked_out(expression: str, cycles: dict[str, int]) -> int:
    """The value of an expression of the table: names of JEDEC, sums, max()."""
    return eval(expression, {"__builtins__": {}, "max": max}, cycles)  # the text is our own table's


class PlainRules:
    """Earliest cycle of each command at the levels pseudo channel, bank group, bank; every constraint, one by one."""

    def __init__(self, p: dict[str, int]) -> None:
        self.p = p
        self.pc = [LONG_AGO] * 6
        self.group = [[LONG_AGO] * 6 for _ in range(p["bank_groups"])]
        self.bank = [[LONG_AGO] * 6 for _ in range(p["banks"])]
        self.acts = [LONG_AGO] * 4
        self.rows = [(*row, worked_out(text, p)) for *row, text in constraints()]

    def earliest(self, command: int, bank: int) -> int:
        """The first cycle at which `command` may go to `bank`: every constraint of its three levels holds by then.

        The four-activate window (FOURTH) counts from the fourth last ACT; REFAB waits for all
        banks.
        """
        at = max(self.pc[command], self.group[bank % self.p["bank_groups"]][command], self.bank[bank][command])
        for _, preceding, following, counted_from, cycles in self.rows:
            if counted_from == FOURTH and preceding == following == command:
                at = max(at, self.acts[-4] + cycles)
        if command == REFAB:
            at = max([at, *(b[REFAB] for b in self.bank)])
        return at

    def issue(self, command: int, bank: int, t: int, bursts: int = 1) -> None:
        """Record that `command` goes to `bank` in cycle `t` with `bursts` bursts, and what it forbids until when.

        A constraint counts from the first burst, the last one, or once for each burst (`counted
        from` of the table).
        """
        level = {PC: self.pc, GROUP: self.group[bank % self.p["bank_groups"]], BANK: self.bank[bank]}
        last = t + (bursts - 1) * self.p["nCCDL"]
        for where, preceding, following, counted_from, cycles in self.rows:
            if preceding != command or counted_from == FOURTH:
                continue
            at = {FIRST: t + cycles, LAST: last + cycles, BURSTS: t + bursts * cycles}[counted_from]
            level[where][following] = max(level[where][following], at)
        if command == ACT:
            self.acts.append(t)


class Entry:
    """A request: its message, place in the banks, and whether a row was opened for it."""

    def __init__(self, m: Message, bank: int, row: int) -> None:
        self.m, self.bank, self.row, self.bursts, self.opened = m, bank, row, bin(m.mask & 15).count("1"), False


class PlainPseudo:
    """One pseudo channel: rules, open rows, two queues (reads, writes) of which the first 64 are looked at."""

    def __init__(self, p: dict[str, int], index: int) -> None:
        self.rules = PlainRules(p)
        self.open: list[int | None] = [None] * p["banks"]
        self.seen: list[list[Entry]] = [[], []]
        self.beyond: list[list[Entry]] = [[], []]
        self.wake: int | None = None
        self.writing, self.refresh_bank = 0, 0
        self.refresh_at = (p["phase"] + index * p["nREFI"] // p["pseudo_channels"]) % p["nREFI"]


class PlainHbmChannel:
    """State as in the C struct; `stats` are the engine's: statistic -> value."""

    stats: dict[str, int]  # set by the engine

    def __init__(self, host: PlainCore, me: int, parameters: dict[str, int]) -> None:
        self.host, self.me, self.p = host, me, parameters
        self.pcs = [PlainPseudo(parameters, i) for i in range(parameters["pseudo_channels"])]

    def ps_of(self, cycle: int) -> int:
        """Time of a clock edge in ps, to the nearest; tck is in fs."""
        return (cycle * self.p["tck"] + 500) // 1000

    def receive(self, m: Message) -> None:
        """Place a request in the banks and queue it; one that finds 64 of its kind waits out of sight.

        Units of consecutive lines are dealt to pseudo channels, then to bank groups, so that a
        stream pays nCCDS and not nCCDL; the bank is rotated by the row, so that a large
        power-of-two stride does not fall on one bank.
        """
        p, now = self.p, -(-self.host.time * 1000 // self.p["tck"])
        unit = m.address // LINE // p["unit"]
        pc, turn = self.pcs[unit % p["pseudo_channels"]], unit // p["pseudo_channels"]
        groups, banks = p["bank_groups"], p["banks"] // p["bank_groups"]
        rest = turn // groups * p["unit"] // p["row_lines"]
        row = rest // banks
        entry = Entry(m, (rest + row) % banks * groups + (turn % groups + row) % groups, row)
        kind = int(m.kind == WRITE)
        if not pc.seen[0] and not pc.seen[1]:
            self.end_of_pause(pc, now)
        if len(pc.seen[kind]) == WINDOW:
            pc.beyond[kind].append(entry)
            return
        self.see(pc, kind, entry)
        self.step(pc, now)

    def see(self, pc: PlainPseudo, kind: int, entry: Entry) -> None:
        """Take a request into the window. A write is acknowledged here: it is posted, its data is in the controller."""
        pc.seen[kind].append(entry)
        if kind:
            done = Message(entry.m.address, entry.m.tag, self.p["request_bytes"], DONE, 0)
            self.host.reply(self.me, 0, entry.m, done)

    # -- refresh

    def refresh_next(self, pc: PlainPseudo, t: int) -> None:
        """Per-bank refresh of the next bank in turn, not before cycle `t`; an open row is closed first."""
        b, every = pc.refresh_bank, self.p["nREFI"] // self.p["banks"]
        if pc.open[b] is not None:
            t = max(t, pc.rules.earliest(PRE, b))
            pc.rules.issue(PRE, b, t)
            pc.open[b] = None
        pc.rules.issue(REFPB, b, max(t, pc.rules.earliest(REFPB, b)))
        self.stats["refreshes_bank"] += 1
        pc.refresh_bank, pc.refresh_at = (b + 1) % self.p["banks"], pc.refresh_at + every

    def end_of_pause(self, pc: PlainPseudo, now: int) -> None:
        """Catch up with the refreshes that fell due while nothing was queued.

        Those that lie wholly in the past are counted, not simulated; only the last, which may still
        block a bank, is issued.
        """
        p, interval = self.p, self.p["nREFI"]
        if now < pc.refresh_at:
            return
        if p["refresh_all"]:
            last = pc.refresh_at + (now - pc.refresh_at) // interval * interval
            self.stats["refreshes_all"] += (last - pc.refresh_at) // interval + 1
            pc.open = [None] * p["banks"]
            pc.rules.issue(REFAB, 0, last)
            pc.refresh_at = last + interval
            return
        every = interval // p["banks"]
        past = (now - pc.refresh_at) // every - p["nRFCpb"] // every - 1
        if past > 0:
            pc.refresh_bank, pc.refresh_at = (pc.refresh_bank + past) % p["banks"], pc.refresh_at + past * every
            self.stats["refreshes_bank"] += past
            if past >= p["banks"]:
                pc.open = [None] * p["banks"]
        while pc.refresh_at <= now:
            self.refresh_next(pc, pc.refresh_at)

    # -- access order

    def open_rows(self, pc: PlainPseudo, queue: list[Entry], now: int) -> list[int]:
        """Open a row for the oldest request of each bank whose row no request of the window still wants.

        First-ready, first-come: a bank with hits left keeps its row. Returns the cycles at which
        commands that are too early now become legal.
        """
        later = []
        wanted = {e.bank for e in queue if pc.open[e.bank] == e.row}
        for e in queue:
            if e.bank in wanted:
                continue
            wanted.add(e.bank)
            closed = pc.open[e.bank] is None
            t = pc.rules.earliest(ACT if closed else PRE, e.bank)
            if t > now:
                later.append(t)
                continue
            if not closed:
                pc.rules.issue(PRE, e.bank, now)
            pc.rules.issue(ACT, e.bank, max(now, pc.rules.earliest(ACT, e.bank)))
            pc.open[e.bank], e.opened = e.row, True
            self.stats["activates"] += 1
        return later

    def column(self, pc: PlainPseudo, kind: int, entry: Entry, now: int) -> None:
        """Read or write the bursts of one request, answer a read, and let the next one into the window.

        Data of a read ends nCL + (bursts - 1) nCCDL + nBL cycles after the command; `controller` ps
        come on top.
        """
        p = self.p
        pc.rules.issue(WR if kind else RD, entry.bank, now, entry.bursts)
        self.stats["writes" if kind else "reads"] += 1
        self.stats["row_hits"] += not entry.opened
        self.stats["bus_busy"] += self.ps_of(entry.bursts * p["nBL"])
        if not kind:
            end = now + p["nCL"] + (entry.bursts - 1) * p["nCCDL"] + p["nBL"]
            data = Message(entry.m.address, entry.m.tag, p["request_bytes"] + 32 * entry.bursts, DATA, entry.m.mask)
            self.host.reply(self.me, self.ps_of(end) + p["controller"] - self.host.time, entry.m, data)
        pc.seen[kind].remove(entry)
        if pc.beyond[kind]:
            self.see(pc, kind, pc.beyond[kind].pop(0))

    def choose_direction(self, pc: PlainPseudo) -> None:
        """Read or write next: writes drain from high_mark down to low_mark, or while there are no reads."""
        reads, writes, was = len(pc.seen[0]), len(pc.seen[1]), pc.writing
        if was:
            pc.writing = int(writes > 0 and (writes > self.p["low_mark"] or not reads))
        else:
            pc.writing = int(writes >= self.p["high_mark"] or (writes > 0 and not reads))
        self.stats["turnarounds"] += was != pc.writing

    def step(self, pc: PlainPseudo, now: int) -> None:
        """Issue all that is legal in cycle `now`, then schedule the next step at the earliest cycle anything is.

        Rows are opened for all banks before a column command is chosen: commands of both kinds
        overlap.
        """
        while pc.refresh_at <= now:
            self.refresh_next(pc, now)
        while True:
            self.choose_direction(pc)
            queue, command = pc.seen[pc.writing], WR if pc.writing else RD
            later = self.open_rows(pc, queue, now)
            entry = None
            for e in queue:
                if pc.open[e.bank] == e.row:
                    t = pc.rules.earliest(command, e.bank)
                    if t <= now:
                        entry = e
                        break
                    later.append(t)
            if entry is None:
                break
            self.column(pc, pc.writing, entry, now)
        if not pc.seen[0] and not pc.seen[1]:
            pc.wake = None
            return
        at = min([pc.refresh_at, *later])
        if pc.wake != at:
            pc.wake = at
            self.host.schedule(self.me, self.ps_of(at) - self.host.time, 2, self.pcs.index(pc), at)

    def timer(self, code: int, data: int) -> None:
        """A step that was scheduled for cycle `data`; one that was scheduled again for another cycle is ignored."""
        pc = self.pcs[code]
        if pc.wake == data:
            pc.wake = None
            self.step(pc, data)


TWIN = PlainHbmChannel
