"""The requests of a served run one by one: a CSV, and a picture of how long they took and how many were there."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from chipweave.io.atomic import replacing
from chipweave.io.outputs import save_picture
from chipweave.serving.policies import Request
from chipweave.serving.server import World

COLUMNS = (
    "request", "prompt", "output", "arrived_ms", "began_ms", "first_ms", "last_ms", "queue_ms", "ttft_ms", "tpot_ms",
    "preempted",
)  # fmt: skip
"""Of the CSV. Times from the first instant: arrived, began (its prompt), first and last token; queue, ttft, tpot as the
document has them, tpot empty for one token; preempted: how often it gave way and was computed again."""

HEADER = ",".join(COLUMNS)


def row(request: Request) -> list[Any]:
    """A request's line, times in ms."""
    ms = lambda seconds: round(seconds * 1e3, 6)  # noqa: E731
    r = request
    tpot = ms((r.last - r.first) / (r.output - 1)) if r.output > 1 else ""
    times = [ms(t) for t in (r.arrived, r.began, r.first, r.last, r.began - r.arrived, r.first - r.arrived)]
    return [r.number, r.prompt, r.output, *times, tpot, r.preempted]


def write(world: World, path: str) -> None:
    """The CSV of all requests, by number."""
    with replacing(Path(path)) as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(COLUMNS)
        out.writerows(row(r) for r in sorted(world.left, key=lambda r: r.number))


def draw(world: World, path: str) -> None:
    """Left: share of requests (of gaps, for ITL) within a time. Right: requests that wait and that are computed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4))
    FigureCanvasAgg(figure)
    within, there = figure.subplots(1, 2)
    done = world.left
    curves = {
        "queue": [r.began - r.arrived for r in done],
        "TTFT": [r.first - r.arrived for r in done],
        "TPOT": [(r.last - r.first) / (r.output - 1) for r in done if r.output > 1],
        "ITL": world.gaps,
    }
    for name, seconds in curves.items():
        values = np.sort(np.asarray(seconds, float)) * 1e3
        if len(values):
            within.plot(values, (np.arange(len(values)) + 1) / len(values), label=name)
    within.set_xscale("symlog", linthresh=1)
    within.set_xlabel("ms")
    within.set_ylabel("share within")
    within.legend(fontsize=8, frameon=False)
    for name, begin, end in (
        ("waiting", [r.arrived for r in done], [r.began for r in done]),
        ("computed", [r.began for r in done], [r.last for r in done]),
    ):
        there.step(*_count(begin, end), where="post", label=name)
    there.set_xlabel("s")
    there.set_ylabel("requests")
    there.legend(fontsize=8, frameon=False)
    figure.tight_layout()
    save_picture(figure, path)


def _count(begin: list[float], end: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """(instants, how many intervals are open from each on)."""
    at = np.concatenate([begin, end])
    change = np.concatenate([np.ones(len(begin), int), -np.ones(len(end), int)])
    order = np.argsort(at, kind="stable")
    return at[order], np.cumsum(change[order])
