"""loadlat: random chases in memory, a chain a lane, many at a time; a hop of a warp ends when its last lane has its
line.

Chains are dealt to the SMs: where x counts chains, up to 32 lanes of a warp, then more warps; where x is lanes a warp,
the conditions give the chains, and warps are as many as that takes, on as many SMs as have one; one warp an SM where
they do not say."""

from __future__ import annotations

import math
import re
from typing import Any

from chipweave.ledger import Answers, NotModelled, Question, case
from chipweave.line_rate.sm_program import ORDER, Chase, Loop

from ..bench.die import GIB, Die, scattered
from ..bench.parallel import answers
from ..rows.devices import device_of
from ..rows.units import count, first_missing, in_cycles

CHAINS = re.compile(r"(\d+)\s*chains|chains\s*[=:]?\s*(\d+)")
FOOTPRINT, LINE = GIB, 128
WARM_HOPS, HOPS = 4, 24
FEWEST_HOPS = 2048  # of all warps together
LANES, MAX_WARPS = 32, 64


def cycles(device: Any, lanes: Any, warps: Any, busy: Any) -> Any:
    """SM cycles a hop by lanes of a warp and warps of an SM, on `busy` of the SMs."""
    die = Die(device)
    sms = die.sms[:busy]
    n = FOOTPRINT // LINE
    hops = WARM_HOPS + max(HOPS * (4 if lanes * warps < 8 else 1), FEWEST_HOPS // (busy * warps))
    lane_places = hops + 1
    order = scattered(n, len(sms) * warps * lanes * lane_places, 7)
    for i, sm in enumerate(sms):
        die.endpoints.attach(sm, ORDER, order)
        ops = [
            Chase(0, LINE, 0, warps * lanes * lane_places, lanes * lane_places, lane_places, 8, lanes),
            Loop(0, hops),
        ]
        die.program(sm, ops, 32 * warps, first=i, blocks=i + 1)
        die.launch(sm, i * 1777)
    total = len(sms) * warps
    while die.endpoints.total(sms, "hops") < total * WARM_HOPS:
        die.endpoints.run(events=500)
    start, before = die.endpoints.now, die.endpoints.total(sms, "hops")
    while die.endpoints.total(sms, "hops") < total * (hops - 2):
        die.endpoints.run(events=500)
    per_warp = (die.endpoints.total(sms, "hops") - before) / total
    return (die.endpoints.now - start) / per_warp / die.period_ps


def point(question: Any) -> Any:
    """(device, lanes a warp, warps an SM, SMs with a warp) of a row."""
    device, by_chains = device_of(question), question.x_name == "chains"
    x = count(question, "chains", "lanes/warp", "lanes per warp", "lanes", most=1 << 20 if by_chains else LANES)
    if first_missing(device, x):
        return first_missing(device, x)
    stated = CHAINS.search(question.conditions)
    chains = x if by_chains else int(stated[1] or stated[2]) if stated else x * device.sms
    lanes = min(LANES, math.ceil(chains / device.sms)) if by_chains else x
    warps = max(1, round(chains / lanes))
    if warps > device.sms * MAX_WARPS:
        return NotModelled(f"{warps} warps are more than {device.sms} SMs hold")
    busy = min(device.sms, warps)
    return device, lanes, max(1, round(warps / busy)), busy


@case("h100", "loadlat", bar=0.12)
def predict(questions: list[Question]) -> Answers:
    """Cycles a hop, or the time of one."""
    return answers(questions, point, cycles, lambda q, at, found: in_cycles(q, found, at[0].clock_hz))
