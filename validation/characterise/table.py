"""`chipweave characterise`: the line-rate die measured on the case study's transfers, fitted into a table for the stage
kinds.

What the stage kinds can say is: an access keeps others waiting for bytes / rate and shows a latency beside it; a GEMM
takes flop / (peak x share), with a share for each range of tokens. The fits below find those figures; how far the
table's answer is from the line-rate run stands beside each transfer, as `residuals`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import yaml

from chipweave import __version__
from chipweave.component import characterised
from chipweave.errors import BadInput
from chipweave.io.atomic import replacing
from chipweave.trace import models

from ..bench.die import CALIBRATED
from ..bench.parallel import measure
from .bench import Bench, expert_ps, tile_model
from .gemm import fit_utilisation, token_counts

HEAD = "# Written by `chipweave characterise`. Do not edit."
PEAK = 989_000_000_000_000  # flop/s, 16 bits dense, NVIDIA H100 SXM data sheet; shares are of this
SHARED_BELOW = 64 << 20  # bytes: slices above are not measured with several readers, for time
SMALLEST_SHARED = 8 << 20  # bytes: below, two readers are enough
STAYS = 32 << 20  # bytes that are all in the L2 (50 MiB, some lines in both partitions) when they are read again
PLACED = (
    16 << 20
)  # bytes read in all, at most MOST_PLACES slices: where a slice lies in memory moves its time by some per cent
MOST_PLACES = 4
GOLDEN, CUTS = (5**0.5 - 1) / 2, 50


@dataclass(frozen=True)
class Transfer:
    """One transfer measured: `what` (read, again, store), `local` and `remote` readers, bytes each.

    "read" comes from memory, "again" from the L2 after a first read, "store" writes.
    """

    what: str
    size: int
    local: int = 1
    remote: int = 0

    @property
    def places(self) -> Any:
        """In how many places of memory it is measured: small transfers see one row or bank, and differ by which."""
        if self.what == "store":  # a train over much memory in itself
            return 1
        return max(1, min(MOST_PLACES, PLACED // (self.size * (self.local + self.remote))))

    def words(self) -> str:
        """For people."""
        if self.what == "store":
            return f"store, {self.size} B"
        readers = [f"{n} {where}" for n, where in ((self.local, "local"), (self.remote, "remote")) if n]
        return f"{self.what} by {' and '.join(readers)}, {self.size} B each"


def shapes() -> Any:
    """{slice bytes: (hidden, intermediate)} of all shipped models with 16-bit weights."""
    found = map(models.load, models.names())
    return {m.slice_bytes: (m.hidden, m.intermediate) for m in found if m.weight_bytes == 2}


def transfers(sizes: list[int], doors: bool) -> Iterator[Transfer]:
    """What is measured, for slices of these sizes.

    doors: the die has links to other dies, over which remote readers come.
    """
    for size in sizes:
        yield Transfer("read", size)
        yield Transfer("again", size)
        if size <= SHARED_BELOW:
            yield Transfer("store", size)
            readers = [(2, 0)] + [(4, 0)] * (size >= SMALLEST_SHARED) + [(0, 1), (1, 1)] * doors
            yield from (Transfer("read", size, *r) for r in readers)
            yield from (Transfer("again", size, *r) for r in readers if sum(r) * size <= STAYS)


def time_ps(topology: Any, seed: Any, transfer: Any) -> Any:
    """The transfer on a line-rate die of its own, ps: the mean of slices in several places."""
    bench = Bench(topology, seed)
    return sum(_once(bench, transfer) for _ in range(transfer.places)) / transfer.places


def _once(bench: Any, transfer: Any) -> Any:
    """One run of the transfer, ps."""
    if transfer.what == "store":
        return bench.store(transfer.size)
    return getattr(bench, transfer.what)(transfer.size, transfer.local, transfer.remote)


def run(topology: Any, seed: int = 1, jobs: int = 1) -> Any:
    """The table of a topology, as a plain document (see chipweave.component.characterised); one worker, or all
    processors where `jobs` is more."""
    bench = _bench(topology)
    points = [(topology, seed, t) for t in transfers(sorted(shapes()), bool(bench.doors))]
    times = measure(time_ps, points) if jobs > 1 else {point: time_ps(*point) for point in points}
    return document(
        bench.die.system, topology, seed, {transfer: times[topology, seed, transfer] for _, _, transfer in points}
    )


def document(
    system: Any, topology: str, seed: int, times: dict[Transfer, float]
) -> dict[str, dict[Any, Any] | list[Any] | str]:
    """The table that {Transfer: ps at line rate} gives, with the GEMMs of the same die; see `run`."""
    bandwidth = int(system.parts["hbm"].bandwidth)
    memory = {what: access(fit_line(rows), bandwidth) for what, rows in memory_rows(times).items() if rows}
    tiles = tile_model(system)
    told = {
        "schema": characterised.SCHEMA,
        "name": system.resolved["topology"]["name"],
        "about": f"{system.about}, measured at line rate by `chipweave characterise`",
        "origin": origin(system, topology, seed),
        "peak": f"{PEAK // 10**12} TFLOPS",
        "bandwidth": f"{bandwidth} B/s",
        "memory": memory,
        "llc": llc_rows(times),
        "gemm": [gemm_row(tiles, size, *shape) for size, shape in sorted(shapes().items())],
        "residuals": [],
    }
    told["residuals"] = residuals(characterised.read(_node(told)), times, tiles)
    return told


def gemm_row(tiles: Any, size: Any, hidden: Any, intermediate: Any) -> Any:
    """Utilisation of an expert's three GEMMs over tokens."""
    points = [(n, expert_ps(tiles, hidden, intermediate, n)) for n in token_counts()]
    return {"slice": f"{size} B", "utilisation": fit_utilisation(points, 6 * hidden * intermediate, PEAK)}


