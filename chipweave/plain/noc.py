"""The plain network of virtual-channel routers: the oracle of the C kernel on small systems.

Cycle t: endpoints take what arrives (that is the arrival time) and credits; routers take arrivals; endpoints send at
most one flit each (the injection time) and return ejection credits; routers evaluate and update; routers send. A flit
or credit sent in cycle t over a wire of latency L is received in cycle t + 1 + L.
"""

from __future__ import annotations

import random
from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Any

from chipweave.plain.noc_router import PlainRouter
from chipweave.plain.noc_vc import Choice, OutputVc


@dataclass
class Packet:
    """One packet: src and dst are endpoints, size is flits, times are cycles (-1: not yet).

    ctime: created; itime: head injected; atime: tail arrived. hops counts routers passed.
    """

    src: int
    dst: int
    size: int
    ctime: int
    vc_class: int = 0
    itime: int = -1
    atime: int = -1
    hops: int = 0
    column: int = -1  # of the routing table: the endpoint, by the way it goes


class Flit:
    """A flit; vc, phase, hops and route change on its way, the packet does not.

    phase: 0 before, 1 behind the dateline of its ring. route: look-ahead routing's answer for the
    next router.
    """

    __slots__ = ("packet", "head", "tail", "vc", "phase", "hops", "priority", "route")

    def __init__(self, packet: Packet, index: int) -> None:
        self.packet, self.head, self.tail = packet, index == 0, index == packet.size - 1
        self.vc = -1  # none yet
        self.route: list[Choice] | None = None
        self.phase, self.hops, self.priority = 0, 0, 0


class Endpoint:
    """Source queues, one per traffic class, and the sender's view of the first router's input port."""

    def __init__(self, options: Any) -> None:
        self.queues: list[deque[Packet]] = [deque() for _ in range(options.vc_classes)]
        self.flits: list[deque[Flit]] = [deque() for _ in range(options.vc_classes)]
        self.out = [OutputVc(options.vc_depth, options.wait_for_tail_credit) for _ in range(options.vcs)]
        self.last_vc = [-1] * options.vc_classes
        self.last_class = 0


