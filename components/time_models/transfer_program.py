"""Transfers that wait for one another, and their times on shared links.

A *program* is a list of `Op`s: what one worker (a group of thread blocks of one GPU) does, in order. An op waits for
the op its worker did before and for the ops it names in `after`, spends its `latency`, then moves `size` bytes over its
links, at its own `cap` at most and at its max-min fair share where links are crowded (the `fair` link model).

`run` gives the time each op ends. It is a small plain engine: the programs of a collective have hundreds of ops, since
equal channels travel as one op and equal pieces after the first are counted, not stepped (`steady`).

Leaves out  routes of several links in a row (latency is the op's), queues, packets.
Checked by  tests/comm/test_transfer_program.py
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from typing import Any

SLACK = 1e-12  # of a rate: what floating point may leave of it
ROUNDING = 1e-3  # ps: a remainder smaller than this has arrived


@dataclass(frozen=True)
class Op:
    """One transfer or local copy.

    worker   who does it; ops of one worker run one after another, in the order of the list
    size     bytes (the payload)
    cap      bytes/s that the worker can move at most
    links    link -> bytes that the link carries for each byte of `size`; empty for a local copy
    after    positions in the program that must have ended before it starts
    latency  ps spent before the first byte moves: flag, fence, hop
    """

    worker: object
    size: int
    cap: Fraction
    links: dict = field(default_factory=dict)
    after: tuple = ()
    latency: int = 0


def shares(ops: list[Any], bandwidth: dict[Any, Any]) -> list[Any]:
    """The max-min fair rate (bytes/s) of each op in `ops` on links of the given `bandwidth` (bytes/s).

    All rates rise together until an op meets its cap or a link is full; those it stops stay, the rest go on.
    """
    caps, rates, rising = [float(op.cap) for op in ops], [0.0] * len(ops), set(range(len(ops)))
    free = {link: float(rate) for link, rate in bandwidth.items()}
    level = 0.0
    while rising:
        load = {}
        for i in rising:
            for link, weight in ops[i].links.items():
                load[link] = load.get(link, 0) + weight
        step = min(caps[i] for i in rising) - level
        for link, weight in load.items():
            step = min(step, free[link] / weight)
        level += step
        for link, weight in load.items():
            free[link] -= step * weight
        full = {link for link in load if free[link] <= bandwidth[link] * SLACK}
        stopped = {i for i in rising if level >= caps[i] * (1 - SLACK) or not full.isdisjoint(ops[i].links)}
        for i in stopped:
            rates[i] = level
        rising -= stopped
    return rates


def run(ops: list[Op], bandwidth: dict[tuple[str, int], Fraction]) -> list[int]:
    """When each op ends, in ps from the start of the program.

    Args:
        ops: the program, [Op]; `after` may only point back, so that it cannot wait for itself.
        bandwidth: link -> bytes/s.

    Returns:
        [ps], one for each op.
    """
    waits = [len(set(op.after)) for op in ops]
    followers = [[] for _ in ops]
    last = {}
    for i, op in enumerate(ops):
        for before in set(op.after):
            if not 0 <= before < i:
                raise ValueError(f"op {i} waits for op {before}: only earlier ops can be waited for")
            followers[before].append(i)
        if op.worker in last:
            followers[last[op.worker]].append(i)
            waits[i] += 1
        last[op.worker] = i
    ends = [0] * len(ops)
    starting = [(op.latency, i) for i, op in enumerate(ops) if not waits[i]]
    moving, now = {}, 0  # op -> bytes left
    while starting or moving:
        for time, i in [s for s in starting if s[0] <= now]:
            starting.remove((time, i))
            moving[i] = ops[i].size
        order = list(moving)
        rates = dict(zip(order, shares([ops[i] for i in order], bandwidth), strict=False))
        done = [i for i in order if moving[i] <= 0]
        if not done:
            due = [now + ceil(moving[i] * 1e12 / rates[i] - ROUNDING) for i in order] + [t for t, _ in starting]
            later = min(due)
            for i in order:
                moving[i] -= rates[i] * (later - now) / 1e12
            now = later
            done = [i for i in order if moving[i] <= rates[i] * ROUNDING / 1e12]
        for i in done:
            moving.pop(i)
            ends[i] = now
            for follower in followers[i]:
                waits[follower] -= 1
                if not waits[follower]:
                    starting.append((now + ops[follower].latency, follower))
    return ends


def steady(ops: list[Op], bandwidth: dict[Any, Any]) -> int:
    """Time of one more piece once pieces overlap, in ps: the busiest link or worker sets it.

    The first piece finds all workers at the same step, so links idle while everybody copies. Later pieces find them
    spread over the steps; then no more than the demand of the busiest resource counts.
    """
    links, workers = {}, {}
    for op in ops:
        for link, weight in op.links.items():
            links[link] = links.get(link, 0) + op.size * weight
        workers[op.worker] = workers.get(op.worker, 0) + op.latency + op.size * 1e12 / float(op.cap)
    busiest = max((size * 1e12 / float(bandwidth[link]) for link, size in links.items()), default=0)
    return ceil(max(busiest, max(workers.values(), default=0)) - ROUNDING)


def pieces(program: Any, sizes: list[int], bandwidth: dict[tuple[str, int], Fraction]) -> int:
    """Time of equal programs one after another, in ps: the first run in full, the others at their steady rate.

    Args:
        program: function of a piece's bytes -> [Op].
        sizes: bytes of each piece, first piece first.
    """
    total = max(run(program(sizes[0]), bandwidth), default=0)
    known = {}
    for size in sizes[1:]:
        if size not in known:
            known[size] = steady(program(size), bandwidth)
        total += known[size]
    return total
