"""Synthetic traffic on a flit network: patterns by BookSim 2's names, loads in flits per endpoint and cycle.

    net, router = routing_system.load("mesh_8x8")
    result = run(net, router, "uniform", 0.2)

Patterns over endpoints 0..N-1 with b = log2 N bits: `transpose` swaps the halves of the bits, `bitcomp` complements
them, `bitrev` reverses, `shuffle` rotates left by one; `neighbor` adds 1 in every dimension (with wrap) and `tornado`
ceil(k/2) - 1, in the grid or in n dimensions of k by `tornado({k,n})`; `asymmetric` is src mod N/2 plus N/2 with
probability 1/2; `diagonal` src + 1 with probability 1/3, else src; `hotspot({{ids},{weights}})`; `permutation(FILE)`: one
destination a line. Where there are fewer weights than ids or
sizes the last one holds for the rest. One pair of braces is one list: `hotspot({0,7})` are two spots, `on_off(0.1,0.2)` are
alpha and beta. BookSim 2 reads these two otherwise (chipweave.validation.booksim.traffic, for rows of `validate booksim`).
"""

import re
import resource
import time
from pathlib import Path

from chipweave.errors import BadInput, Fault, nearest
from chipweave.fabric import traffic as fabric_traffic
from chipweave.fabric.noc import Kernel
from chipweave.io.atomic import replacing
from chipweave.traffic import link_stats

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
FIXED = ("transpose", "bitcomp", "bitrev", "shuffle", "tornado", "neighbor")
NAMES = (*DRAWN, *FIXED, "hotspot", "permutation")


def _numbers(text, what):
    """Lists of numbers in BookSim's braces: '{{0,7},{1,3}}' -> [[0, 7], [1, 3]]; one pair of braces, or none, is one list."""
    groups = re.findall(r"\{([^{}]*)\}", text) or [text.strip("{} ")]
    try:
        return [[float(x) for x in group.replace(" ", "").split(",") if x] for group in groups]
    except ValueError:
        raise BadInput(
            Fault(
                f"{what} {text!r}: not numbers",
                allowed="numbers with commas between, such as 1,5, lists of them in braces: {{0,7},{1,3}}",
            )
        ) from None


def _for_all(weights, count):
    return weights + weights[-1:] * (count - len(weights))


def _bits(endpoints, pattern):
    bits = endpoints.bit_length() - 1
    if endpoints != 1 << bits or (pattern == "transpose" and bits % 2):
        raise BadInput(
            f"pattern {pattern} needs {'4^m' if pattern == 'transpose' else '2^m'} endpoints, not {endpoints}"
        )
    return bits