class PlainNetwork:
    """`network` (chipweave.noc.routing.RouterGraph) of routers with `options` (chipweave.noc.router.Router).

    seed: of what breaks ties between the two ways round a torus; None: always the table's
    way. Everything on a wire is kept by the cycle in which it is due.
    """

    def __init__(self, network: Any, options: Any, seed: int | None = None) -> None:
        self.network, self.options, self.now = network, options, 0
        self.tie_break = random.Random(seed) if seed is not None else None
        self.routers = [PlainRouter(self, r, int(p)) for r, p in enumerate(network.ports)]
        self.ends = [Endpoint(options) for _ in network.terminals]
        self.wires = network.wires()
        self.back = {(link.dst, link.dst_port): link for link in network.links}
        self.end_at = {terminal: e for e, terminal in enumerate(network.terminals)}
        # by the cycle in which they are due
        self.flits_due: defaultdict[int, list[tuple[int, int, Flit]]] = defaultdict(list)  # (router, port, flit)
        self.credits_due: defaultdict[int, list[tuple[int, int, int, set[int]]]] = defaultdict(list)
        self.ejected: defaultdict[int, list[tuple[int, Flit]]] = defaultdict(list)  # (endpoint, flit)
        self.end_credits: defaultdict[int, list[tuple[int, set[int]]]] = defaultdict(list)
        self.flits: defaultdict[tuple[int, int, int], int] = defaultdict(int)  # (router, output port, VC) -> flits sent
        self.passed: defaultdict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
        # of passed: (router, output port), (-1, endpoint): (cycle, src, dst) of every flit
        self.left = 0
        self.next_way, self.terminal_latency = [0] * len(network.terminals), network.terminal_latencies()

    # What a router asks

    def interval(self, router: int, port: int) -> int:
        """Cycles for each flit of the wire behind (router, port): 1, or more for a narrow one."""
        link = self.wires.get((router, port))
        return link.interval if link else 1

    def count(self, router: int, port: int, vc: int) -> None:
        """Count a flit that passes the crossbar."""
        self.flits[router, port, vc] += 1

    def route_at_next(self, router: int, port: int, flit: Flit, vc: int) -> list[Choice] | None:
        """Route at the router behind (router, port); None where an endpoint is behind it."""
        link = self.wires.get((router, port))
        return self.route(link.dst, link.dst_port, flit, vc) if link else None

    def next_ports(self, router: int, port: int) -> int:
        return int(self.network.ports[self.wires[router, port].dst])

    def route(self, router: int, in_port: int, flit: Flit, in_vc: int) -> list[Choice]:
        """[(output port, first VC, last VC, rank)] for a head flit at an input port.

        Three sorts of tables: `minimal` (adaptive; the first VC is the escape channel, a packet
        that has entered it stays), `phase` (dateline; half of the VCs for each phase), and plain
        ones (all VCs of the class).
        """
        net, goal = self.network, flit.packet.dst
        port = int(net.table[router, flit.packet.column])
        first, last = self.options.vc_range(flit.packet.vc_class)
        if net.terminals[goal][0] == router:
            return [(port, first, last, 0)]
        if net.minimal is not None:
            choices = [(port, first, first, 0)]
            if in_vc != first or (router, in_port) in self.end_at:
                ways = int(net.minimal[router, goal])
                choices += [(p, first + 1, last, 1) for p in range(64) if ways >> p & 1 and last > first]
            return choices
        if net.phase is not None:
            if net.dims[router, in_port] != net.dims[router, port]:
                if net.tie[router, goal] and self.tie_break and self.tie_break.random() < 0.5:
                    port ^= 1
                flit.phase = int(net.phase[router, goal])
            else:
                port = in_port ^ 1
            half = (last - first + 1) // 2
            return [(port, first + half, last, 0) if flit.phase else (port, first, last - half, 0)]
        return [(port, first, last, 0)]

    def send_flit(self, router: int, port: int, flit: Flit, now: int) -> None:
        """Put a flit on the wire behind (router, port), to a router or to an endpoint."""
        link = self.wires.get((router, port))
        if link:
            self.flits_due[now + 1 + link.latency].append((link.dst, link.dst_port, flit))
        else:
            self.ejected[now + 1 + self.terminal_latency[self.end_at[router, port]]].append(
                (self.end_at[router, port], flit)
            )

    def send_credit(self, router: int, port: int, vcs: set[int], now: int) -> None:
        """Return credits of `vcs` to the sender behind input (router, port)."""
        link = self.back.get((router, port))
        if link:
            due = now + 1 + link.latency
            self.credits_due[due].append((link.src, due + self.options.credit_delay, link.src_port, vcs))
        else:
            end = self.end_at[router, port]
            self.end_credits[now + 1 + self.terminal_latency[end]].append((end, vcs))

    # One cycle

    def add(self, packet: Packet) -> None:
        """Queue a packet; it can be sent from its ctime on. Of one source they must come in order of ctime."""
        if packet.column < 0:
            packet.column = self.column(packet.src, packet.dst)
        self.ends[packet.src].queues[packet.vc_class].append(packet)
        self.left += 1

    def column(self, src: int, dst: int, count: bool | None = None) -> int:
        """The column that a message goes by, or a packet; a message or packet that is counted takes its turn."""
        net = self.network
        if net.ways == 1:
            return dst
        ends, turn = len(net.terminals), dst
        if net.spread == "pair":
            turn = src + (dst - src - 1) % ends
        elif net.spread == "message" if count is None else count:
            turn += self.next_way[src]
            self.next_way[src] += 1
        return dst + turn % net.ways * ends

    def step(self) -> None:
        """One cycle, in the order of the head of this file."""
        now = self.now
        taken = self.ejected.pop(now, [])
        for end, vcs in self.end_credits.pop(now, []):
            for vc in vcs:
                self.ends[end].out[vc].credit()
        for router, port, flit in self.flits_due.pop(now, []):
            if self.options.priority == "local_age":
                flit.priority = -now
            self.landed(router, port, flit)
            self.routers[router].arrived.append((port, flit))
        for router, due, port, vcs in self.credits_due.pop(now, []):
            self.routers[router].credits.append((due, port, vcs))
        for number, source in enumerate(self.ends):
            self.inject(number, source, now)
        for end, flit in taken:
            self.eject(end, flit, now)
        for one in self.routers:
            one.evaluate(now)
        for one in self.routers:
            one.send(now)
        self.now += 1

    def landed(self, router: int, port: int, flit: Flit) -> None:
        """A flit has arrived at an input port; nothing is kept of it here."""

    def eject(self, end: int, flit: Flit, now: int) -> None:
        """An endpoint takes a flit and returns its credit; it always has room."""
        router, port = self.network.terminals[end]
        due = now + 1 + self.terminal_latency[end]
        self.credits_due[due].append((router, due + self.options.credit_delay, port, {flit.vc}))
        if flit.tail:
            flit.packet.atime, flit.packet.hops = now, flit.hops
            self.left -= 1

    def inject(self, number: int, end: Endpoint, now: int) -> None:
        """Send at most one flit of endpoint `number`: of the class with the highest priority, ties round the classes.

        A class's packet starts only when its queue has sent the one before it. A held packet goes
        on first.
        """
        chosen, classes = None, self.options.vc_classes
        for vc_class in range(classes):
            if not end.flits[vc_class] and end.queues[vc_class] and end.queues[vc_class][0].ctime <= now:
                packet = end.queues[vc_class].popleft()
                end.flits[vc_class].extend(Flit(packet, i) for i in range(packet.size))
                for flit in end.flits[vc_class]:
                    flit.priority = {"age": -packet.ctime, "class": -vc_class}.get(self.options.priority, 0)
        turns = [(end.last_class + i) % classes for i in range(1, classes + 1)]
        if self.options.hold_switch_for_packet:
            waiting = end.flits[end.last_class]
            if waiting and not waiting[0].head and not end.out[waiting[0].vc].full:
                chosen, turns = waiting[0], turns[:-1]
        for vc_class in turns:
            if not end.flits[vc_class]:
                continue
            flit = end.flits[vc_class][0]
            if chosen and chosen.priority >= flit.priority:
                continue
            if flit.head and flit.vc < 0:
                flit.vc = self.choose_vc(number, end, flit, vc_class)
            if flit.vc >= 0 and not end.out[flit.vc].full:
                chosen = flit
        if chosen:
            self.put(number, end, chosen, now)

    def choose_vc(self, number: int, end: Endpoint, flit: Flit, vc_class: int) -> int:
        """First VC after the last one used that is free and has room; the very first packet only looks at the first."""
        first, last = self.options.vc_range(vc_class)
        router, port = self.network.terminals[number]
        if self.options.noq:
            flit.route = self.route(router, port, flit, first)
            part = (last - first + 1) // int(self.network.ports[router])
            first += flit.route[0][0] * part
            last = first + part - 1
        for step in range(1, last - first + 2):
            before = end.last_vc[vc_class]
            vc = first if not first <= before <= last else first + (before - first + step) % (last - first + 1)
            out = end.out[vc]
            whole = self.options.flow_control != "cut_through" or out.depth - out.occupied >= flit.packet.size
            if out.owner is None and not out.full and whole:
                return vc
        return -1

    def put(self, number: int, end: Endpoint, flit: Flit, now: int) -> None:
        """A flit leaves its endpoint: a head takes its VC; the next flit of the packet uses the same."""
        router, port = self.network.terminals[number]
        vc_class = flit.packet.vc_class
        if flit.head:
            if self.options.routing_delay == 0 and not self.options.noq:
                flit.route = self.route(router, port, flit, flit.vc)
            end.out[flit.vc].take(flit.packet)
            end.last_vc[vc_class] = flit.vc
            flit.packet.itime = now
            if self.network.spread == "packet":
                flit.packet.column = self.column(flit.packet.src, flit.packet.dst, True)
        end.last_class = vc_class
        end.flits[vc_class].popleft()
        end.out[flit.vc].sending(flit)
        self.passed[-1, number].append((now, flit.packet.src, flit.packet.dst))
        if self.options.priority == "network_age":
            flit.priority = -now
        if end.flits[vc_class]:
            end.flits[vc_class][0].vc = flit.vc
        self.flits_due[now + 1 + self.terminal_latency[number]].append((router, port, flit))

    def run(self, packets: list[Packet], limit: int = 10_000_000) -> list[Packet]:
        """Inject `packets` and step until all have arrived or `limit` cycles are over. Returns them."""
        for packet in sorted(packets, key=lambda p: p.ctime):
            self.add(packet)
        while self.left and self.now < limit:
            self.step()
        return packets
