"""Do kernel and plain twins give the same events, times and statistics?"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_die import CHASE, GATHER, JUMP, LOAD, LOOP, ORDER, STORE, WAIT, WORK, outcome, program, small  # noqa: F401


def both(build):
    return [build(engine) for engine in ("kernel", "plain")]


def mixed(engine, seed, sm=(), llc=(), hbm=()):
    """A random program on every SM: loads, stores, a gather, a chase; several blocks."""
    rng = np.random.default_rng(seed)
    e, sms, slices, channels = small(engine, dict(sm), dict(llc), dict(hbm))
    order = rng.permutation(200)
    e.touch(
        [sms[0], sms[1]],
        np.sort(rng.integers(0, 300, 80)).astype(np.uint64) * 128 + (np.arange(80) % 3 == 0).astype(np.uint64),
        mask=int(rng.integers(0, 16)),
    )
    for i, part in enumerate(sms):
        step, size = int(rng.choice([4, 8, 12, 16, 40])), int(rng.choice([4, 8, 16]))
        ops = [
            (
                LOAD,
                4096 * int(rng.integers(4)),
                1024,
                1 << 30,
                512,
                256,
                step,
                size,
                int(rng.integers(1, 33)),
                int(rng.integers(2)),
            ),
            (LOAD, 128, 512, 3, 64, 128, 8, 8, 32, 0),
            (WORK, int(rng.integers(1, 50))),
            (WAIT,),
            (STORE, 65536, 1024, 1 << 30, 256, 512, 8, 8, 32, 0),
            (GATHER, 0, 64, 5, 3, 7, 1, 4, 16, 0),
            (CHASE, 0, 128, i, 11, 5, 9, 8, int(rng.integers(1, 9)), 0),
            (LOOP, 0, int(rng.integers(1, 4))),
        ]
        e.attach(part, ORDER, order)
        program(e, part, ops, int(rng.choice([16, 32, 96])), int(rng.integers(1, 4)), i, 4, 12)
    e.run()
    return outcome(e, [*sms, *slices, *channels])


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10**6))
def test_random_programs_end_in_the_same_picosecond(seed):
    kernel, plain = both(lambda engine: mixed(engine, seed))
    assert kernel == plain


@pytest.mark.parametrize(
    "change",
    [
        {"hbm": {"refresh_all": 1}},
        {"llc": {"fill": 4, "unit": 1}, "sm": {"unit": 1}},
        {"llc": {"fill": 1, "request_bytes": 16}},
        {"sm": {"lsu_slots": 33, "clock": 1755000000}},
        {"hbm": {"nREFI": 700, "nRFC": 200}},
        {"llc": {"channel_share": 2, "channel_index": 1}},
    ],
)
def test_every_switch_is_the_same_in_both(change):
    kernel, plain = both(lambda engine: mixed(engine, 5, **change))
    assert kernel == plain


@pytest.mark.parametrize("engine", ["kernel", "plain"])
def test_a_load_that_is_not_waited_for_is_none_of_the_next_block_s(engine):
    """Block after block in one place; each ends with a load under way, which is back during the next one."""
    e, sms, *_ = small(engine)
    ops = [(LOAD, at, 4096, 1 << 30, 0, 0, 8, 8, 32, 0) for at in (0, 1 << 20)]
    program(e, sms[0], [ops[0], (WAIT,), ops[1]], blocks=6)
    e.run()
    assert (e.now, e.events) == (2_184_500, 156)
    of_sm = e.statistics(sms[0])
    assert (of_sm["blocks"], of_sm["loads"], of_sm["loaded"]) == (6, 12, 12 * 256)


def test_a_run_repeats_itself():
    assert mixed("kernel", 11) == mixed("kernel", 11)


def test_what_was_asked_for_comes_back():
    """Sectors read of memory by the slices are what the channels served; no event is left."""
    e, sms, slices, channels = small()
    for i, part in enumerate(sms):
        program(e, part, [(LOAD, 0, 8192, 1 << 30, 256, 0, 8, 8, 32, 0), (WAIT,)], 64, 2, i, 4, 40)
    e.run()
    assert e.total(slices, "memory_reads") == e.total(channels, "reads") > 0
    assert e.total(sms, "blocks") == 40
    assert e.total(sms, "loaded") == 40 * 64 * 8
