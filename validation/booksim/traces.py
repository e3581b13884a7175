"""Exact rows of suite booksim: packet traces, and the rate of one stream between two routers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from chipweave.errors import BadInput, Fault, Stuck
from chipweave.fabric.noc import FlitSimulator, replay
from chipweave.noc.routing import irregular

from .files import Folder, number, router, whole
from .seeded_source import Exchange

MOST_FLITS, MOST_TIME = 1 << 30, 1 << 40  # of a listed packet
HALF_A_DIGIT = 5.01e-5  # rates are printed with four digits behind the point
COLUMNS = ("src", "dst", "size", "ctime", "itime", "atime", "hops")


@dataclass
class Trace:
    """One trace: reference = packets, simulated = packets with equal itime, atime and hops.

    A row holds only where every packet is injected and arrives in the very cycle that BookSim has
    it in.
    """

    id: str
    data: Folder
    row: dict[str, str]
    packets: list[Any]
    group: str = "traces"
    quantity: str = "packets with equal itime, atime and hops"
    x_name: str = "packets"

    @property
    def device(self) -> str:
        """The network of the row, or topology and k where it has no name."""
        return self.row["network"] or f"{self.row['topology']} {self.row['k']}"

    @property
    def reference(self) -> float:
        """Packets of the trace."""
        return float(len(self.packets))

    @property
    def x_value(self) -> str:
        """Packets of the trace, as text."""
        return str(len(self.packets))

    def answer(self) -> tuple[float, bool, float, str]:
        """Replay the packets; what a stuck network says is the reason of a row that misses."""
        network = self.data.network(self.row)
        ends = (0, network.endpoints - 1)
        ranges = {"src": ends, "dst": ends, "size": (1, MOST_FLITS), "ctime": (0, MOST_TIME), "atime": (0, MOST_TIME)}
        packets: list[Any] = [tuple(whole(p, c, *ranges.get(c, ())) for c in COLUMNS) for p in self.packets]
        last = max((p[5] for p in packets), default=0)
        try:
            got = replay(network, router(self.row), [p[:4] for p in packets], limit=2 * last + 10_000)
        except Stuck as stuck:
            return 0.0, False, 0.0, str(stuck)
        equal = sum(g == p[4:] for g, p in zip(got, packets, strict=False))
        return float(equal), equal == len(packets), 0.0, ""


def trace_rows(data: Any) -> Any:
    """A task per trace of packet_traces_index.csv that has packets; BadInput where packets are of no trace of the
    index."""
    packets = defaultdict(list)
    for p in data.rows("packet_traces.csv"):
        packets[p["trace_id"]].append(p)
    index = data.rows("packet_traces_index.csv")
    strays = sorted(set(packets) - {row["trace_id"] for row in index})
    if strays:
        raise BadInput(
            Fault(f"packet_traces.csv has packets of traces that are not in the index: {', '.join(strays[:5])}")
        )
    return [Trace(row["trace_id"], data, row, packets[row["trace_id"]]) for row in index if packets[row["trace_id"]]]


@dataclass
class Micro:
    """One row of microbench.csv: flits per cycle and endpoint between two saturated routers, to its printed digits.

    Same source and same window as the reference: what matters and why, in chipweave.validation.booksim.seeded_source.
    """

    id: str
    row: dict
    group: str = "microbench"
    quantity: str = "accepted flits per node and cycle"
    x_name: str = "packet_size"
    device: str = "two routers"

    @property
    def reference(self) -> Any:
        """Flits for each node and cycle, as BookSim prints it."""
        return number(self.row, "accepted_flits_per_node")

    @property
    def x_value(self) -> Any:
        """Flits of a packet."""
        return self.row["packet_size"]

    def answer(self) -> Any:
        """Two routers that send to each other; the window is shifted by the time from grant to arrival."""
        row, latency, options = self.row, whole(self.row, "link_latency"), router(self.row)
        kernel = FlitSimulator(irregular(2, {(0, 1): latency, (1, 0): latency}), options)
        size, begin, cycles = (whole(row, name) for name in ("packet_size", "warmup_cycles", "measure_cycles"))
        source = Exchange(kernel, size, number(row, "offered_flits") / size, seed=1)
        on_the_way = (
            options.st_delay + 1 + kernel.network.terminal_latency
        )  # the reference counts arrivals, ours are grants
        source.advance(begin - on_the_way)
        before = ejected(kernel)
        source.advance(begin + cycles - on_the_way)
        rate = (ejected(kernel) - before) / (2 * cycles)
        return rate, abs(rate - self.reference) <= HALF_A_DIGIT, HALF_A_DIGIT / self.reference, ""


def ejected(kernel: Any) -> Any:
    """Flits granted so far to the endpoints: port 0 of both routers."""
    counts = kernel.counts()[:, :, 0]
    return int(counts[0].sum() + counts[2].sum())


def micro_rows(data: Any) -> list[Any]:
    """One Micro for each row of microbench.csv."""
    return [Micro(f"M{i:02d}", row) for i, row in enumerate(data.rows("microbench.csv"), 1)]
