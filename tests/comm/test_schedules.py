"""Do the schedules bring every byte where it must be, and no byte twice?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipweave.components.time_models import collective_schedules as schedules

RANKS = st.integers(2, 9)


def play(steps, ranks, whole):
    """(what each rank holds of each block in the end, bytes each rank received): blocks as sets of the ranks added."""
    held = [{b: {r} if whole or b == r else set() for b in range(ranks)} for r in range(ranks)]
    carried, received = {}, [0] * ranks
    for i, step in enumerate(steps):
        for before in step.after:
            assert steps[before].to == step.rank, "a step waits for a message that goes to another rank"
            came = carried[before]
            mine = held[step.rank][step.block]
            if step.adds:
                assert not came & mine, "a contribution is added twice"
                held[step.rank][step.block] = came | mine
            else:
                held[step.rank][step.block] = came
        if step.to is not None:
            carried[i] = set(held[step.rank][step.block])
            assert carried[i], "a rank sends what it does not have"
            received[step.to] += step.size
    return held, received


@given(RANKS)
def test_ring_all_gather_gives_everybody_every_block_once(ranks):
    held, received = play(schedules.ring_all_gather(ranks, 10), ranks, whole=False)
    assert all(held[r][b] == {b} for r in range(ranks) for b in range(ranks))
    assert received == [10 * (ranks - 1)] * ranks


@given(RANKS)
def test_ring_reduce_scatter_leaves_each_rank_the_full_sum_of_its_block(ranks):
    held, received = play(schedules.ring_reduce_scatter(ranks, 10), ranks, whole=True)
    assert all(held[r][r] == set(range(ranks)) for r in range(ranks))
    assert received == [10 * (ranks - 1)] * ranks


@given(RANKS)
def test_ring_all_reduce_gives_everybody_every_sum(ranks):
    held, received = play(schedules.ring_all_reduce(ranks, 10), ranks, whole=True)
    assert all(held[r][b] == set(range(ranks)) for r in range(ranks) for b in range(ranks))
    assert received == [2 * 10 * (ranks - 1)] * ranks


@given(RANKS)
def test_chain_all_reduce_gives_everybody_the_sum(ranks):
    held, received = play(schedules.chain_all_reduce(ranks, 10), ranks, whole=True)
    assert all(held[r][0] == set(range(ranks)) for r in range(ranks))
    assert received == [10 if r in (0, ranks - 1) else 20 for r in range(ranks)]


@given(RANKS)
def test_exchange_brings_each_rank_one_part_of_every_other(ranks):
    steps = schedules.exchange(ranks, lambda a, b: 1 + a * ranks + b)
    sends = [s for s in steps if s.kind == "send"]
    assert {(s.rank, s.to): s.size for s in sends} == {
        (a, b): 1 + a * ranks + b for a in range(ranks) for b in range(ranks) if a != b
    }
    for copy in (s for s in steps if s.kind == "receive"):
        send = steps[copy.after[0]]
        assert (send.to, send.rank, send.size) == (copy.rank, copy.block, copy.size)


@pytest.mark.parametrize("ranks", [2, 4, 8])
def test_shots_read_what_they_must(ranks):
    one, two = schedules.one_shot(ranks, 80), schedules.two_shot(ranks, 80 // ranks)
    assert sum(s.size for s in one if s.to == 0) == 80 * (ranks - 1)
    assert sum(s.size for s in two if s.to == 0) == 2 * 80 // ranks * (ranks - 1)
    assert all(len(s.after) == ranks * (ranks - 1) for s in two[len(two) // 2 :])


def test_switch_reduces_after_all_have_scattered_and_gathers_after_all_have_reduced():
    steps = schedules.switch_all_reduce(4, 5)
    assert [s.kind for s in steps] == ["scatter"] * 4 + ["reduce"] * 4 + ["gather"] * 4
    assert steps[4].after == (0, 1, 2, 3) and steps[8].after == (4, 5, 6, 7)
    assert [s.size for s in steps] == [20] * 4 + [5] * 4 + [20] * 4
