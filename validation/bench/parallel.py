"""Many independent measurements of one case, over the processors there are."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from typing import Any

from chipweave.ledger import NotModelled

FEW = 6  # starting processes costs more than this many points


def measure(function: Any, points: list[tuple[Any, int, Any]]) -> dict[tuple[Any, int, Any], float]:
    """{point: function(*point)} of distinct points (tuples), in any order of work; the same for any number of
    workers."""
    points = sorted(set(points), key=repr)
    workers = min(
        len(points), len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    if workers < 2 or len(points) < FEW or parent_process():  # in one of several workers there is no processor left
        return {p: function(*p) for p in points}
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        chunk = max(1, len(points) // (workers * 8))
        return dict(zip(points, pool.map(function, *zip(*points, strict=False), chunksize=chunk), strict=False))


def answers(questions: Any, point: Any, function: Any, answer: Any) -> Any:
    """{id: answer} where `point(question)` is the tuple that `function` measures, or NotModelled.

    answer  called with (question, its point, what was measured there): the number in the row's unit
    """
    points = {q.id: point(q) for q in questions}
    found = measure(function, [p for p in points.values() if not isinstance(p, NotModelled)])
    return {
        q.id: points[q.id] if isinstance(points[q.id], NotModelled) else answer(q, points[q.id], found[points[q.id]])
        for q in questions
    }
