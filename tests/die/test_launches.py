"""Do kernels follow one another as the command processor says, and does each end with its last block and store?"""

import pytest
from small_die import LOAD, STORE, WORK, outcome, small

ENGINES = ["kernel", "plain"]


def train(engine, kernels, blocks=8, gap=500_000, call=200_000, deal=0, ops=((WORK, 100),)):
    """(Endpoints, SMs, command processor) after so many launches handed in at once."""
    e, sms, *_ = small(engine, sm={"turnaround": 0})
    front = e.add("command_processor", clock=10**9, sms=len(sms), call_ps=call, gap_ps=gap, deal_cycles=deal)
    for i, part in enumerate(sms):
        e.wire(front, "sms", part, "front", 1)
        e.attach(part, 1, [32, 2, i, len(sms), 0, 0, 0, *[w for op in ops for w in (*op, *[0] * (10 - len(op)))]])
    for _ in range(kernels):
        e.start(front, 1, 0, blocks)
    e.run()
    return e, sms, front


@pytest.mark.parametrize("engine", ENGINES)
def test_a_kernel_is_call_and_blocks(engine):
    """Two blocks an SM side by side: warps start at 1 and 2 cycles, then 100 cycles of work."""
    e, sms, front = train(engine, 1)
    assert e.statistics(front) == {"launches": 1, "first_start": 200_000, "last_end": 200_000 + 1 + 102_000 + 1}
    assert e.total(sms, "blocks") == 8


@pytest.mark.parametrize("engine", ENGINES)
def test_a_train_adds_a_gap_and_a_kernel_each_time(engine):
    ends = [train(engine, n)[0].now for n in (1, 2, 3)]
    assert ends[1] - ends[0] == ends[2] - ends[1] == 500_000 + 102_002


@pytest.mark.parametrize("engine", ENGINES)
def test_sms_are_told_one_after_the_other(engine):
    assert train(engine, 1, deal=10)[0].now - train(engine, 1)[0].now == 3 * 10_000


@pytest.mark.parametrize("engine", ENGINES)
def test_a_kernel_ends_with_its_last_store(engine):
    e, sms, front = train(engine, 1, ops=[(STORE, 0, 4096, 1 << 30, 256, 0, 8, 8, 32, 0)])
    assert e.statistics(front)["last_end"] > 200_000 + 83_000 + 2 * 30_000  # way to the slice and back


@pytest.mark.parametrize("engine", ENGINES)
def test_an_empty_kernel_starts_and_ends(engine):
    e, _, front = train(engine, 2, blocks=0)
    assert e.statistics(front)["launches"] == 2
    assert e.now == 200_000 + 2 * 2 + 500_000


def test_kernel_and_twin_agree():
    ops = [(1, 0, 2048, 1 << 30, 256, 0, 8, 8, 32, 0), (4,), (STORE, 65536, 2048, 1 << 30, 256, 0, 8, 8, 32, 0)]
    one, two = (train(engine, 3, 20, ops=ops, deal=3) for engine in ENGINES)
    assert outcome(one[0], [*one[1], one[2]]) == outcome(two[0], [*two[1], two[2]])


def test_a_kernel_may_end_with_loads_under_way():
    """The next one, which follows at once, finds L1 empty; what comes back of the one before fills nothing of it."""
    ops = [(LOAD, 0, 2048, 1 << 30, 256, 0, 8, 8, 32, 0)]
    one, two = (train(engine, 3, gap=0, call=0, ops=ops) for engine in ENGINES)
    assert outcome(one[0], [*one[1], one[2]]) == outcome(two[0], [*two[1], two[2]])
    assert (one[0].now, one[0].total(one[1], "blocks"), one[0].total(one[1], "hits")) == (522_750, 24, 0)