def _stepped(net, pattern, argument=None):
    """Destinations that lie a step away in every dimension, with wrap: of the grid, or of n dimensions of k by the argument `{k,n}`."""
    radices = net.radices
    if argument:
        k, n = ([int(x) for group in _numbers(argument, f"pattern {pattern},") for x in group] + [1])[:2]
        radices = (k,) * n if 1 <= n <= 64 else ()
    if not radices or min(radices) < 1:
        raise BadInput(f"pattern {pattern} needs a grid, or its size as {pattern}({{k,n}})")
    targets = []
    for src in range(net.endpoints):
        rest, stride, dst = src, 1, 0
        for k in radices:
            dst += (rest % k + (1 if pattern == "neighbor" else (k + 1) // 2 - 1)) % k * stride
            rest, stride = rest // k, stride * k
        targets.append(dst)
    if max(targets) >= net.endpoints:
        raise BadInput(
            f"pattern {pattern}({argument}) leads from endpoint {targets.index(max(targets))} to {max(targets)} of {net.endpoints} endpoints"
        )
    return targets


def fixed(net, pattern, argument=None):
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


def parse(net, pattern):
    """(kernel pattern, targets, weights) of a pattern as the user or a BookSim run description spells it."""
    match = re.fullmatch(r"\s*(\w+)\s*(?:\((.*)\))?\s*", pattern, re.S)
    name, argument = match.groups() if match else (pattern, None)
    name = ALIASES.get(name, name)
    if name in DRAWN:
        return DRAWN[name], None, None
    if name in FIXED:
        return fabric_traffic.TARGETS, fixed(net, name, argument), None
    if name == "hotspot":
        spots, *weights = _numbers(argument or "", "pattern hotspot,")
        weights = _for_all(weights[0] if weights else [1.0], len(spots))
        if (
            not spots
            or len(weights) != len(spots)
            or not all(0 <= s < net.endpoints and s == int(s) for s in spots)
            or min(weights) < 0
            or not sum(weights)
        ):
            raise BadInput(
                Fault(f"pattern {pattern!r}", allowed=f"hotspot({{{{ids}},{{weights}}}}), ids 0 to {net.endpoints - 1}")
            )
        return fabric_traffic.HOT_SPOT, spots, weights
    if name == "permutation" and argument:
        return fabric_traffic.TARGETS, _permutation(net, argument.strip("\"' ")), None
    raise BadInput(Fault(f"unknown pattern {pattern!r}", allowed=", ".join(NAMES), nearest=nearest(name, NAMES)))


def _permutation(net, path):
    try:
        text = Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    words = text.split()
    if len(words) != net.endpoints or not all(w.isdecimal() and int(w) < net.endpoints for w in words):
        raise BadInput(
            f"{path}: one destination 0 to {net.endpoints - 1} for each of {net.endpoints} endpoints; found {len(words)} entries"
        )
    return [int(w) for w in words]


def sizes_of(text, weights=None):
    """(flits, weight) pairs: '4', '1,5', '{{1,5}}' and weights '{{1,1}}'."""
    sizes = [int(s) for group in _numbers(str(text), "packet sizes") for s in group]
    shares = _for_all(
        [w for group in _numbers(str(weights), "weights of packet sizes") for w in group] if weights else [1.0],
        len(sizes),
    )
    if (
        not sizes
        or min(sizes) < 1
        or max(sizes) > 1 << 20
        or len(shares) != len(sizes)
        or min(shares) < 0
        or not sum(shares)
    ):
        raise BadInput(
            Fault(
                f"packet sizes {text!r}" + (f", weights {weights!r}" if weights else ""),
                allowed="sizes of 1 to 1048576 flits, a weight for each",
            )
        )
    return list(zip(sizes, shares))


def loads_of(texts):
    """The loads of `--load 0.1,0.2 --load 0.3`."""
    return [load for text in texts for group in _numbers(text, "load") for load in group]


def injection_of(text):
    """None for `bernoulli`, (alpha, beta, rate while on) for `on_off(alpha,beta[,rate])`; one may be negative: worked out."""
    match = re.fullmatch(r"\s*(bernoulli|on_off)\s*(?:\((.*)\))?\s*", text or "bernoulli")
    if match and match[1] == "bernoulli":
        return None
    numbers = [float(x) for x in re.findall(r"-?[\d.]+(?:e-?\d+)?", match[2] or "")] if match else []
    if not 2 <= len(numbers) <= 3 or max(numbers) > 1 or sum(x < 0 for x in [*numbers, -1.0][:3]) != 1:
        raise BadInput(
            Fault(
                f"injection {text!r}",
                allowed="bernoulli, on_off(alpha,beta), on_off(alpha,-1,rate), on_off(-1,beta,rate)",
            )
        )
    return (*numbers, -1.0)[:3]


def run(
    net,
    router,
    pattern,
    load,
    packet_flits="1",
    weights=None,
    injection="bernoulli",
    warmup=1000,
    cycles=1000,
    seed=1,
    drain_limit=None,
    general=False,
    kernel=None,
    watch=None,
):
    """One synthetic run; the document of `chipweave traffic` plus `classes`, `hottest_links`, `injected_flits`, `latency_min`, `latency_max`.

    `saturated` says that measured packets were left `drain_limit` cycles (default 20 x (warmup + cycles), at least
    20,000) after measurement, or that accepted flits fell short of offered ones with a mean latency above 500 cycles.
    `watch(kernel, cycles, call)` makes the kernel's call for the caller (chipweave.traffic.report.watching: with a progress bar).
    """
    sizes = sizes_of(packet_flits, weights)
    mean = sum(s * w for s, w in sizes) / sum(w for _, w in sizes)
    if not 0 < load <= mean:
        raise BadInput(
            Fault(
                f"load {load} flits per endpoint and cycle", allowed=f"above 0, at most one packet a cycle = {mean:g}"
            )
        )
    kind, targets, shares = parse(net, pattern)
    limit = drain_limit if drain_limit is not None else max(20_000, 20 * (warmup + cycles))
    wall, cpu = time.perf_counter(), time.process_time()
    kernel = kernel or Kernel(net, router, seed=seed, general=general)
    arguments = kernel, kind, load, sizes, targets, shares, injection_of(injection), warmup, cycles, limit, seed
    r, bins, ejected = (
        watch(kernel, warmup + cycles, lambda: fabric_traffic.run(*arguments))
        if watch
        else fabric_traffic.run(*arguments)
    )
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    n, span = max(1, r["packets"]), net.endpoints * cycles
    accepted, offered = int(ejected.sum()) / span, r["offered_flits"] / span
    return {
        "schema": "chipweave.noc.traffic/1",
        "cycles": r["cycles"],
        "packets": r["packets"],
        "latency_mean": r["latency_sum"] / n,
        "latency_p99": percentile(bins.sum(axis=0), 0.99),
        "network_latency_mean": r["network_latency_sum"] / n,
        "hops_mean": r["hops_sum"] / n,
        "offered_flits": offered,
        "accepted_flits": accepted,
        "saturated": bool(r["saturated"]) or (r["latency_sum"] / n > 500 and accepted < 0.95 * offered),
        "flit_hops": r["flit_hops"],
        "wall_s": wall,
        "cpu_s": cpu,
        "flit_hops_per_cpu_s": r["flit_hops"] / max(cpu, 1e-9),
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "seed": seed,
        "injected_flits": r["injected_flits"] / span,
        "latency_min": r["latency_min"] if r["packets"] else 0,
        "latency_max": r["latency_max"],
        "accepted_flits_node_min": float(ejected.min()) / cycles,
        "accepted_flits_node_max": float(ejected.max()) / cycles,
        "classes": [
            {"packets": int(b.sum()), "latency_p50": percentile(b, 0.5), "latency_p99": percentile(b, 0.99)}
            for b in bins
        ],
        "hottest_links": link_stats.hottest(kernel),
    }


def percentile(bins, share):
    """The least latency that at least `share` of the packets keep; 0.0 without packets."""
    total = int(bins.sum())
    return float((bins.cumsum() >= share * total).argmax()) if total else 0.0


def curve(net, router, pattern, loads, **options):
    """One run per load, each on an empty network: the latency-load curve."""
    return [{"load": load, **run(net, router, pattern, load, **options)} for load in loads]


def curve_with_links(net, router, pattern, loads, seed, flows=8, flit_bytes=None, **options):
    """curve(), and for each load the statistics of all links with the hottest flows of each (link_stats.document)."""
    rows, links = [], []
    for load in loads:
        kernel = Kernel(net, router, seed=seed, flows=flows)
        rows.append({"load": load, **run(net, router, pattern, load, seed=seed, kernel=kernel, **options)})
        links.append({"load": load, **link_stats.document(kernel, flit_bytes)})
    return rows, links


def draw_curve(rows, path, title=""):
    """The latency-load curve as a picture (SVG, PNG or PDF by the name of the file)."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, left = pyplot.subplots(figsize=(6.4, 4.2), dpi=150)
    right = left.twinx()
    stable = [r for r in rows if not r["saturated"]]
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
    left.legend(lines, [line.get_label() for line in lines], loc="upper left")
    figure.tight_layout()
    with replacing(path, "wb") as file:
        figure.savefig(file, format=str(path).rpartition(".")[2].lower())
    pyplot.close(figure)