def _bench(topology: Any) -> Any:
    """The bench of a topology; BadInput where it is no line-rate die."""
    try:
        return Bench(topology)
    except KeyError as missing:
        raise BadInput(
            f"topology {topology} has no part called {missing}: a line-rate die has sm, llc and hbm"
        ) from None


def memory_rows(times: Any) -> Any:
    """{"read": [(bytes in all, ps)], ...}: local readers share one line, whatever their number."""
    rows: dict[str, list[tuple[int, Any]]] = {what: [] for what in characterised.MEMORY}
    for t, time in times.items():
        if t.what == "store":
            rows["write"].append((t.size, time))
        elif t.what == "read" and not t.remote:
            rows["read"].append((t.local * t.size, time))
        elif t.what == "read" and not t.local:
            rows["remote_read"].append((t.size, time))
    return rows


def fit_line(rows: list[tuple[int, float]]) -> tuple[float, float]:
    """(latency ps >= 0, bytes/s) whose worst relative error is least, since every transfer is to be met.

    rows    [(bytes, ps), ...]
    """
    size, time = np.array(rows, float).T
    miss = lambda latency, per_byte: np.max(abs((latency + size * per_byte) / time - 1))  # noqa: E731
    slope = lambda latency: _lowest(lambda per_byte: miss(latency, per_byte), 0, 2 * np.max(time / size))  # noqa: E731
    latency = _lowest(lambda latency: miss(latency, slope(latency)), 0, np.min(time))
    return float(latency), float(1e12 / slope(latency))


