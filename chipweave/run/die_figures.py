"""What policies see of the system: numbers of each die and each route, from parts and networks.

A part states its figures itself (`Staged.facts`); nothing here knows a kind.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np

from chipweave.component.staged import Staged
from chipweave.errors import BadInput, Fault
from chipweave.policy.figures import DieFigures
from chipweave.policy.view import Costs

LATENCY = "_latency_ps"  # the end of the name of a fact that is one
NEEDED = ("compute", "hbm_bandwidth", "hbm_latency_ps", "hbm_bytes")
APART = 1 << 14  # hops between dies that no route joins


def facts_of(groups: Any) -> dict:
    """Figures that parts state of themselves (`Staged.facts`), a list with one for each die: compute, hbm_bytes, ...

    Rates and sizes of several parts on a die add up; of latencies the longest counts; 0 where no part states one.
    """
    facts: dict = {}
    for part in groups:
        for name, value in part.facts().items() if isinstance(part, Staged) else ():
            each = facts.setdefault(name, [0] * part.dies)
            for member in part.members:
                own = value[member.die] if isinstance(value, tuple) else value
                there = each[member.die]
                each[member.die] = own if not there else max(there, own) if name.endswith(LATENCY) else there + own
    return facts


def check_facts(facts: dict, system: Any) -> None:
    """Raise BadInput where the parts do not state what placement and policies build on."""
    missing = [name for name in NEEDED if name not in facts]
    if missing:
        raise BadInput(
            Fault(
                f"{system.name}: no part of the topology states {', '.join(missing)}",
                allowed="dies with an SM cluster and an HBM, as in wafer_5x5",
            )
        )


def die_places(network: Any, system: Any, dies: int) -> list[int | None]:
    """[endpoint of each die in a network, None where it has none]."""
    places: list[int | None] = [None] * dies
    for number, name in enumerate(network.endpoints):
        die = getattr(system.parts.get(name), "die", None)
        if die is not None:
            places[die] = number
    return places


def distance_of(network: Any, places: list[int | None]) -> np.ndarray:
    """int32 [D, D]: links on the route from the row's die to the column's; APART where there is none."""
    if places == list(range(len(network.endpoints))):
        return network.distance.astype(np.int32)
    joined = {die: place for die, place in enumerate(places) if place is not None}
    there, at = list(joined), list(joined.values())
    out = np.full((len(places),) * 2, APART, np.int32)
    np.fill_diagonal(out, 0)
    known = network.distance.astype(np.int32)
    out[np.ix_(there, there)] = known[np.ix_(at, at)]
    return out


def figures_of(facts: dict, network: Any, places: list[int | None]) -> DieFigures:
    """The DieFigures of a system whose dies one network joins."""
    links = set(zip(network.latency_ps.tolist(), network.bandwidth, strict=True))
    compute, bandwidth = (np.array([float(x) for x in facts[name]]) for name in ("compute", "hbm_bandwidth"))
    latency, size = (np.array([int(x) for x in facts[name]], np.int64) for name in ("hbm_latency_ps", "hbm_bytes"))
    return DieFigures(
        compute,
        bandwidth,
        latency,
        size,
        lambda: routes_of(network, places),
        len(links) <= 1,
        tuple(network.endpoints[place].rpartition(".")[0] if place is not None else "" for place in places),
    )


def routes_of(network: Any, places: list[int | None]) -> tuple:
    """(int64 [D, D] latency in ps, float64 [D, D] bytes/s of the slowest link) of the routes between dies.

    Where the packets of a message take turns over several ways, the rate is that of all ways together.
    """
    latency, rate = np.zeros((len(places),) * 2, np.int64), np.full((len(places),) * 2, np.inf)
    times, rates = network.latency_ps.tolist(), network.bandwidth
    for a, start in enumerate(places):
        for b, end in enumerate(places):
            if a == b:
                continue
            if start is None or end is None:
                latency[a, b], rate[a, b] = np.iinfo(np.int64).max // 4, 1.0
                continue
            route = network.link_route(start, end)
            latency[a, b] = sum(times[link] for link in route)
            rate[a, b] = float(
                min((rates[link] / share for link, share in shares_of(network, start, end)), default=np.inf)
            )
    return latency, rate


def shares_of(network: Any, start: int, end: int) -> list[tuple[int, Fraction]]:
    """[(link, what share of a message passes it)] between two endpoints."""
    ways = network.ways if network.spread == "packet" else 1
    passed = Counter(link for way in range(ways) for link in network.link_route(start, end, way))
    return [(link, Fraction(times, ways)) for link, times in passed.items()]


def costs_of(facts: dict, network: Any, model: Any, places: list[int | None]) -> Costs:
    """The exact figures that a policy's estimate may build on."""
    rate, hop_ps = (network.bandwidth[0], int(network.latency_ps[0])) if len(network.src) else (Fraction(1), 0)
    planes = network.planes if network.spread == "packet" else 1
    return Costs(
        model.expert_bytes,
        model.slices,
        model.slices * 2 * model.hidden * model.intermediate,
        next(flops for flops in facts["compute"] if flops),
        next(own for own in facts["hbm_bandwidth"] if own),
        next(time for time in facts["hbm_latency_ps"] if time),
        rate * planes,
        hop_ps,
        figures_of(facts, network, places),
    )


def homes(facts: dict, places: list[int | None]) -> tuple:
    """(dies that experts are placed on unless a policy says otherwise, dies that may keep any): with memory and a
    network.

    The first are those that compute as well, if there are any.
    """
    able = [d for d, size in enumerate(facts["hbm_bytes"]) if size and places[d] is not None]
    both = [d for d in able if facts["compute"][d]]
    return both or able, able
