"""Traffic by a table: `table(FILE)`, one `src dst rate` a line; endpoints without a line send nothing.

    0 8 0.01        # blanks or commas between; # begins a remark
    3 1 0.02

Rates are shares of the load: a source sends load x endpoints x (sum of its rates) / (sum of all rates) flits a cycle,
to each destination by its share. As they stand in the file the rates are those of the load `Table.own_load`. Each
source draws once a cycle, as `bernoulli` does; packets are made here and handed to the simulator window by window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chipweave.declare import units
from chipweave.errors import BadInput, Fault, Faults, Place
from chipweave.fabric.traffic import BINS

WINDOW = 1024  # cycles for which packets are made at once
MOST_LINES, MOST_FAULTS = 4_000_000, 100
Rates = dict[tuple[int, int], tuple[float, int]]  # (src, dst): (rate, line)


@dataclass(frozen=True)
class Table:
    """Who sends to whom: `sources` ascending, `share[i]` of all flits is that of sources[i]; of those,
    `goals[i]` with cumulative shares `steps[i]`, whose last is 1. `own_load`: mean rate per endpoint as written."""

    sources: np.ndarray
    share: np.ndarray
    goals: list[np.ndarray]
    steps: list[np.ndarray]
    own_load: float

    def most_load(self, endpoints: int, mean_flits: float) -> float:
        """The load, in flits per endpoint and cycle, at which the busiest source sends a packet every cycle."""
        return mean_flits / (float(self.share.max()) * endpoints)


def read(path: str, endpoints: int) -> Table:
    """The Table of a file; BadInput with every bad line of it, or where no rate is above 0."""
    faults = Faults()
    rates: Rates = {}
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    for number, line in enumerate(lines[: MOST_LINES + 1], 1):
        words = line.partition("#")[0].replace(",", " ").split()
        if words and len(faults.found) < MOST_FAULTS:
            _take(words, endpoints, rates, faults, Place(str(path), number))
    if len(lines) > MOST_LINES:
        faults.add(f"more than {MOST_LINES:,} lines", Place(str(path)))
    if not faults.found and not any(rate for rate, _ in rates.values()):
        faults.add("no rate is above 0: nothing would be sent", Place(str(path)), "src dst rate, one a line")
    faults.raise_if_any()
    return _table({pair: rate for pair, (rate, _) in rates.items() if rate}, endpoints)


def _take(words: list[str], endpoints: int, rates: Rates, faults: Faults, place: Place) -> None:
    """One line into `rates`: (src, dst) -> (rate, line)."""
    if len(words) != 3:
        return faults.add(f"{len(words)} entries", place, "src dst rate")
    ends = []
    for name, word in zip(("src", "dst"), words, strict=False):
        if not (word.isascii() and word.isdecimal() and len(word) < 10 and int(word) < endpoints):
            faults.add(f"{name} {word!r} is no endpoint", place, f"0 to {endpoints - 1}")
        else:
            ends.append(int(word))
    rate = units.number(words[2])
    if rate is None or rate < 0:
        return faults.add(f"rate {words[2]!r}", place, "a number, 0 or more")
    if len(ends) < 2:
        return None
    src, dst = ends
    if (src, dst) in rates:
        return faults.add(f"{src} to {dst} is given twice, first in line {rates[src, dst][1]}", place)
    rates[src, dst] = (float(rate), place.line)
    return None


def _table(rates: dict[tuple[int, int], float], endpoints: int) -> Table:
    """The Table of rates: sources ascending, destinations of each with their shares added up."""
    by_source: dict[int, list] = {}
    for (src, dst), rate in rates.items():
        by_source.setdefault(src, []).append((dst, rate))
    sources, total = sorted(by_source), sum(rates.values())
    sums = [sum(rate for _, rate in by_source[s]) for s in sources]
    steps = [np.cumsum([rate for _, rate in by_source[s]]) for s in sources]
    return Table(
        np.array(sources),
        np.array(sums) / total,
        [np.array([dst for dst, _ in by_source[s]]) for s in sources],
        [row / row[-1] for row in steps],
        total / endpoints,
    )


class Packets:
    """Packets of a table in order of time: rows (ctime, src, dst, flits), made WINDOW cycles at a time.

    load: flits per endpoint and cycle, mean of all endpoints; sizes: (flits, weight) pairs.
    """

    def __init__(self, table: Table, endpoints: int, load: float, sizes: list[tuple[int, float]], seed: int) -> None:
        """sizes: (flits, weight) of packets; BadInput where `load` is more than the busiest source can send."""
        weights = np.array([w for _, w in sizes], float)
        self.flits, self.size_steps = np.array([s for s, _ in sizes]), np.cumsum(weights) / weights.sum()
        mean = float(self.flits @ weights / weights.sum())
        if load > table.most_load(endpoints, mean):
            most = f"at most {table.most_load(endpoints, mean):.4g}, where it sends a packet every cycle"
            busiest = int(table.sources[table.share.argmax()])
            raise BadInput(Fault(f"load {load:g} of the table is too much for endpoint {busiest}", allowed=most))
        self.table, self.chance = table, np.minimum(1.0, load * endpoints * table.share / mean)
        self.random, self.now = np.random.default_rng(seed), 0

    def window(self, until: int) -> np.ndarray:
        """int64 [packets, 4] of the cycles from `now` to before min(until, now + WINDOW); `now` moves there."""
        begin, self.now = self.now, min(until, self.now + WINDOW)
        cycle, source = np.nonzero(self.random.random((self.now - begin, len(self.chance))) < self.chance)
        draw = self.random.random(len(cycle))
        goal = np.empty(len(cycle), np.int64)
        for i in np.unique(source):
            of = source == i
            goal[of] = self.table.goals[i][np.searchsorted(self.table.steps[i], draw[of], side="right")]
        size = self.flits[np.searchsorted(self.size_steps, self.random.random(len(cycle)), side="right")]
        return np.stack([cycle + begin, self.table.sources[source], goal, size], axis=1).astype(np.int64)


def run(kernel: Any, packets: Packets, warmup: int, cycles: int, drain_limit: int) -> Any:
    """Warm-up, measurement and drain on an open FlitSimulator, as csrc/flit/traffic_run.c runs the patterns it knows.

    Returns:
        (fields of struct noc_traffic_result as a dict, latency histogram uint64 [vc classes, BINS], flits ejected per
        endpoint in the measured cycles, uint64 [endpoints]).
    """
    return _Run(kernel, packets, warmup, cycles, drain_limit).result()


class _Run:
    """The counters of one run; `made` counts packets, which are their tags."""

    def __init__(self, kernel: Any, packets: Packets, warmup: int, cycles: int, drain_limit: int) -> None:
        """Packets made from cycle `warmup` on, for `cycles` cycles, are measured; at most
        `drain_limit` more are waited.
        """
        self.kernel, self.packets = kernel, packets
        self.first, self.end = warmup, warmup + cycles
        self.limit = self.end + drain_limit
        self.classes = kernel.router.vc_classes
        self.bins = np.zeros((self.classes, BINS), np.uint64)
        self.made = self.outstanding = 0
        self.sums = dict.fromkeys(("packets", "latency_sum", "network_latency_sum", "hops_sum", "offered_flits"), 0)
        self.latency_min, self.latency_max = 1 << 62, 0

    def result(self) -> Any:
        """(counters, latencies by class [classes, BINS], flits accepted by endpoint), as the
        kernel's own traffic gives them.
        """
        self._until(self.first)
        before, injected = self._ejected(), self._injected()
        self._until(self.end)
        ejected, injected = self._ejected() - before, self._injected() - injected
        while self.outstanding and self.kernel.now < self.limit:
            self._until(min(self.limit, self.kernel.now + WINDOW))
        return (
            {
                "cycles": self.end - self.first,
                **self.sums,
                "all_packets": self.made,
                "latency_min": self.latency_min,
                "latency_max": self.latency_max,
                "injected_flits": int(injected.sum()),
                "accepted_flits": int(ejected.sum()),
                "flit_hops": int(self.kernel.counts()[: self._router_ports, :, 0].sum()),
                "saturated": int(self.outstanding > 0),
            },
            self.bins,
            ejected,
        )

    def _until(self, cycle: int) -> None:
        """Send and advance up to `cycle`, window by window."""
        while self.packets.now < cycle:
            made = self.packets.window(cycle)
            inside = (made[:, 0] >= self.first) & (made[:, 0] < self.end)
            self.sums["offered_flits"] += int(made[inside, 3].sum())
            self.outstanding += int(inside.sum())
            rows = [
                (self.made + i, ctime, flits, src, dst, (self.made + i) % self.classes, flits)
                for i, (ctime, src, dst, flits) in enumerate(made.tolist())
            ]
            self.made += len(rows)
            if rows:
                self.kernel.send(rows)
            self.kernel.advance(self.packets.now)
            self._collect()

    def _collect(self) -> None:
        """Take what has arrived, and count what was made in the measured cycles; latencies beyond
        BINS fall in the last.
        """
        for _, ctime, itime, atime, _, _, hops, vc_class in self.kernel.collect():
            if not self.first <= ctime < self.end:
                continue
            latency = atime - ctime
            self.outstanding -= 1
            self.sums["packets"] += 1
            self.sums["latency_sum"] += latency
            self.sums["network_latency_sum"] += atime - itime
            self.sums["hops_sum"] += hops
            self.latency_min, self.latency_max = min(self.latency_min, latency), max(self.latency_max, latency)
            self.bins[vc_class, min(latency, BINS - 1)] += 1

    @property
    def _router_ports(self) -> int:
        """Rows of `counts` that are routers' ports; those of endpoints follow."""
        return int(sum(self.kernel.network.ports))

    def _ejected(self) -> np.ndarray:
        """Flits that each endpoint has taken so far."""
        starts = np.concatenate([[0], np.cumsum(self.kernel.network.ports)])
        rows = [int(starts[router]) + int(port) for router, port in self.kernel.network.terminals]
        return self.kernel.counts()[rows, :, 0].sum(axis=1)

    def _injected(self) -> np.ndarray:
        """Flits that each endpoint has sent so far."""
        return self.kernel.counts()[self._router_ports :, :, 0].sum(axis=1)
