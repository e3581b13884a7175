"""Messages that take several ways of a network at once, under link models whose routes are those of a pair.

The option `ways` of a layout's network says how many there are, 1 without it; its `routes` then lists the links of all,
equally many each, one way behind the other. A message is cut into as many pieces of whole bytes, one for each way."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any


def ways_of(network: Any) -> int:
    """How many ways of a LayoutNetwork a message takes at once."""
    return int(dict(network.options).get("ways", 1))


def apart(network: Any, links: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The links of each way, of what the network's `routes` gives for a pair."""
    ways = ways_of(network)
    hops = len(links) // ways
    return [links[hops * way : hops * (way + 1)] for way in range(ways)]


def ways_between(network: Any, source: int, target: int) -> list[tuple[int, ...]]:
    """The links of each way from one endpoint to another."""
    return apart(network, tuple(network.routes(source, target)))


def pieces(size: int, ways: int) -> list[int]:
    """Bytes of each piece of a message."""
    return [size * (way + 1) // ways - size * way // ways for way in range(ways)]


@dataclass(frozen=True)
class Held:
    """What a message holds of a network whose links are held: each link once.

    Attributes:
        links: in the order in which its ways come to them.
        over: of each of them, the ways that lead over it.
        latency_ps: of the longest way.
        bytes_per_s: of a message that has all of them to itself; None where it crosses none.
    """

    links: tuple[int, ...]
    over: tuple[tuple[int, ...], ...]
    latency_ps: int
    bytes_per_s: Fraction | None


def held(network: Any, links: tuple[int, ...]) -> Held:
    """What a message holds, of what the network's `routes` gives for its pair."""
    ways = apart(network, links)
    over: dict[int, list[int]] = {}
    for number, way in enumerate(ways):
        for link in way:
            over.setdefault(link, []).append(number)
    latency = max(sum(network.links[link].latency_ps for link in way) for way in ways)
    rates = [Fraction(network.links[link].bytes_per_s) * len(ways) / len(own) for link, own in over.items()]
    return Held(tuple(over), tuple(map(tuple, over.values())), latency, min(rates, default=None))


def speeds_of(network: Any) -> tuple[list[Fraction], list[int]]:
    """(speeds at which a message can cross one link, each once, the slowest first; for each link and each number of
    ways over it, from 1 on, which of them it is)."""
    ways = ways_of(network)
    crossed = [Fraction(link.bytes_per_s) * ways / n for link in network.links for n in range(1, ways + 1)]
    speeds = sorted(set(crossed))
    rank = {speed: number for number, speed in enumerate(speeds)}
    return speeds, [rank[speed] for speed in crossed]
