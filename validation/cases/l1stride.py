"""l1stride: cycles of the load-store unit per warp load, all hits, by stride or by shape of the block (gpu-strides)."""

import numpy as np

from chipweave.ledger import NotModelled, case
from chipweave.validation.die import GATHER, JUMP, ORDER, WAIT, Die, topology_of

OFFSETS = (0, 4, 8, 12, 20, 16, 24, 28)  # elements, as the program's eight loads of a turn
PITCH = 4098                             # elements, of the blocked pattern
THREADS, WARPS = 1024, 32
WINDOW = 20_000_000                      # ps


def places(pattern, x):
    """Element number of each thread."""
    thread = np.arange(THREADS)
    if pattern == "stride":
        return thread % 64 * x
    return thread % x % 64 + thread // x % 32 * PITCH + PITCH


def cycles(topology, pattern, x, size):
    """Cycles a warp load on one SM."""
    die = Die(topology, sms=2)
    sm = die.sms[0]
    order = places(pattern, x)
    die.endpoints.attach(sm, ORDER, order)
    sectors = np.unique((order[:, None] + np.array(OFFSETS)) * size // 32) * 32
    die.endpoints.touch([sm], sectors.astype(np.uint64), mask=0)
    ops = [(GATHER, offset * size, size, 0, 0, 32, 1, size, 32) for offset in OFFSETS]
    die.program(sm, [*ops, (WAIT,), (JUMP, 0)], THREADS)
    die.launch(sm)
    die.endpoints.run(WINDOW)
    before, lsu = die.endpoints.statistics(sm)["loads"], die.endpoints.now
    die.endpoints.run(2 * WINDOW)
    return (die.endpoints.now - lsu) / die.period_ps / (die.endpoints.statistics(sm)["loads"] - before)


@case("h100", "l1stride", bar=0.10)
def predict(questions):
    """Cycles a warp load."""
    answers = {}
    for q in questions:
        known = topology_of(q.device) and q.x is not None and q.x_name in ("stride", "block") and ("float" in q.quantity or "64-bit" in q.quantity)
        size = 4 if "float" in q.quantity else 8
        answers[q.id] = cycles(topology_of(q.device), q.x_name, int(q.x), size) if known else NotModelled("pattern or device not recognised")
    return answers
