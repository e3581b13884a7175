"""stream: streaming kernels on arrays in memory against occupancy (gpu-stream), one double a thread.

Occupancies are measured on a grid of threads a block and read off between its points. The H100 PCIe log counts three arrays
for the triad, the GH200 log of December 2024 four (a = b * d + c); logs of the program since September 2024 begin with runs of
one block an SM (16 to 112 threads, and 160), which share their x with runs of two. The order of the rows tells them apart.
"""

import re

import numpy as np

from chipweave.ledger import NotModelled, case
from chipweave.validation.bandwidth import Stream
from chipweave.validation.die import topology_of
from chipweave.validation.points import measure

KERNEL = re.compile(r"\b(init|read|scale|triad|3pt|5pt)\b")
GRID = (16, 32, 64, 128, 192, 256, 320, 384, 512, 640, 768, 896, 1024)
ONE_BLOCK_GRID = (16, 32, 48, 64, 96, 128, 160)


def streams_of(device):
    """Arrays of the triad in the version of the program that a device's log was taken with."""
    return 4 if device.startswith("GH200") else 3


def curve(topology, kernel, streams, grid, blocks):
    """GB/s at each occupancy of the grid."""
    stream = Stream(topology, kernel, streams)
    return [stream.bandwidth(threads, blocks) / 1e9 for threads in grid]


def one_block(questions):
    """Ids of rows taken with one block an SM: what precedes a repetition or an odd number of half warps in its series."""
    series, found = {}, set()
    for q in questions:
        series.setdefault((q.device, q.quantity), []).append(q)
    for rows in series.values():
        counts = [q.x for q in rows]
        if not set(counts) & {16.0, 48.0, 80.0, 112.0}:
            continue  # only two-block runs
        for i, q in enumerate(rows):
            if q.x in (16, 32, 48, 80, 112) or (q.x in (64, 96, 160) and q.x in counts[i + 1:]):
                found.add(q.id)
    return found


@case("h100", "stream", bar=0.10, together=lambda q: (q.device, q.quantity))
def predict(questions):
    """GB/s at each number of threads a block."""
    single, wanted, answers = one_block(questions), {}, {}
    for q in questions:
        kernel, topology = KERNEL.search(q.quantity), topology_of(q.device)
        if not kernel or not topology or not q.x:
            answers[q.id] = NotModelled("kernel, device or occupancy not recognised")
            continue
        blocks = 1 if q.id in single else 2
        wanted[q.id] = topology, kernel[1], streams_of(q.device), ONE_BLOCK_GRID if blocks == 1 else GRID, blocks
    found = measure(curve, wanted.values())
    for q in questions:
        if q.id in wanted:
            answers[q.id] = float(np.interp(q.x, wanted[q.id][3], found[wanted[q.id]]))
    return answers
