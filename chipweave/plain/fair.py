"""Max-min fair sharing, plainly: the twin of csrc/stages/fair, which keeps rates where nothing changes them.

Here every start and end fills all rates anew, from nothing, with the same integers and the same rounding. Messages of
one route share a rate, so filling goes by routes; everything else goes by messages."""

from __future__ import annotations

from typing import Any

from chipweave.chain.nouns import PS_PER_SECOND
from chipweave.chain.ways import pieces, ways_between
from chipweave.plain.links import PlainBins


class Flow:
    """A message under way: `left` is in 1e-12 bytes."""

    def __init__(self, message: int, start: int, route: tuple[int, ...], size: int) -> None:
        self.message, self.start, self.route, self.size = message, start, route, size
        self.left = size * PS_PER_SECOND
        self.rate = self.end = -1  # until rates are filled


def filled(capacity: list[int], users: dict[tuple[int, ...], int]) -> dict[tuple[int, ...], int]:
    """Bytes per second of a message of each route, by progressive filling.

    The link with the smallest floor(capacity left / messages left), ties to the lowest number, fixes the rate of its
    messages at that, at least 1; again until all routes have a rate.

    Args:
        capacity: of each link, bytes per second.
        users: messages of each route.
    """
    left: dict[int, int] = {}
    count: dict[int, int] = {}
    crossing: dict[int, list[tuple[int, ...]]] = {}
    rates: dict[tuple[int, ...], int] = {}
    for route, n in users.items():
        for link in route:
            left[link] = capacity[link]
            count[link] = count.get(link, 0) + n
            crossing.setdefault(link, []).append(route)
    while count:
        share, tightest = min((left[link] // n, link) for link, n in count.items())
        rate = max(1, share)
        for route in crossing[tightest]:
            if route in rates:
                continue
            rates[route] = rate
            for link in route:
                count[link] -= users[route]
                left[link] = max(0, left[link] - rate * users[route])
                if not count[link]:
                    del count[link]
    return rates


class PlainFair:
    """Times are absolute ps. `advance(t)` gives the messages that arrive at t; t is never later than `next_time()`."""

    def __init__(self, network: Any, bin_ps: int, max_bins: int, bytes_per_s: list[int]) -> None:
        self.network, self.now, self.capacity = network, 0, bytes_per_s
        self.flows: list[Flow] = []
        self.pieces: dict[int, int] = {}  # of each message, how many are under way
        self.arrivals: list[tuple[int, int]] = []  # (time, message)
        self.dirty = False
        self.bins = PlainBins(len(network.links), bin_ps, max_bins)
        self.statistics = self.bins.statistics

    def send(
        self, now: int, message: int, source: int, target: int, size: int, stage: tuple[str, str] | None = None
    ) -> None:
        """A message starts to flow, an equal piece on each of its ways; without links or bytes it only takes its
        latency."""
        ways = ways_between(self.network, source, target)
        if not ways[0] or not size:
            self.pieces[message] = 1
            self.arrivals.append((now + max(map(self._latency, ways)), message))
            return
        self._progress(now)
        self.pieces[message] = len(ways)
        for route, piece in zip(ways, pieces(size, len(ways)), strict=True):
            if piece:
                self.flows.append(Flow(message, now, route, piece))
            else:
                self.arrivals.append((now + self._latency(route), message))
        self.dirty = True

    def next_time(self) -> int | None:
        """The next end of a flow or arrival, ps; None where there is nothing."""
        if self.dirty:
            self._fill()
        ends = min((flow.end for flow in self.flows), default=None)
        arrives = min(self.arrivals, default=(None,))[0]
        return min((time for time in (ends, arrives) if time is not None), default=None)

    def advance(self, now: int) -> list[int]:
        """Messages that have arrived by `now`, with their last piece; a flow that ends frees its links, and its message
        arrives a latency later.
        """
        if self.dirty:
            self._fill()
        leaving = [f for f in self.flows if f.end <= now]
        if leaving:
            self._progress(now)
            self.flows = [f for f in self.flows if f.end > now]
            for flow in leaving:
                for link in flow.route:
                    self.bins.spread_bytes(link, flow.start, now, flow.size)
                self.arrivals.append((now + self._latency(flow.route), flow.message))
            self.dirty = True
        arrived = sorted(a for a in self.arrivals if a[0] <= now)
        if arrived:
            self.arrivals = [a for a in self.arrivals if a[0] > now]
        whole = []
        for _, message in arrived:
            self.pieces[message] -= 1
            if not self.pieces[message]:
                del self.pieces[message]
                whole.append(message)
        return whole

    def _latency(self, route: tuple[int, ...]) -> int:
        return sum(self.network.links[i].latency_ps for i in route)

    def _progress(self, now: int) -> None:
        """What is left of every flow at `now`; links with a flow are busy meanwhile."""
        if now > self.now:
            if self.dirty:
                self._fill()
            for flow in self.flows:
                flow.left = max(0, flow.left - flow.rate * (now - self.now))
            for link in {i for route in {flow.route for flow in self.flows} for i in route}:
                self.bins.spread(link, self.now, now, 1)
        self.now = now

    def _fill(self) -> None:
        """Max-min fair rates for the flows there are now (progressive filling), and when each would end."""
        users: dict[tuple[int, ...], int] = {}
        for flow in self.flows:
            users[flow.route] = users.get(flow.route, 0) + 1
        rates = filled(self.capacity, users)
        for flow in self.flows:
            flow.rate = rates[flow.route]
            flow.end = self.now - (-flow.left // flow.rate)
        self.dirty = False
