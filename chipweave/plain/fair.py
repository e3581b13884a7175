"""Max-min fair sharing, plainly: the twin of csrc/stages/fair.c, with the same integer rates and the same rounding."""

from chipweave.chain.nouns import PS_PER_SECOND
from chipweave.plain.links import PlainBins


class Flow:
    def __init__(self, message, start, route, size):
        self.message, self.start, self.route, self.size = message, start, route, size
        self.left, self.rate, self.end = size * PS_PER_SECOND, None, None  # left in 1e-12 bytes


class PlainFair:
    """Times are absolute ps. `advance(t)` gives the messages that arrive at t; t is never later than `next_time()`."""

    def __init__(self, network, bin_ps, max_bins, efficiency=1):
        self.network, self.efficiency, self.now = network, efficiency, 0
        self.flows, self.arrivals = [], []
        self.bins = PlainBins(len(network.links), bin_ps, max_bins)
        self.statistics = self.bins.statistics

    def send(self, now, message, source, target, size, stage=None):
        route = self.network.routes(source, target)
        if not route or not size:
            self.arrivals.append((now + self._latency(route), message))
            return
        self._progress(now)
        self.flows.append(Flow(message, now, route, size))
        self._fill()

    def next_time(self):
        return min([f.end for f in self.flows] + [time for time, _ in self.arrivals], default=None)

    def advance(self, now):
        leaving = [f for f in self.flows if f.end <= now]
        if leaving:
            self._progress(now)
            self.flows = [f for f in self.flows if f.end > now]
            for flow in leaving:
                for link in flow.route:
                    self.bins.spread_bytes(link, flow.start, now, flow.size)
                self.arrivals.append((now + self._latency(flow.route), flow.message))
            self._fill()
        arrived = sorted(a for a in self.arrivals if a[0] <= now)
        self.arrivals = [a for a in self.arrivals if a[0] > now]
        return [message for _, message in arrived]

    def _latency(self, route):
        return sum(self.network.links[i].latency_ps for i in route)

    def _progress(self, now):
        """What is left of every flow at `now`; links with a flow are busy meanwhile."""
        for flow in self.flows:
            flow.left = max(0, flow.left - flow.rate * (now - self.now))
        if now > self.now:
            for link in {i for flow in self.flows for i in flow.route}:
                self.bins.spread(link, self.now, now, 1)
        self.now = now

    def _fill(self):
        """Progressive filling: the tightest link fixes the rate of its flows, again and again."""
        left = [int(link.bytes_per_s * self.efficiency) for link in self.network.links]
        open_flows = list(self.flows)
        while open_flows:
            users = {}
            for flow in open_flows:
                for link in flow.route:
                    users.setdefault(link, []).append(flow)
            tightest = min(users, key=lambda i: (left[i] // len(users[i]), i))
            share = max(1, left[tightest] // len(users[tightest]))
            for flow in users[tightest]:
                flow.rate = share
                flow.end = self.now - (-flow.left // share)
                for link in flow.route:
                    left[link] = max(0, left[link] - share)
                open_flows.remove(flow)
