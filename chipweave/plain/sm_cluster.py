"""Plain twin of csrc/behaviours/sm/cluster.c: shared memory of the cluster, bulk copies, mbarriers.

Ports: MEMORY to the L2, CLUSTER to the other SMs of the cluster, COPIES to the copy engine, FRONT
to the command processor.
"""

from __future__ import annotations

from dataclasses import replace

from chipweave.plain.endpoints import DATA, DONE, READ, WRITE, Message
from chipweave.plain.llc_slice import sectors
from chipweave.plain.lsu import LINE, PlainLsu, lines_of
from chipweave.plain.sm_state import Fetch, Warp

FS, WAKE, LEAVE = 1000, 2, 5
MEMORY, CLUSTER, COPIES, FRONT = range(4)
OF_COPIES = 1 << 63


class PlainCluster(PlainLsu):
    """The part of an SM that is shared with its cluster; it uses the state that PlainSm sets up."""

    # -- shared memory

    def shared(self, w: Warp, op: list[int]) -> bool:
        """Issue a Shared operation of warp `w`: own shared memory, or that of the SM `further` ranks on in the cluster.

        False where a remote access has to wait for room. Own accesses cost bank conflicts in the
        load-store unit plus shared_cycles; remote ones go line by line over the cluster's network
        and share the room of global accesses.
        """
        _, base, cluster, further, warp_step, loop_step, lane_step, size, lanes, store = op
        first = base + w.index * warp_step + w.count * loop_step
        addresses = [first + lane * lane_step for lane in range(lanes)]
        rank, cluster = self.p["rank"], max(1, cluster)
        peer = rank // cluster * cluster + (rank + further) % cluster
        now, lines = self.host.time * FS, list(lines_of(addresses, size).items())
        if peer != rank and (self.store_room if store else self.load_room) < sectors(lines[w.line_done][1]):
            self.stats["stalls"] += 1
            return False
        start = now if w.line_done else self.lsu_take(now, self.bank_cycles(addresses, size))
        if peer == rank:
            if not store:
                extra = 2 * (self.wavefronts(lanes, size) - 1) * self.period
                w.ready = max(w.ready, start + extra + self.p["shared_cycles"] * self.period)
            return True
        for line, mask in lines[w.line_done :]:
            if not self.ask_peer(w, line, mask, peer, store, start):
                self.stats["stalls"] += 1
                return False
            w.line_done += 1
        w.line_done = 0
        return True

    def ask_peer(self, w: Warp, line: int, mask: int, peer: int, store: int, leave: int) -> bool:
        """Send one line of a remote access to SM `peer`; False without room.

        The address packs peer << 48 | own rank << 32 | byte offset, so that the peer knows whom to
        answer. leave is in fs.
        """
        room, n = ("store_room" if store else "load_room"), sectors(mask)
        if getattr(self, room) < n:
            return False
        setattr(self, room, getattr(self, room) - n)
        w.waiting += 1
        address = peer << 48 | self.p["rank"] << 32 | line * LINE & 0xFFFFFFFF
        size = self.p["request_bytes"] + (32 * n if store else 0)
        m = Message(address, self.next_fetch, size, WRITE if store else READ, mask)
        self.fetches[self.next_fetch] = Fetch(line, mask, None, [w])
        self.next_fetch += 1
        self.host.schedule(self.me, leave // FS - self.host.time, 1, LEAVE, m)
        return True

    def from_cluster(self, m: Message) -> None:
        """A remote request to serve, or the answer to one of ours.

        A served request takes one cycle of this SM's load-store unit: remote accesses slow the
        owner down.
        """
        n, read = sectors(m.mask), m.kind in (READ, DATA)
        if m.kind in (READ, WRITE):
            at = self.lsu_take(self.host.time * FS, 1) + self.p["shared_cycles"] * self.period
            self.stats["served"] += 32 * n
            size = self.p["request_bytes"] + (32 * n if read else 0)
            self.host.schedule(
                self.me, at // FS - self.host.time, 1, LEAVE, replace(m, kind=DATA if read else DONE, bytes=size)
            )
            return
        if read:
            self.load_room += n
        else:
            self.store_room += n
        self.stats["remote"] += 32 * n
        for w in self.fetches.pop(m.tag).waiting:
            self.load_back(w)
        self.resume_stalled()

    # -- bulk copies

    def copy(self, w: Warp, op: list[int]) -> None:
        """Start a bulk copy of `size` bytes by the copy engine; `barrier` counts the bytes still to come."""
        _, descriptor, box, a_block, a_loop, size, barrier, store = op[:8]
        self.pending[barrier] += size
        kind = WRITE if store else READ
        self.host.post(
            self.me,
            COPIES,
            0,
            0,
            Message(box + w.block * a_block + w.count * a_loop, descriptor << 8 | barrier, 0, kind),
        )

    def from_copies(self, m: Message) -> None:
        """The copy engine's access to memory goes out over this SM's links; a store takes a cycle
        to read shared memory.
        """
        at, now, store = self.physical(m.address), self.host.time * FS, m.kind == WRITE
        start = self.lsu_take(now, 1) if store else now
        leave = (start + self.p["miss_cycles"] * self.period) // FS - self.host.time
        size = self.p["request_bytes"] + (32 * sectors(m.mask) if store else 0)
        self.host.post(
            self.me, MEMORY, self.lane(at // LINE), leave, Message(at, m.tag | OF_COPIES, size, m.kind, m.mask)
        )

    def answer_copies(self, m: Message) -> None:
        """Memory answers a copy: pass it to the engine; the last bytes of a barrier wake the warps that wait at it.

        Bits 8 to 11 of the tag are the sectors, bits 0 to 7 the barrier.
        """
        barrier, size, now = m.tag & 255, 32 * sectors(m.tag >> 8 & 15), self.host.time * FS
        if m.kind == DATA:
            now = self.lsu_take(now, 1)
        self.host.post(self.me, COPIES, 0, 0, Message(tag=m.tag & ~OF_COPIES, kind=m.kind))
        self.stats["copied"] += size
        self.pending[barrier] -= size
        if self.pending[barrier]:
            return
        for key, w in sorted(self.warps.items()):
            if w.barrier == barrier:
                w.barrier = None
                self.wake_at(key, now + self.p["shared_cycles"] * self.period)

    # -- command processor

    def from_front(self, m: Message) -> None:
        """A kernel finds L1 empty; what the one before has not waited for fills no entry."""
        for fetch in self.fetches.values():
            fetch.entry = None
        self.sets = [[None] * self.p["l1_ways"] for _ in range(self.p["l1_sets"])]
        self.command, self.blocks, self.next_block = m, m.address, self.first_block
        self.launch()

    def maybe_end(self) -> None:
        """Report the end of a kernel: all blocks over and all stores acknowledged, as a device-wide barrier needs."""
        if (
            self.command
            and not self.running
            and self.next_block >= self.blocks
            and self.store_room == self.p["store_sectors"]
        ):
            command, self.command = self.command, None
            self.host.reply(self.me, 0, command, Message(tag=command.tag, kind=DONE))
