"""Synthetic traffic on a flit network: patterns by BookSim 2's names, loads in flits per endpoint and cycle.

    net, router = routing_system.load("mesh_8x8")
    result = run(net, router, "uniform", 0.2)

Patterns over endpoints 0..N-1 with b = log2 N bits: `transpose` swaps the halves of the bits, `bitcomp` complements
them, `bitrev` reverses, `shuffle` rotates left by one; `neighbor` adds 1 in every dimension (with wrap) and `tornado`
ceil(k/2) - 1, in the grid or in n dimensions of k by `tornado({k,n})`; `asymmetric` is src mod N/2 plus N/2 with
probability 1/2; `diagonal` src + 1 with probability 1/3, else src; `hotspot({{ids},{weights}})`; `permutation(FILE)`:
one destination a line; `table(FILE)`: `src dst rate` a line (chipweave.traffic.table). Where there are fewer weights
than ids or sizes the last one holds for the rest. One pair of braces is one list: `hotspot({0,7})` are two spots,
`on_off(0.1,0.2)` are alpha and beta. BookSim 2 reads these two otherwise (chipweave.validation.booksim.traffic, for
rows of `validate booksim`)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from chipweave.errors import BadInput, Fault, Faults, Place, nearest
from chipweave.fabric import traffic as fabric_traffic
from chipweave.fabric.noc import FlitSimulator
from chipweave.io.outputs import save_picture
from chipweave.io.process import peak_rss_bytes
from chipweave.io.side_by_side import side_by_side
from chipweave.traffic import link_stats
from chipweave.traffic import table as traffic_table
from chipweave.traffic.option_text import (
    call_of,
    check_reach,
    for_all,
    injection_of,
    loads_of,
    numbers_of,
    sizes_of,
    whole_of,
)

__all__ = ["NAMES", "curve", "fixed", "injection_of", "loads_of", "parse", "run", "sizes_of"]

MOST_FAULTS = 100  # of a file
SATURATED_LATENCY = 500  # cycles: the mean above which falling short of the load counts as saturated, as in BookSim 2

ALIASES = {
    "bit_complement": "bitcomp",
    "bitcomplement": "bitcomp",
    "bit_reverse": "bitrev",
    "bitreverse": "bitrev",
    "bit_reversal": "bitrev",
    "neighbour": "neighbor",
    "hot_spot": "hotspot",
    "random": "uniform",
    "rand_uniform": "uniform",
}
DRAWN = {
    "uniform": fabric_traffic.UNIFORM,
    "asymmetric": fabric_traffic.ASYMMETRIC,
    "diagonal": fabric_traffic.DIAGONAL,
}
TABLE = "table"  # a pattern whose packets are made here, not by the kernel
STEPPED = ("tornado", "neighbor")
FIXED = ("transpose", "bitcomp", "bitrev", "shuffle", *STEPPED)
NAMES = (*DRAWN, *FIXED, "hotspot", "permutation", "table")


def _bits(endpoints: Any, pattern: Any) -> Any:
    """log2 of the endpoints; BadInput where the pattern needs a power of 2 (transpose: of 4) and they are none."""
    bits = endpoints.bit_length() - 1
    if endpoints != 1 << bits or (pattern == "transpose" and bits % 2):
        raise BadInput(
            f"pattern {pattern} needs {'4^m' if pattern == 'transpose' else '2^m'} endpoints, not {endpoints}"
        )
    return bits


def _stepped(net: Any, pattern: Any, argument: Any = None) -> Any:
    """Destinations that lie a step away in every dimension, with wrap: of the grid, or of n dimensions of k by the
    argument `{k,n}`."""
    if argument:
        given = [x for group in numbers_of(argument, f"pattern {pattern},") for x in group]
        k, n = [whole_of(x, f"pattern {pattern}({argument}):") for x in (given + [1.0])[:2]]
        if not 1 <= len(given) <= 2 or not 1 <= n <= 64 or k < 1:
            raise BadInput(Fault(f"pattern {pattern}({argument})", allowed=f"{pattern}({{k,n}}): n dimensions of k"))
        radices, places = (k,) * n, None
    else:
        radices, places = net.radices, net.places
    if not radices or min(radices) < 1:
        raise BadInput(f"pattern {pattern} needs a grid, or its size as {pattern}({{k,n}})")
    if places is None:  # the first dimension is fastest in the numbering
        strides = [prod(radices[:j]) for j in range(len(radices))]
        places = [[src // s % k for k, s in zip(radices, strides, strict=True)] for src in range(net.endpoints)]
        numbers = None
    else:
        numbers = {tuple(map(int, place)): e for e, place in enumerate(places)}
    targets = []
    for place in places:
        step = [
            (int(at) + (1 if pattern == "neighbor" else (k + 1) // 2 - 1)) % k
            for at, k in zip(place, radices, strict=True)
        ]
        targets.append(numbers[tuple(step)] if numbers else sum(at * s for at, s in zip(step, strides, strict=True)))
    if max(targets) >= net.endpoints:
        raise BadInput(
            f"pattern {pattern}({argument}) leads from endpoint "
            f"{targets.index(max(targets))} to {max(targets)} of {net.endpoints} endpoints"
        )
    return targets


def fixed(net: Any, pattern: str, argument: Any = None) -> list[int]:
    """Destination of each endpoint under a pattern that draws nothing."""
    if pattern in ("neighbor", "tornado"):
        return _stepped(net, pattern, argument)
    n = net.endpoints
    b = _bits(n, pattern)
    half = b // 2
    rule = {
        "transpose": lambda s: (s >> half | s << half) & (n - 1),
        "bitcomp": lambda s: ~s & (n - 1),
        "bitrev": lambda s: int(format(s, f"0{b}b")[::-1], 2) if b else 0,
        "shuffle": lambda s: (s << 1 | s >> (b - 1)) & (n - 1) if b else 0,
    }[pattern]
    return [rule(s) for s in range(n)]


def parse(net: Any, pattern: str) -> tuple[int | str, Any, list[float] | None]:
    """(kernel pattern, targets, weights) of a pattern as the user or a BookSim run description spells it.

    Patterns that the kernel draws itself have neither targets nor weights; fixed ones have a target
    for each endpoint; hotspot has its spots and their weights. BadInput where the pattern and the
    network do not fit.
    """
    name, argument = call_of(pattern)
    name = ALIASES.get(name, name)
    if argument and (name in DRAWN or name in FIXED) and name not in STEPPED:
        raise BadInput(Fault(f"pattern {name} takes no argument, {argument!r} is given", allowed=name))
    if name == "asymmetric" and net.endpoints < 2:
        raise BadInput(f"pattern asymmetric needs 2 endpoints or more, not {net.endpoints}")
    if name in DRAWN:
        return DRAWN[name], None, None
    if name in FIXED:
        return fabric_traffic.TARGETS, fixed(net, name, argument), None
    if name == "hotspot":
        spots, *given = numbers_of(argument or "", "pattern hotspot,")
        several = len(given) > 1
        weights = for_all(given[0] if given else [1.0], len(spots))
        if (
            several
            or not spots
            or len(weights) != len(spots)
            or not all(0 <= s < net.endpoints and s == int(s) for s in spots)
            or min(weights) < 0
            or not sum(weights)
        ):
            raise BadInput(
                Fault(f"pattern {pattern!r}", allowed=f"hotspot({{{{ids}},{{weights}}}}), ids 0 to {net.endpoints - 1}")
            )
        return fabric_traffic.HOT_SPOT, spots, weights
    file = (argument or "").strip("\"' ")
    if name in ("permutation", "table") and not file:
        raise BadInput(Fault(f"pattern {name} names no file", allowed=f"{name}(FILE)"))
    if name == "table":
        return TABLE, traffic_table.read(file, net.endpoints), None
    if name == "permutation":
        return fabric_traffic.TARGETS, _permutation(net, file), None
    raise BadInput(Fault(f"unknown pattern {pattern!r}", allowed=", ".join(NAMES), nearest=nearest(name, NAMES)))


def _permutation(net: Any, path: str) -> list[int]:
    """Destination of each endpoint, one a line of a file; every bad line at once as BadInput, up to MOST_FAULTS."""
    faults, targets = Faults(), []
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    for number, line in enumerate(text.splitlines(), 1):
        for word in line.split():
            targets.append(word)
            if not (word.isascii() and word.isdecimal() and len(word) < 10 and int(word) < net.endpoints):
                silent = "; an endpoint that sends nothing is written in table(FILE)" if word.startswith("-") else ""
                allowed = f"a destination, 0 to {net.endpoints - 1}{silent}"
                if len(faults.found) < MOST_FAULTS:
                    faults.add(f"{word!r} is no endpoint", Place(str(path), number), allowed)
    if len(targets) != net.endpoints:
        faults.add(f"{len(targets)} destinations for {net.endpoints} endpoints", Place(str(path)), "one for each")
    faults.raise_if_any()
    return [int(word) for word in targets]


def run(
    net: Any,
    router: Any,
    pattern: str,
    load: float,
    packet_flits: str = "1",
    weights: str | None = None,
    injection: str = "bernoulli",
    warmup: int = 1000,
    cycles: int = 1000,
    seed: int = 1,
    drain_limit: int | None = None,
    general: bool = False,
    kernel: Any = None,
    watch: Any = None,
    as_far_as_it_goes: bool = False,
) -> dict[str, Any]:
    """One synthetic run; the document of `chipweave traffic` plus `classes`, `hottest_links`, `injected_flits`,
    `latency_min`, `latency_max`.

    `saturated` says that measured packets were left `drain_limit` cycles (default 20 x (warmup + cycles), at least
    20,000) after measurement, or that accepted flits fell short of offered ones with a mean latency above 500 cycles.
    `watch(kernel, cycles, call)` makes the kernel's call for the caller (chipweave.traffic.report: with a progress
    bar). `as_far_as_it_goes`: an on-off source that cannot reach the load sends what it can, as in BookSim 2; else
    BadInput."""
    sizes = sizes_of(packet_flits, weights)
    mean = sum(s * w for s, w in sizes) / sum(w for _, w in sizes)
    if not 0 < load <= mean:
        raise BadInput(
            Fault(
                f"load {load} flits per endpoint and cycle", allowed=f"above 0, at most one packet a cycle = {mean:g}"
            )
        )
    if router.flow_control == "cut_through" and max(s for s, _ in sizes) > router.vc_depth:
        largest = max(s for s, _ in sizes)
        what = f"a packet of {largest} flits does not fit a VC of {router.vc_depth} (flow_control = cut_through)"
        raise BadInput(Fault(what, allowed=f"vc_depth at least {largest}, or flow_control = wormhole"))
    if not as_far_as_it_goes:
        check_reach(injection, load / mean)
    kind, targets, shares = parse(net, pattern)
    limit = drain_limit if drain_limit is not None else max(20_000, 20 * (warmup + cycles))
    if kind == TABLE and injection_of(injection) is not None:
        raise BadInput(Fault(f"injection {injection} with pattern table", allowed="bernoulli"))
    packets = traffic_table.Packets(targets, net.endpoints, load, sizes, seed) if kind == TABLE else None
    clock = time.process_time if watch else time.thread_time  # a watched call has a thread of its own
    wall, cpu = time.perf_counter(), clock()
    kernel = kernel or FlitSimulator(net, router, seed=seed, general=general)
    if packets:
        call = partial(traffic_table.run, kernel, packets, warmup, cycles, limit)
    else:
        arguments = kind, load, sizes, targets, shares, injection_of(injection), warmup, cycles, limit, seed
        call = partial(fabric_traffic.run, kernel, *arguments)
    r, bins, ejected = watch(kernel, warmup + cycles, call) if watch else call()
    cpu, wall = clock() - cpu, time.perf_counter() - wall
    return document(kernel, r, bins, ejected, cycles, seed, cpu, wall)


def document(
    kernel: FlitSimulator, r: dict[str, int], bins: Any, ejected: Any, cycles: int, seed: int, cpu: float, wall: float
) -> dict[str, Any]:
    """The document of `chipweave traffic`: `r` as struct noc_traffic_result, latency histograms and ejected flits.

    What is a mean or a quantile of packets is None where no packet was created in the measured cycles.
    """
    n, span = r["packets"], kernel.network.endpoints * cycles
    accepted, offered = int(ejected.sum()) / span, r["offered_flits"] / span
    latency = r["latency_sum"] / n if n else None
    return {
        "schema": "chipweave.noc.traffic/1",
        "cycles": r["cycles"],
        "packets": n,
        "latency_mean": latency,
        "latency_p99": percentile(bins.sum(axis=0), 0.99),
        "network_latency_mean": r["network_latency_sum"] / n if n else None,
        "hops_mean": r["hops_sum"] / n if n else None,
        "offered_flits": offered,
        "accepted_flits": accepted,
        "saturated": bool(r["saturated"])
        or (latency is not None and latency > SATURATED_LATENCY and accepted < 0.95 * offered),
        "flit_hops": r["flit_hops"],
        "wall_s": wall,
        "cpu_s": cpu,
        "flit_hops_per_cpu_s": r["flit_hops"] / max(cpu, 1e-9),
        "peak_rss_bytes": peak_rss_bytes(),
        "seed": seed,
        "injected_flits": r["injected_flits"] / span,
        "latency_min": r["latency_min"] if n else None,
        "latency_max": r["latency_max"] if n else None,
        "accepted_flits_node_min": float(ejected.min()) / cycles,
        "accepted_flits_node_max": float(ejected.max()) / cycles,
        "classes": [
            {"packets": int(b.sum()), "latency_p50": percentile(b, 0.5), "latency_p99": percentile(b, 0.99)}
            for b in bins
        ],
        "hottest_links": link_stats.hottest(kernel),
    }


def percentile(bins: np.ndarray, share: float) -> float | None:
    """The least latency that at least `share` of the packets keep; None without packets.

    The last bin (65,535 cycles) stands for itself and everything above.
    """
    total = int(bins.sum())
    return float((bins.cumsum() >= share * total).argmax()) if total else None


def curve(
    net: Any, router: Any, pattern: str, loads: Iterable[float], threads: int = 1, **options: Any
) -> list[dict[str, Any]]:
    """One run per load, each on an empty network: the latency-load curve, [{"load": ..., **result of run}].

    threads: loads that run side by side; they share nothing, so the rows are the same for any number.
    """
    asked = list(loads)
    calls = [partial(run, net, router, pattern, load, **options) for load in asked]
    return [{"load": load, **row} for load, row in zip(asked, side_by_side(calls, threads), strict=True)]


def curve_with_links(
    net: Any,
    router: Any,
    pattern: Any,
    loads: Any,
    seed: Any,
    flows: int = 8,
    flit_bytes: Any = None,
    threads: int = 1,
    **options: Any,
) -> Any:
    """curve(), and for each load the statistics of all links with the hottest flows of each (link_stats.document).

    flows: how many flows the kernel remembers for a link; flit_bytes: turns flits into bytes, where
    it is known.
    """

    def one(load: float) -> Any:
        kernel = FlitSimulator(net, router, seed=seed, flows=flows)
        row = {"load": load, **run(net, router, pattern, load, seed=seed, kernel=kernel, **options)}
        return row, {"load": load, **link_stats.document(kernel, flit_bytes)}

    both = side_by_side([partial(one, load) for load in loads], threads)
    return [row for row, _ in both], [links for _, links in both]


def draw_curve(rows: Any, path: Any, title: str = "") -> None:
    """The latency-load curve as a picture (SVG, PNG or PDF by the name of the file).

    Latency is drawn up to saturation, beyond which it grows with the length of the run; the
    accepted rate is drawn for all loads.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, left = pyplot.subplots(figsize=(6.4, 4.2), dpi=150)
    right = left.twinx()
    stable = [r for r in rows if not r["saturated"] and r["packets"]]
    left.plot([r["load"] for r in stable], [r["latency_mean"] for r in stable], "o-", label="mean latency")
    left.plot([r["load"] for r in stable], [r["latency_p99"] for r in stable], "^:", label="p99 latency")
    right.plot([r["load"] for r in rows], [r["accepted_flits"] for r in rows], "s--", color="gray", label="accepted")
    left.set_xlabel("offered load (flits per endpoint and cycle)")
    left.set_ylabel("latency (cycles)")
    right.set_ylabel("accepted (flits per endpoint and cycle)")
    left.set_title(title)
    left.set_xlim(left=0)
    for axis in (left, right):
        axis.set_ylim(bottom=0)
    lines = [*left.get_lines(), *right.get_lines()]
    left.legend(lines, [str(line.get_label()) for line in lines], loc="upper left")
    figure.tight_layout()
    save_picture(figure, path)
    pyplot.close(figure)
