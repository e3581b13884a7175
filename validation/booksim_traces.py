"""Exact rows of suite booksim: packet traces, and the rate of one stream between two routers."""

from collections import defaultdict
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from chipweave import traffic
from chipweave.errors import Stuck
from chipweave.fabric_noc import Kernel, replay
from chipweave.router import Router
from chipweave.routing import irregular
from chipweave.validation.booksim_files import number, router, whole

DRAWN_SEEDS = range(1, 21)
COLUMNS = ("src", "dst", "size", "ctime", "itime", "atime", "hops")


@dataclass
class Trace:
    """One trace: reference = packets, simulated = packets with equal itime, atime and hops."""

    id: str
    data: object
    row: dict
    packets: list
    group: str = "traces"
    quantity: str = "packets with equal itime, atime and hops"
    x_name: str = "packets"

    @property
    def device(self):
        return self.row["network"] or f"{self.row['topology']} {self.row['k']}"

    @property
    def reference(self):
        return float(len(self.packets))

    @property
    def x_value(self):
        return str(len(self.packets))

    def answer(self):
        packets = [tuple(whole(p, c) for c in COLUMNS) for p in self.packets]
        last = max((p[5] for p in packets), default=0)
        try:
            got = replay(self.data.network(self.row), router(self.row), [p[:4] for p in packets], limit=2 * last + 10_000)
        except Stuck as stuck:
            return 0.0, False, 0.0, str(stuck)
        equal = sum(g == p[4:] for g, p in zip(got, packets))
        return float(equal), equal == len(packets), 0.0, ""


def trace_rows(data):
    """A task per trace of packet_traces_index.csv that has packets."""
    packets = defaultdict(list)
    for p in data.rows("packet_traces.csv"):
        packets[p["trace_id"]].append(p)
    return [Trace(row["trace_id"], data, row, packets[row["trace_id"]]) for row in data.rows("packet_traces_index.csv") if packets[row["trace_id"]]]


@dataclass
class Micro:
    """One row of microbench.csv: flits per cycle and endpoint between two saturated routers, to its printed digits.

    Where the link could carry all that is offered, the sources are Bernoulli ones as the reference's were.
    """

    id: str
    row: dict
    group: str = "microbench"
    quantity: str = "accepted flits per node and cycle"
    x_name: str = "packet_size"
    device: str = "two routers"

    @property
    def reference(self):
        return number(self.row, "accepted_flits_per_node")

    @property
    def x_value(self):
        return self.row["packet_size"]

    def answer(self):
        row, latency = self.row, whole(self.row, "link_latency")
        values = {k: v for k, v in row.items() if k in ("num_vcs", "vc_buf_size", "routing_delay", "credit_delay", "wait_for_tail_credit", "speculative")}
        kernel = Kernel(irregular(2, {(0, 1): latency, (1, 0): latency}), Router.of(values))
        size, warmup = whole(row, "packet_size"), whole(row, "warmup_cycles")
        cycles = 10 * whole(row, "measure_cycles")  # the rate itself: a short window holds broken periods
        packets = (warmup + cycles) // size + 2
        kernel.send([(i, 0, size, s, 1 - s, 0, size) for i in range(packets) for s in (0, 1)])
        kernel.advance(warmup)
        before = ejected(kernel)
        kernel.advance(warmup + cycles)
        rate = (ejected(kernel) - before) / (2 * cycles)
        if rate > 0.99 and size > 1:  # the link could take all that is offered: the source is the limit
            return self.drawn(kernel.network, kernel.router, size, warmup)
        tolerance = 1.5e-4 / self.reference
        return rate, abs(rate / self.reference - 1) <= tolerance, tolerance, ""

    def drawn(self, network, options, size, warmup):
        """The row under the source the reference had; what one run accepts is an outcome of its draws."""
        runs = [traffic.run(network, options, "bitcomp", 1.0, size, warmup=warmup, cycles=whole(self.row, "measure_cycles"),
                            seed=seed, drain_limit=0)["accepted_flits"] for seed in DRAWN_SEEDS]
        rate, tolerance = fmean(runs), 3 * stdev(runs) * sqrt(1 + 1 / len(runs)) / self.reference
        why = (f"limited by the source, a Bernoulli one of {size}-flit packets with probability 1/{size} a cycle, as in the reference: "
               f"mean of {len(runs)} seeds, runs {min(runs):.4f} to {max(runs):.4f}; tolerance three standard deviations of one run")
        return rate, abs(rate / self.reference - 1) <= tolerance, tolerance, why


def ejected(kernel):
    """Flits the endpoints have taken so far: port 0 of both routers."""
    counts = kernel.counts()[:, :, 0]
    return int(counts[0].sum() + counts[2].sum())


def micro_rows(data):
    return [Micro(f"M{i:02d}", row) for i, row in enumerate(data.rows("microbench.csv"), 1)]


