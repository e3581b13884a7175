"""zero_load, circuit_serialisation, fair_sharing: messages whose arrival can be worked out on paper.

Alone, a message needs the latencies of its route and its bytes at the slowest link. Under `circuit`
messages over one link follow one another; under `fair` they share it max-min fairly (Bertsekas and
Gallager, Data Networks, 6.5.2). Expected values are whole ps, rounded up as the engine's are.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from chipweave import fabric, topology
from chipweave.chain import Layout, Link
from chipweave.ledger.closed_forms import Check, closed_form

from ..bench.bare_network import bare_network

SIZES = (16, 4096, 88_080_384)
LINK = {"latency_ps": 200_000, "bytes_per_s": 10**12}
SIZE = 10**6
FAIR_PS = 4
"""ps that whole bytes per second and ceilings may add over the four changes of rate that occur here at most."""


@closed_form("zero_load")
def zero_load() -> Iterator[Check]:
    """From corner to corner and to a neighbour of the wafers' meshes, under both link models."""
    for name in ("wafer_5x5", "wafer_8x3"):
        system = topology.load(name)
        network = system.networks["d2d"]
        rows, columns = network.dims
        edge = next(iter(network.graph.edges(data=True)))[2]
        for model in ("circuit", "fair"):
            for target in (1, rows, rows * columns - 1):
                hops = target % rows + target // rows  # die id = y + x * rows
                for size in SIZES:
                    expected = hops * edge["latency_ps"] + ceiling(size, edge["bandwidth"])
                    engine = over(network, model)
                    yield Check(
                        f"{name}-{model}-{target}-{size}",
                        f"arrival of {size} B over {hops} hops",
                        expected,
                        arrivals(engine, [(0, target, size)])[0],
                        0.0,
                        "ps",
                        f"{name}, {model}",
                        "hops",
                        str(hops),
                    )


@closed_form("circuit_serialisation")
def circuit_serialisation() -> Iterator[Any]:
    """n messages over one link; two in opposite directions; a long route that waits for both of its links.

    The last of n arrives after n times one message's time, since a held link is released with the
    message's end.
    """
    one = LINK["latency_ps"] + ceiling(SIZE, LINK["bytes_per_s"])
    for n in (1, 2, 7, 100):
        found = arrivals(line(2, "circuit"), [(0, 1, SIZE)] * n)
        yield Check(
            f"one-link-{n}",
            "arrival of the last message",
            n * one,
            max(found),
            0.0,
            "ps",
            "one link, circuit",
            "messages",
            str(n),
        )
    for directed, expected in ((True, one), (False, 2 * one)):
        found = arrivals(line(2, "circuit", directed), [(0, 1, SIZE), (1, 0, SIZE)])
        words = "directed" if directed else "undirected"
        yield Check(
            f"opposite-{words}",
            "both of two opposite messages",
            expected,
            max(found),
            0.0,
            "ps",
            f"one {words} link, circuit",
        )
    found = arrivals(line(3, "circuit"), [(0, 1, SIZE), (1, 2, 2 * SIZE), (0, 2, SIZE)])
    second = LINK["latency_ps"] + ceiling(2 * SIZE, LINK["bytes_per_s"])
    yield Check(
        "both-links",
        "a route of two links behind one message on each",
        second + one + LINK["latency_ps"],
        found[2],
        0.0,
        "ps",
        "line of 3, circuit",
    )


@closed_form("fair_sharing")
def fair_sharing() -> Iterator[Any]:
    """Max-min shares: n equal messages; a late comer; a two-link message that its bottleneck holds back."""
    alone, latency = ceiling(SIZE, LINK["bytes_per_s"]), LINK["latency_ps"]
    for n in (1, 2, 3, 7, 64):
        found = arrivals(line(2, "fair"), [(0, 1, SIZE)] * n)
        for name, time in (("first", min(found)), ("last", max(found))):
            yield share(
                f"equal-{n}-{name}",
                f"{name} of n equal messages",
                n * alone + latency,
                time,
                "one link",
                "messages",
                str(n),
            )
    found = arrivals(line(2, "fair"), [(0, 1, SIZE), (0, 1, SIZE)], starts=[0, alone // 2])
    yield share(
        "late-first",
        "the first, sharing its second half",
        alone * 3 // 2 + latency,
        found[0],
        "one link, the second half a message later",
    )
    yield share(
        "late-second",
        "the second, alone for its second half",
        2 * alone + latency,
        found[1],
        "one link, the second half a message later",
    )
    # Rates r and 2r: A and B share the first link, r/2 each; C gets what B leaves of the second, 3r/2. A and B end
    # together.
    found = arrivals(line(3, "fair", rates=(1, 2)), [(0, 1, SIZE), (0, 2, SIZE), (1, 2, 3 * SIZE)])
    for name, expected, time in zip(
        "ABC", (2 * alone + latency, 2 * alone + 2 * latency, 2 * alone + latency), found, strict=False
    ):
        yield share(
            f"bottleneck-{name}",
            f"message {name}",
            expected,
            time,
            "links of r and 2r; A on the first, B on both, C on the second",
        )


def share(
    name: Any, quantity: Any, expected: Any, simulated: Any, system: Any, x_name: str = "", x_value: str = ""
) -> Any:
    """A Check of fair sharing: its tolerance is the rounding of rates, FAIR_PS, and nothing else."""
    why = f"rates are whole bytes per second, times whole ps: {FAIR_PS} ps"
    return Check(name, quantity, expected, simulated, FAIR_PS / expected, "ps", f"{system}, fair", x_name, x_value, why)


def ceiling(size: int, rate: Fraction | int) -> int:
    """ps of `size` bytes at `rate` bytes/s, rounded up."""
    return -(-Fraction(size * 10**12) // Fraction(rate))


def line(routers: int, model: str, directed: bool = True, rates: Any = None) -> fabric.Engine:
    """An engine over a line of routers, one link in each direction between neighbours; `rates` scale the links
    forward."""
    pairs = [(i, i + 1) for i in range(routers - 1)] + [(i + 1, i) for i in range(routers - 1)]
    rates = (*(rates or [1] * (routers - 1)), *[1] * (routers - 1))
    links = [
        Link(f"{a}-{b}", a, b, LINK["latency_ps"], Fraction(LINK["bytes_per_s"] * rate))
        for (a, b), rate in zip(pairs, rates, strict=False)
    ]

    def routes(source: Any, target: Any) -> Any:
        step = 1 if target > source else -1
        return [pairs.index((i, i + step)) for i in range(source, target, step)]

    layout = Layout()
    return sending(layout, layout.network("line", model, routers, links, routes, directed=directed))


def over(network: Any, model: str) -> fabric.Engine:
    """An engine over a network of a topology, with its own links and routes, and nothing but messages."""
    layout = Layout()
    return sending(layout, bare_network(layout, network, model))


def sending(layout: Layout, network: Any) -> fabric.Engine:
    """An engine with the chain `message(source, target, bytes)`."""
    layout.chain("message", ["source", "target", "bytes"]).send("send", network, "source", "target", "bytes")
    return fabric.build(layout, admission="work_conserving")


def arrivals(engine: fabric.Engine, messages: list[tuple[int, int, int]], starts: Any = None) -> list[int]:
    """ps at which each of (source, target, bytes) has arrived."""
    batch = engine.issue(
        "message", np.array(messages, np.int64), None if starts is None else np.array(starts, np.int64)
    )
    engine.advance()
    return [int(t) for t in engine.finish_ps(batch)]
