"""Does a bulk copy bring the lines of its box at the engine's rate, and does its mbarrier wait for the last one?"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_die import BARRIER, COPY, LOAD, LOOP, WAIT, outcome, program, small

from chipweave.errors import BadInput

ENGINES = ["kernel", "plain"]


def die(engine, descriptors, lines=8, setup=50, line_cycles=1, **sm):
    """(Endpoints, SM, engine of copies, slices)."""
    e, sms, slices, channels = small(engine, sm={"turnaround": 0, "shared_cycles": 25, **sm}, sms=1)
    tma = e.add("tma", clock=10**9, setup_cycles=setup, line_cycles=line_cycles, lines=lines)
    e.wire(sms[0], "copies", tma, "sm", 1)
    e.attach(tma, 1, [word for d in descriptors for word in d])
    return e, sms[0], tma, [*slices, *channels]


def copy_time(engine, box, size, **changes):
    e, sm, tma, _ = die(engine, [box], **changes)
    program(e, sm, [(COPY, 0, 0, 0, 0, size, 0), (BARRIER, 0)])
    e.run()
    return e.now, e.statistics(sm), e.statistics(tma)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_line_takes_set_up_a_load_and_a_look_at_the_mbarrier(engine):
    """Two wires of 1 ps to the engine and back; the line is in the L2."""
    ends = []
    for ops in ([(LOAD, 0, 0, 1, 0, 0, 4, 4, 1, 1), (WAIT,)], [(COPY, 0, 0, 0, 0, 32, 0), (BARRIER, 0)]):
        e, sm, *_ = die(engine, [(0, 0, 32, 1, 32)])
        e.touch([sm], np.zeros(1, np.uint64))
        program(e, sm, ops)
        e.run()
        ends.append(e.now)
    assert ends[1] - ends[0] == (50 + 25) * 1000 + 2


@pytest.mark.parametrize("engine", ENGINES)
def test_a_box_is_its_rows_and_no_sector_more(engine):
    _, sm, tma = copy_time(engine, (64, 0, 160, 3, 1024), 3 * 160)
    assert sm["copied"] == 3 * 160
    assert tma["lines"] == 3 * 2  # 64 to 224 touches two lines


@pytest.mark.parametrize("engine", ENGINES)
def test_lines_leave_one_every_so_many_cycles(engine):
    one, *_ = copy_time(engine, (0, 0, 128, 1, 128), 128, lines=64, line_cycles=100)
    four, *_ = copy_time(engine, (0, 0, 128, 4, 128), 512, lines=64, line_cycles=100)
    assert abs(four - one - 300_000) < 20_000  # banks and rows differ a little


@pytest.mark.parametrize("engine", ENGINES)
def test_lines_under_way_bound_the_rate(engine):
    few, _, stats = copy_time(engine, (0, 0, 128, 16, 128), 2048, lines=1)
    many, *_ = copy_time(engine, (0, 0, 128, 16, 128), 2048, lines=16)
    assert stats["waits"] > 0
    assert few > 6 * many


@pytest.mark.parametrize("engine", ENGINES)
def test_a_copy_out_reaches_the_slices(engine):
    e, sm, tma, parts = die(engine, [(0, 0, 256, 4, 256)])
    program(e, sm, [(COPY, 0, 0, 0, 0, 1024, 0, 1), (BARRIER, 0)])
    e.run()
    assert sum(e.statistics(p).get("writes", 0) for p in parts[:4]) == 8
    assert e.statistics(sm)["copied"] == 1024


def scrambled(engine, seed):
    import random

    rng = random.Random(seed)
    boxes = [(32 * rng.randrange(64), 4096, 32 * rng.randrange(1, 9), rng.randrange(1, 5), 1024) for _ in range(2)]
    e, sm, tma, parts = die(
        engine, boxes, rng.choice([1, 3, 16]), rng.choice([0, 50]), rng.choice([1, 7]), lsu_slots=rng.choice([0, 5])
    )
    size = [d[2] * d[3] for d in boxes]
    ops = [
        (COPY, 0, rng.randrange(3), 1, 2, size[0], 0, rng.randrange(2)),
        (COPY, 1, 0, 2, 1, size[1], 1),
        (LOAD, 0, 512, 1 << 30, 256, 128, 8, 8, 32, 0),
        (BARRIER, 0),
        (WAIT,),
        (BARRIER, 1),
        (LOOP, 0, 3),
    ]
    program(e, sm, ops, 32, rng.randrange(1, 3), 0, 1, 4)
    e.run()
    return outcome(e, [sm, tma, *parts])


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6))
def test_kernel_and_twin_end_in_the_same_picosecond(seed):
    assert scrambled("kernel", seed) == scrambled("plain", seed)


def test_bytes_that_are_no_sectors_are_refused():
    with pytest.raises(BadInput, match="multiple of 32"):
        die("kernel", [(0, 0, 100, 1, 128)])
