"""stream: streaming kernels on arrays in memory against occupancy (gpu-stream), one element a thread: a double where
the row does not say float.

Occupancies are measured on a grid of threads a block and read off between its points. Blocks an SM are those of the
conditions, two where they do not say. The H100 PCIe log counts three arrays for the triad, the GH200 log of December
2024 four (a = b * d + c); logs of the program since September 2024 begin with runs of one block an SM (16 to 112
threads, and 160), which share their x with runs of two. The order of the rows tells them apart."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from chipweave.ledger import Answers, NotModelled, Question, case

from ..bench.bandwidth import Stream
from ..bench.parallel import answers
from ..rows.devices import device_of, family
from ..rows.units import BYTES_PER_S, count, first_missing, in_unit

BLOCKS = re.compile(r"\b(\d+) blocks?/SM")
MOST_THREADS = 1024
THREADS_OF_SM = 2048
ELEMENTS = {"float": 4, "double": 8}
ELEMENT = re.compile(r"\b(float|double)\b")
KERNEL = re.compile(r"\b(init|read|scale|triad|3pt|5pt)\b")
GRID = (16, 32, 64, 128, 192, 256, 320, 384, 512, 640, 768, 896, 1024)
ONE_BLOCK_GRID = (16, 32, 48, 64, 96, 128, 160)


def streams_of(device: Any) -> Any:
    """Arrays of the triad in the version of the program that a device's log was taken with."""
    return 4 if family(device) == ("gh200", "") else 3


def curve(topology: Any, kernel: Any, streams: Any, grid: Any, blocks: Any, element: Any) -> Any:
    """Bytes/s at each occupancy of the grid."""
    stream = Stream(topology, kernel, streams, element)
    return [stream.bandwidth(threads, blocks) for threads in grid]


def one_block(questions: list[Question]) -> set[str]:
    """Ids of rows taken with one block an SM: what precedes a repetition or an odd number of half warps in its
    series."""
    series: dict[tuple[str, str], list[Question]] = {}
    found: set[str] = set()
    for q in questions:
        series.setdefault((q.device, q.quantity), []).append(q)
    for rows in series.values():
        counts = [q.x for q in rows]
        if not set(counts) & {16.0, 48.0, 80.0, 112.0}:
            continue  # only two-block runs
        for i, q in enumerate(rows):
            if q.x in (16, 32, 48, 80, 112) or (q.x in (64, 96, 160) and q.x in counts[i + 1 :]):
                found.add(q.id)
    return found


def point(question: Any, blocks: Any) -> Any:
    """(device, kernel, arrays, grid, blocks an SM, bytes of an element) of a row."""
    kernel, device, threads = (
        KERNEL.search(question.quantity),
        device_of(question),
        count(question, "threads/block", most=MOST_THREADS),
    )
    if not kernel:
        return NotModelled("the row names none of the kernels init, read, scale, triad, 3pt, 5pt")
    if first_missing(device, threads):
        return first_missing(device, threads)
    if blocks * threads > THREADS_OF_SM:
        return NotModelled(f"{blocks} blocks of {threads} threads are more than an SM holds")
    grid = (
        ONE_BLOCK_GRID
        if blocks == 1 and threads <= ONE_BLOCK_GRID[-1]
        else tuple(t for t in GRID if t * blocks <= THREADS_OF_SM)
    )
    element = ELEMENT.search(question.conditions)
    return device, kernel[1], streams_of(question.device), grid, blocks, ELEMENTS[element[1]] if element else 8


@case("h100", "stream", bar=0.10, together=lambda q: (q.device, q.quantity))
def predict(questions: list[Question]) -> Answers:
    """Bandwidth at each number of threads a block."""
    single = one_block(questions)

    def of(question: Any) -> Any:
        stated = BLOCKS.search(question.conditions)
        return point(question, 1 if question.id in single else max(1, int(stated[1])) if stated else 2)

    def answer(question: Any, at: Any, rates: Any) -> Any:
        return in_unit(question, float(np.interp(question.x, at[3], rates)), BYTES_PER_S)

    return answers(questions, of, curve, answer)
