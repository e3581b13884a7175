"""Link model `flit`, plainly: the twin of csrc/flit/link_model.c over the plain routers. Every cycle is stepped.

Statistics: bytes, wire bytes and busy ps as in C; the plain routers do not count stalls.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from heapq import heappop, heappush
from math import ceil, floor
from typing import Any

from chipweave.chain.link_statistics import LinkStatistics, keeps_to_routes
from chipweave.chain.nouns import PS_PER_SECOND
from chipweave.plain.links import PlainBins
from chipweave.plain.noc import Endpoint, Flit, Packet, PlainNetwork


class Routers(PlainNetwork):
    """The plain network, telling what arrives and what leaves an output port."""

    def __init__(self, network: Any, options: Any) -> None:
        super().__init__(network, options)
        self.tails: list[Packet] = []
        self.granted: list[tuple[int, int]] = []  # (router or -1, output port or endpoint)
        self.landings: list[tuple[Packet, int, int, int]] | None = None  # of tails: (packet, hops, router, input port)

    def eject(self, end: int, flit: Flit, now: int) -> None:
        """As PlainNetwork, and keep the packets whose tail has arrived."""
        super().eject(end, flit, now)
        if flit.tail:
            self.tails.append(flit.packet)

    def landed(self, router: int, port: int, flit: Flit) -> None:
        """Keep where tails have arrived, once somebody wants to know."""
        if self.landings is not None and flit.tail:
            self.landings.append((flit.packet, flit.hops, router, port))

    def count(self, router: int, port: int, vc: int) -> None:
        """As PlainNetwork, and keep where the flit was granted the crossbar."""
        super().count(router, port, vc)
        self.granted.append((router, port))

    def put(self, number: int, end: Endpoint, flit: Flit, now: int) -> None:
        """As PlainNetwork, and keep which endpoint injected."""
        super().put(number, end, flit, now)
        self.granted.append((-1, number))


class PlainFlit:
    """Times are absolute ps. `advance(t)` gives the messages that arrive by t; t is never later than `next_time()`.

    A message is cut into packets of at most packet_flits flits, and has arrived with the last tail
    of them. plan: traffic classes of stages and flits for each byte; spec: network, router and
    clock.
    """

    def __init__(self, network: Any, plan: Any, bin_ps: int, max_bins: int) -> None:
        self.network, self.plan, self.spec = network, plan, plan.spec
        self.routers = Routers(self.spec.network, self.spec.router)
        self.turn = [0] * self.spec.traffic
        self.own: list[tuple[int, int]] = []  # (time, message) to their own source
        self.left: dict[int, int] = {}  # message: packets under way
        self.message_of: dict[int, tuple[int, Packet]] = {}  # by id of the packet
        places = [(r, p) for r, n in enumerate(self.spec.network.ports.tolist()) for p in range(n)]
        places += [(-1, e) for e in range(self.spec.network.endpoints)]
        self.link_of = {places[row]: i for i, row in enumerate(self.spec.link_rows.tolist())}
        self.interval = [Fraction(*ratio) for ratio in self.spec.link_intervals()]
        self.sent = [0] * len(self.spec.link_rows)
        self.bins = PlainBins(len(network.links), bin_ps, max_bins)
        self.payload, self.bytes_sent, self.flits_sent = [0] * len(network.links), 0, 0
        self.fixed = keeps_to_routes(self.spec.network)
        self.first: dict[int, Packet] = {}  # of each message under way that is followed, its first packet
        self.way: dict[int, dict[int, tuple[int, int]]] = {}  # message -> hop -> (link, cycle) of the last tail so far
        self.crossings: list[tuple[int, int, int]] = []
        self.endpoint_of = dict(network.options).get("endpoint_of")
        self.grain, self.sent_alone = self.spec.grain, 0
        self.alone: list[tuple[int, int, int]] = []  # beside the routers: (time, order, message), a heap

    def edge(self, cycle: int, faster: int = 1) -> int:
        """Time of a clock edge: round(cycle * 1e12 / Hz), halves up; `faster`: of a clock that many times faster."""
        return floor(cycle * PS_PER_SECOND / (self.spec.clock * faster) + Fraction(1, 2))

    def cycle_after(self, time: int, faster: int = 1) -> int:
        """The first cycle whose edge is after `time`."""
        cycle = max(0, floor(time * self.spec.clock * faster / PS_PER_SECOND) - 1)
        while self.edge(cycle, faster) <= time:
            cycle += 1
        return cycle

    def send(self, now: int, message: int, source: int, target: int, size: int, stage: tuple[str, str]) -> None:
        """Queue message `message` of `size` bytes; it can be injected from the first clock edge after `now`.

        stage: (chain, stage), which decides the traffic class; the ranges of VCs of a class take
        turns. A message to its own source takes no time. source, target: dies, whose endpoints
        `endpoint_of` tells apart where these are numbered otherwise; routes are those between dies.
        """
        die, other = source, target
        route = self.network.routes(source, target) if self.fixed else ()
        if self.endpoint_of:
            source, target = self.endpoint_of[source], self.endpoint_of[target]
        if source == target:
            self.own.append((now, message))
            return
        if self.grain > 1 and size * self.plan.flits_per_byte * self.grain <= 1:
            self._beside(now, message, size, self.network.routes(die, other))
            return
        if not self.left:
            self._idle_until(self.cycle_after(now))
        traffic = self.plan.class_of[stage]
        vc_class = traffic * self.spec.ranges + self.turn[traffic] % self.spec.ranges
        self.turn[traffic] += 1
        flits, start = max(1, ceil(size * self.plan.flits_per_byte)), self.cycle_after(now)
        self.bytes_sent, self.flits_sent = self.bytes_sent + size, self.flits_sent + flits
        for link in route:
            self.payload[link] += size
        sizes = [min(self.spec.packet_flits, flits - at) for at in range(0, flits, self.spec.packet_flits)]
        self.left[message] = len(sizes)
        column = self.routers.column(source, target)
        for size in sizes:
            packet = Packet(source, target, size, start, vc_class, column=column)
            self.message_of[id(packet)] = (message, packet)
            if self.routers.landings is not None:
                self.first.setdefault(message, packet)
            self.routers.add(packet)

    def _beside(self, now: int, message: int, size: int, route: Sequence[int]) -> None:
        """Send a message of one fine flit beside the routers."""
        cycles = self.plan.alone.base + sum(self.plan.alone.link[link] for link in route)
        time = self.edge(self.cycle_after(now, self.grain) + cycles, self.grain)
        for link in route:
            busy = floor(self.interval[link] * PS_PER_SECOND / (self.spec.clock * self.grain))
            self.bins.add(link, time, self.spec.flit_bytes // self.grain, busy)
            self.payload[link] += size
        self.bytes_sent, self.sent_alone = self.bytes_sent + size, self.sent_alone + 1
        heappush(self.alone, (time, self.sent_alone, message))

    def statistics(self) -> LinkStatistics:
        """Link statistics, with payload by link where every message of a pair takes one way, else in total only."""
        payload, flit = self.payload if self.fixed else None, self.spec.flit_bytes
        on_wire = self.flits_sent * flit + self.sent_alone * (flit // self.grain)
        return LinkStatistics.of_flits(self.bins.statistics(), payload, self.bytes_sent, on_wire)

    def _idle_until(self, cycle: int) -> None:
        """Nothing is under way but credits: step until the last one is home, then jump."""
        home = (
            self.routers.now
            + 2 * max([k.latency for k in self.spec.network.links], default=1)
            + self.spec.router.credit_delay
            + 8
        )
        while self.routers.now < min(cycle, home):
            self.routers.step()
        self.routers.now = max(self.routers.now, cycle)

    def next_time(self) -> int | None:
        """ps of the next instant at which anything may arrive; None where nothing is under way."""
        if self.own:
            return self.own[0][0]
        times = [self.edge(self.routers.now)] if self.left else []
        return min([*times, self.alone[0][0]] if self.alone else times, default=None)

    def advance(self, now: int) -> list[int]:
        """Step to `now`; returns the messages that have arrived, in the order of their last tails."""
        arrived = [message for _, message in self.own]
        self.own = []
        while self.alone and self.alone[0][0] <= now:
            arrived.append(heappop(self.alone)[2])
        while self.left and self.edge(self.routers.now) <= now:
            self.routers.step()
            self._count()
            self._follow()
            for packet in self.routers.tails:
                message, _ = self.message_of.pop(id(packet))
                self.left[message] -= 1
                if not self.left[message]:
                    del self.left[message]
                    self._ended(message)
                    arrived.append(message)
            self.routers.tails.clear()
        return arrived

    def record(self) -> None:
        """Keep from now on when each message was where."""
        self.routers.landings = []

    def trails(self) -> list[tuple[int, int, int]]:
        """(message, link, ps), taken out, as `chipweave.fabric.Engine.trails`."""
        taken, self.crossings = self.crossings, []
        return taken

    def _follow(self) -> None:
        """Tails that arrived at a router in the cycle just stepped."""
        for packet, hops, router, port in self.routers.landings or ():
            message, _ = self.message_of[id(packet)]
            behind = self.routers.back.get((router, port))
            link = self.link_of[behind.src, behind.src_port] if behind else -1
            self.way.setdefault(message, {})[hops] = (link, self.routers.now - 1)
        if self.routers.landings:
            self.routers.landings = []

    def _ended(self, message: int) -> None:
        """A message has arrived: its way is complete."""
        if message in self.first:
            self.crossings.append((message, -1, self.edge(self.first.pop(message).itime)))
            for _, (link, cycle) in sorted(self.way.pop(message, {}).items()):
                self.crossings.append((message, link, self.edge(cycle)))

    def _count(self) -> None:
        """Bytes and busy time of the links that granted a flit in the cycle just stepped.

        Busy time goes by the exact interval of the link, rounded at cumulative counts, so that
        nothing is lost.
        """
        time = self.edge(self.routers.now - 1)
        for place in self.routers.granted:
            link = self.link_of.get(place)
            if link is None:
                continue
            before, self.sent[link] = self.sent[link], self.sent[link] + 1
            start, end = (
                floor(n * self.interval[link] * PS_PER_SECOND / self.spec.clock) for n in (before, before + 1)
            )
            self.bins.add(link, time, self.spec.flit_bytes, end - start)
        self.routers.granted.clear()
