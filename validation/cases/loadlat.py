"""loadlat: random chases in memory, a chain a lane, many at a time; a hop of a warp ends when its last lane has its line.

Chains are dealt to the SMs: where x counts chains, up to 32 lanes of a warp, then more warps; where x is lanes a warp, the
conditions give the chains, and warps are as many as that takes.
"""

import math
import re

from chipweave.ledger import NotModelled, case
from chipweave.validation.die import CHASE, GIB, LOOP, ORDER, Die, scattered, topology_of
from chipweave.validation.points import measure

CHAINS = re.compile(r"(\d+)\s*chains|chains\s*[=:]?\s*(\d+)")
FOOTPRINT, LINE = GIB, 128
WARM_HOPS, HOPS = 4, 24
MAX_WARPS = 64


def cycles(topology, lanes, warps):
    """SM cycles a hop with so many lanes a warp and warps an SM."""
    die = Die(topology)
    n = FOOTPRINT // LINE
    hops = WARM_HOPS + HOPS * (4 if lanes * warps < 8 else 1)
    lane_places = hops + 1
    order = scattered(n, len(die.sms) * warps * lanes * lane_places, 7)
    for i, sm in enumerate(die.sms):
        die.endpoints.attach(sm, ORDER, order)
        ops = [(CHASE, 0, LINE, 0, warps * lanes * lane_places, lanes * lane_places, lane_places, 8, lanes), (LOOP, 0, hops)]
        die.program(sm, ops, 32 * warps, first=i, blocks=i + 1)
        die.launch(sm, i * 1777)
    total = len(die.sms) * warps
    while die.endpoints.total(die.sms, "hops") < total * WARM_HOPS:
        die.endpoints.run(events=500)
    start, before = die.endpoints.now, die.endpoints.total(die.sms, "hops")
    while die.endpoints.total(die.sms, "hops") < total * (hops - 2):
        die.endpoints.run(events=500)
    per_warp = (die.endpoints.total(die.sms, "hops") - before) / total
    return (die.endpoints.now - start) / per_warp / die.period_ps


def shape(q, sms):
    """(lanes a warp, warps an SM) of a row, or None."""
    if q.x_name == "chains" and q.x:
        lanes = min(32, math.ceil(q.x / sms))
        return lanes, min(MAX_WARPS, max(1, round(q.x / sms / lanes)))
    chains = CHAINS.search(q.conditions)
    if q.x_name.startswith("lanes") and q.x and chains:
        lanes = min(32, int(q.x))
        return lanes, min(MAX_WARPS, max(1, round(int(chains[1] or chains[2]) / sms / lanes)))
    return None


@case("h100", "loadlat", bar=0.12)
def predict(questions):
    """Cycles a hop."""
    points = {}
    for q in questions:
        topology = topology_of(q.device)
        found = topology and shape(q, 114 if "pcie" in topology else 132)
        if found:
            points[q.id] = topology, *found
    answers = measure(cycles, points.values())
    return {q.id: answers[points[q.id]] if q.id in points else NotModelled("chains or lanes not recognised") for q in questions}
