"""md1_wait, littles_law: queueing theory on one resource of the stage engine, and on three in a row.

Poisson arrivals, every service the same time D (M/D/1): the mean wait is rho / (2 mu (1 - rho)) with mu = 1 / D
(Pollaczek and Khinchine). Little's law needs no assumption at all: over a span that begins and ends empty, the integral
of the number in the system is the sum of the times spent in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chipweave import fabric
from chipweave.chain import DONE, Layout
from chipweave.ledger.closed_forms import Check, closed_form

SERVICE_PS = 1_000_000
ARRIVALS = 200_000
LOADS = (0.2, 0.5, 0.8, 0.9)
BATCHES = 40
SIGMAS = 4


@closed_form("md1_wait")
def md1_wait() -> Iterator[Any]:
    """Mean wait against theory within 4 standard errors, and every wait against Lindley's recursion, exactly."""
    for load in LOADS:
        arrivals = poisson(load, ARRIVALS, seed=int(100 * load))
        waits = finishes(row_of_resources(1), arrivals) - arrivals - SERVICE_PS
        expected = load * SERVICE_PS / (2 * (1 - load))
        system = f"M/D/1, {ARRIVALS} arrivals"
        yield Check(
            f"load-{load}",
            "mean wait",
            expected,
            waits.mean(),
            SIGMAS * standard_error(waits) / expected,
            "ps",
            system,
            "load",
            str(load),
            f"{SIGMAS} standard errors, from {BATCHES} batch means",
        )
        yield Check(
            f"lindley-{load}",
            "sum of all waits",
            lindley(arrivals).sum(),
            waits.sum(),
            0.0,
            "ps",
            system,
            "load",
            str(load),
        )


@closed_form("littles_law")
def littles_law() -> Iterator[Any]:
    """The integral of N(t), from completions as the engine reports them, against the sum of the sojourn times."""
    for load in LOADS:
        arrivals = poisson(load, 2_000, seed=2)
        engine = row_of_resources(3)
        sojourns = finishes(engine, arrivals) - arrivals
        counted = area(arrivals, completions(row_of_resources(3), arrivals))
        system = "three resources in a row"
        yield Check(
            f"load-{load}",
            "integral of the number in the system",
            int(sojourns.sum()),
            counted,
            0.0,
            "ps",
            system,
            "load",
            str(load),
        )


def row_of_resources(stages: int) -> fabric.Engine:
    """An engine whose transfers hold one resource after another, SERVICE_PS each."""
    layout = Layout()
    chain = layout.chain("visit", ["at"])
    for i in range(stages):
        server = layout.resources(f"server{i}", 1)
        chain.hold(f"serve{i}", server.at("at"), SERVICE_PS, then=f"serve{i + 1}" if i + 1 < stages else DONE)
    return fabric.build(layout, admission="work_conserving")


def poisson(load: Any, count: Any, seed: Any) -> Any:
    """int64 ps: arrival times of a Poisson stream that keeps one server busy for the share `load` of the time."""
    gaps = np.random.default_rng(seed).exponential(SERVICE_PS / load, count)
    return np.cumsum(np.rint(gaps).astype(np.int64))


def finishes(engine: fabric.Engine, arrivals: np.ndarray) -> np.ndarray:
    """When each transfer has left."""
    batch = engine.issue("visit", np.zeros((len(arrivals), 1), np.int64), starts_ps=arrivals)
    engine.advance()
    return np.array(engine.finish_ps(batch))


def completions(engine: Any, arrivals: Any) -> Any:
    """The instants at which the engine reports that a transfer, each a batch of its own, is done."""
    for arrival in arrivals:
        engine.issue("visit", np.zeros((1, 1), np.int64), starts_ps=np.array([arrival]))
    done = []
    while not engine.idle:
        done += [time for _, time in engine.advance()]
    return done


def area(arrivals: Any, departures: Any) -> Any:
    """Integral of the number present, by walking from event to event."""
    present, last, total = 0, 0, 0
    for time, change in sorted([(int(t), 1) for t in arrivals] + [(int(t), -1) for t in departures]):
        total += present * (time - last)
        present, last = present + change, time
    return total


def lindley(arrivals: Any) -> Any:
    """Waits by Lindley's recursion: W' = max(0, W + D - gap)."""
    waits, wait = np.zeros(len(arrivals), np.int64), 0
    for i, gap in enumerate(np.diff(arrivals), 1):
        waits[i] = wait = max(0, wait + SERVICE_PS - int(gap))
    return waits


def standard_error(samples: Any) -> Any:
    """Of the mean of a correlated series, from batch means."""
    means = [b.mean() for b in np.array_split(samples, BATCHES)]
    return np.std(means, ddof=1) / np.sqrt(BATCHES)
