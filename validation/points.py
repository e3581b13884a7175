"""Many independent measurements of one case, over the processors there are."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process


FEW = 6  # starting processes costs more than this many points


def measure(function, points):
    """{point: function(*point)} of distinct points (tuples), in any order of work; the same for any number of workers."""
    points = sorted(set(points), key=repr)
    workers = min(len(points), len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    if workers < 2 or len(points) < FEW or parent_process():  # in one of several workers there is no processor left
        return {p: function(*p) for p in points}
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        chunk = max(1, len(points) // (workers * 8))
        return dict(zip(points, pool.map(function, *zip(*points), chunksize=chunk)))
