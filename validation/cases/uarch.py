"""uarch: single figures of the die. Those that the line-rate die can run are predicted; the others say what is missing."""

import numpy as np

from chipweave.ledger import NotModelled, case
from chipweave.validation import bandwidth
from chipweave.validation.calibrate_die import far_cycles, near_cycles
from chipweave.validation.chase import PROGRAM_2024, cycles
from chipweave.validation.die import CHASE, LOOP, MIB, ORDER, Die, topology_of

PROBED = 4096


def miss_cycles(topology, far):
    """A chase through lines that no L2 holds, homes of one partition only (0: the reader's, 1: the other)."""
    die = Die(topology, sms=1)
    e, sm = die.endpoints, die.sms[0]
    lines = np.random.default_rng(1).permutation(1 << 20)[: 4 * PROBED] * 4
    e.attach(sm, ORDER, lines)
    level = [e.touch([sm], np.array([line * 128], dtype=np.uint64), mask=1) for line in lines]
    by_home = np.array([answered[4] > 0 for answered in level])  # level 1 + 3: memory by way of the other partition
    chosen = lines[by_home == far][:PROBED]
    die = Die(topology, sms=1)
    e, sm = die.endpoints, die.sms[0]
    e.attach(sm, ORDER, chosen)
    die.program(sm, [(CHASE, 0, 128, 0, 0, 0, 0, 8, 1), (LOOP, 0, len(chosen))], 1)
    die.launch(sm)
    e.run()
    return e.now / len(chosen) / die.period_ps


def cold(topology):
    """A chase whose lines are not in L2."""
    return cycles(topology, 1024 * MIB, PROGRAM_2024)


RULES = (  # words of the quantity, unit starts with, what answers
    ("L2 near-partition hit", "cycles", near_cycles),
    ("L2 far-partition hit", "cycles", far_cycles),
    ("L2 miss via near", "cycles", lambda t: miss_cycles(t, False)),
    ("L2 miss via far", "cycles", lambda t: miss_cycles(t, True)),
    ("DRAM latency cold", "cycles", cold),
    ("DRAM latency mean", "cycles", cold),
    ("L2 throughput", "B/clk", lambda t: bandwidth.private_chunks(t, 8 * MIB) / float(Die(t, sms=2).clock_hz)),
)


@case("h100", "uarch")
def predict(questions):
    """The figure of each row that a rule fits."""
    return {q.id: _answer(q) for q in questions}


def _answer(q):
    topology = topology_of(q.device)
    for words, unit, answer in RULES:
        if topology and words in q.quantity and q.unit.startswith(unit):
            return answer(topology)
    return NotModelled("no part of the line-rate die measures this")
