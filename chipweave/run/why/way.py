"""A send's time, cut into intervals: waiting, bytes on the wire, latencies of links.

Where a network knows places (`flit`), each interval has one: the source's queue, its port, each link as the message's
last tail passes it, the endpoint behind the last. Elsewhere a closed form splits the time, and the route is the place.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from chipweave.chain.nouns import PS_PER_SECOND
from chipweave.chain.ways import held

SERIALISATION, LATENCY, WAITING = "links: serialisation", "links: latency", "links: waiting"
LINKS = (SERIALISATION, LATENCY, WAITING)
Crossings = list[tuple[int, int]]  # (link, ps): see chipweave.fabric.Engine.trails
Piece = tuple[str, str, int, int, tuple[int, ...]]  # class, reason, begin, end, links that it lies on


def way_of(stage: Any, link: tuple) -> tuple[int, int, int]:
    """Of the route of a send or of links held: its links' latencies (of the longest way), ps, and numerator and
    denominator of the ps that a byte takes on its slowest link."""
    network, links = link
    of = held(network, tuple(links))
    rate = of.bytes_per_s
    if rate is not None and stage.message:
        rate = rate * stage.message.efficiency
    per_byte = PS_PER_SECOND / Fraction(rate) if rate else Fraction(0)
    return of.latency_ps, per_byte.numerator, per_byte.denominator


def own_ps(stage: Any, of: dict[str, int], way: tuple[int, int, int]) -> int:
    """Time of a send's bytes on the slowest link of its route."""
    size = stage.message.bytes if stage.message else stage.take[0].bytes
    work = size.constant + sum(factor * of[name] for name, factor in size.terms)
    return -(-work * way[1] // way[2])


def split(
    stage: Any, of: dict[str, int], begin: int, end: int, way: tuple[int, int, int]
) -> list[tuple[str, int, int]]:
    """A send's time from start to end as (class, begin, end): waiting, then its bytes, then the latencies of its
    links."""
    latency = min(end - begin, way[0])
    busy = min(end - begin - latency, own_ps(stage, of, way))
    first, second = end - latency - busy, end - latency
    return [
        (c, b, e)
        for c, b, e in ((WAITING, begin, first), (SERIALISATION, first, second), (LATENCY, second, end))
        if e > b
    ]


def along(network: Any, crossings: Crossings, begin: int, end: int, own: int) -> list[Piece]:
    """A send from `begin` to `end` by where it was.

    Its bytes (`own` ps) go by while its flits leave the source, or later where a slower link holds it up; what is over
    on a link beyond its latency is waiting, the pipelines of routers included.
    """
    (_, head), (_, tail), *passed = [(link, min(ps, end)) for link, ps in crossings]
    route = tuple(link for link, _ in passed)
    bytes_ps = min(own, tail - head)
    pieces = [
        (WAITING, "in the source's queue", begin, head, ()),
        (WAITING, "back pressure", head, tail - bytes_ps, route),
        (SERIALISATION, "serialisation", tail - bytes_ps, tail, route),
    ]
    now, left = tail, own - bytes_ps
    for link, ps in passed:
        latency = min(ps - now, network.links[link].latency_ps)
        late = min(left, ps - now - latency)
        first, second = ps - latency - late, ps - latency
        pieces += [(WAITING, "waiting", now, first, (link,)), (SERIALISATION, "serialisation", first, second, (link,))]
        pieces.append((LATENCY, "latency", second, ps, (link,)))
        now, left = ps, left - late
    pieces.append((WAITING, "at the endpoint", now, end, route[-1:]))
    return [piece for piece in pieces if piece[3] > piece[2]]


def ways_of(rows: np.ndarray) -> dict[int, Crossings]:
    """message -> its crossings, of `Engine.trails`."""
    found: dict[int, Crossings] = {}
    for message, link, ps in rows.tolist():
        found.setdefault(message, []).append((link, ps))
    return found