def _lowest(function: Any, low: float, high: float) -> float:
    """Where a convex function of one number is least in [low, high] (golden section, CUTS steps)."""
    a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_a, at_b = function(a), function(b)
    for _ in range(CUTS):
        if at_a < at_b:
            high, b, at_b = b, a, at_a
            a = high - GOLDEN * (high - low)
            at_a = function(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + GOLDEN * (high - low)
            at_b = function(b)
    return (low + high) / 2


def access(line: tuple[float, float], bandwidth: int) -> dict[str, float | str]:
    """The table's row of a fitted (latency, rate)."""
    return {"latency": f"{round(line[0], -1):.0f} ps", "share": round(min(1.0, line[1] / bandwidth), 4)}


def llc_rows(times: dict[Transfer, float]) -> list[dict[str, str]]:
    """One row for all slices that stay in the L2, and one for each size that does not."""
    again = {t: time for t, time in times.items() if t.what == "again"}
    readers = {t: t.size * (t.local + t.remote) for t in again}
    latency, rate = fit_line([(readers[t], time) for t, time in again.items() if readers[t] <= STAYS])

    def row(size: int, rate: float) -> dict[str, str]:
        return {
            "bytes": f"{size} B",
            "latency": f"{round(latency, -1):.0f} ps",
            "rate": f"{round(rate, -7):.0f} B/s",
        }

    larger = sorted((t.size, t.size * 1e12 / (time - latency)) for t, time in again.items() if t.size > STAYS)
    return [row(max(t.size for t in again if t.size <= STAYS), rate)] + [row(*found) for found in larger]


def origin(system: Any, topology: Any, seed: Any) -> Any:
    """What the table was measured on."""
    digest = lambda data: hashlib.sha256(data).hexdigest()  # noqa: E731
    resolved = json.dumps(system.resolved["topology"], sort_keys=True, default=str).encode()
    return {
        "command": f"chipweave characterise {topology}",
        "topology_sha256": digest(resolved),
        "calibrated_sha256": digest(CALIBRATED.read_bytes()),
        "version": __version__,
        "seed": seed,
    }


def _node(document: Any) -> Any:
    """The document as the loader sees it, so that its answers are those a run will get."""
    from chipweave.declare import yamlfile

    return yamlfile.loads(text(document), "the table")


def predicted_ps(table: characterised.Characterised, transfer: Transfer) -> float:
    """The table's answer for a transfer, as the stage kinds give it: what keeps others waiting adds up, latencies do
    not."""
    size = transfer.size
    if transfer.what == "again":
        latency, rate = table.hit(size)
        return latency + float((transfer.local + transfer.remote) * size * 10**12 / rate)
    names = ["write"] if transfer.what == "store" else ["read"] * transfer.local + ["remote_read"] * transfer.remote
    used = [table.access(name) for name in names]
    return max(a.latency for a in used) + sum(float(size * 10**12 / (table.bandwidth * a.share)) for a in used)


@lru_cache
def checked_tokens() -> Any:
    """Tokens at which GEMMs are held against their table: not those that it was fitted at."""
    return tuple(sorted({int(round(2 ** (k / 4))) + 1 for k in range(0, 56)}))


def residuals(table: Any, times: Any, tiles: Any) -> Any:
    """Every transfer: line rate, table, and table / line rate - 1; of GEMMs the worst of each model's shape."""
    rows = []
    for t, time in sorted(times.items(), key=lambda item: (item[0].what, item[0].remote, item[0].size, item[0].local)):
        rows.append(_residual(t.words(), time, predicted_ps(table, t)))
    for size, (hidden, intermediate) in sorted(shapes().items()):
        pairs = [(n, expert_ps(tiles, hidden, intermediate, n), gemm_ps(table, size, n)) for n in checked_tokens()]
        n, time, mine = max(pairs, key=lambda p: abs(p[2] / p[1] - 1))
        rows.append(_residual(f"expert GEMMs, slices of {size} B, worst of {len(pairs)} at {n} tokens", time, mine))
    return rows


def gemm_ps(table: characterised.Characterised, size: int, tokens: int) -> float:
    """The table's time of an expert's three GEMMs."""
    rows = table.utilisation_of(size)
    assert rows is not None, f"the table has GEMMs of slices of {size} bytes"
    share = next(share for most, share in rows if most is None or tokens <= most)  # the last is for any number
    return float(3 * size * tokens * 10**12 / (table.peak * share))


def _residual(words: str, time: float, mine: float) -> dict[str, float | str]:
    """A row of residuals: both times, and table / line rate - 1."""
    return {
        "transfer": words,
        "line_rate": f"{round(time)} ps",
        "table": f"{round(mine)} ps",
        "error": round(mine / time - 1, 4),
    }


def text(document: Any) -> Any:
    """The document as YAML, rows on one line each."""
    return HEAD + "\n" + yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=160)


def write(path: Any, document: Any) -> None:
    """Write the table to a file."""
    with replacing(path) as file:
        file.write(text(document))
