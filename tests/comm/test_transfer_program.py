"""Do transfers end at the picosecond that fair sharing, order and latency give by hand?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipweave.components.time_models import collective_schedules as schedules
from chipweave.components.time_models.transfer_program import Op, pieces, run, shares, steady

GB = 10**9  # bytes/s: 1000 bytes take 1 us = 10**6 ps
WIRE = {"a": GB, "b": GB}


def test_alone_a_transfer_has_the_link():
    assert run([Op("w", 1000, 10 * GB, {"a": 1})], WIRE) == [10**6]


def test_two_share_a_link_until_the_shorter_has_ended():
    ops = [Op("v", 1000, 10 * GB, {"a": 1}), Op("w", 3000, 10 * GB, {"a": 1})]
    assert run(ops, WIRE) == [2 * 10**6, 4 * 10**6]


def test_a_capped_transfer_leaves_the_rest_to_the_other():
    ops = [Op("v", 1000, GB // 4, {"a": 1}), Op("w", 1500, 10 * GB, {"a": 1})]
    assert run(ops, WIRE) == [4 * 10**6, 2 * 10**6]


def test_a_byte_may_weigh_more_than_one_on_a_link():
    assert run([Op("w", 1000, 10 * GB, {"a": 2})], WIRE) == [2 * 10**6]


def test_max_min_gives_the_slack_of_one_link_to_the_other():
    ops = [
        Op(0, 1, 10 * GB, {"a": 1, "b": 1}),
        Op(1, 1, 10 * GB, {"a": 1}),
        Op(2, 1, 10 * GB, {"b": 1}),
        Op(3, 1, 10 * GB, {"b": 1}),
    ]
    assert [float(r) for r in shares(ops, WIRE)] == pytest.approx([GB / 3, 2 * GB / 3, GB / 3, GB / 3])


def test_a_worker_does_one_thing_after_another_and_latency_comes_first():
    ops = [Op("w", 1000, GB, latency=5), Op("w", 1000, GB, latency=7), Op("v", 0, GB, after=(1,), latency=3)]
    assert run(ops, WIRE) == [10**6 + 5, 2 * 10**6 + 12, 2 * 10**6 + 15]


def test_waiting_for_a_later_op_is_refused():
    with pytest.raises(ValueError, match="op 0 waits for op 1"):
        run([Op("w", 1, GB, after=(1,)), Op("w", 1, GB)], WIRE)


@given(st.integers(2, 8), st.integers(1, 1000))
def test_ring_all_gather_takes_its_closed_form(ranks, kilobytes):
    """n - 1 sends at the link's rate, one copy at the worker's: (n-1) b/R + b/c."""
    block = 1000 * kilobytes
    links = {(way, r): GB for r in range(ranks) for way in ("out", "in")}
    ops = [
        Op(s.rank, s.size, 4 * GB, {("out", s.rank): 1, ("in", s.to): 1} if s.to is not None else {}, s.after)
        for s in schedules.ring_all_gather(ranks, block)
    ]
    assert max(run(ops, links)) == (ranks - 1) * kilobytes * 10**6 + kilobytes * 10**6 // 4


def test_steady_pieces_cost_what_the_busiest_resource_needs():
    """Send 1 us on the link, copy 0.5 us: the first piece takes both, each later one what the worker does: 1.5 us at
    most; a link that carries two such workers needs 2 us."""

    def program(size):
        return [Op(w, size, 2 * GB, {"a": 1}) for w in "vw"] + [Op(w, size, 2 * GB) for w in "vw"]

    assert max(run(program(1000), WIRE)) == 2_500_000
    assert steady(program(1000), WIRE) == 2_000_000
    assert pieces(program, [1000, 1000, 1000], WIRE) == 6_500_000


@given(
    st.lists(
        st.tuples(st.integers(0, 5000), st.integers(1, 20), st.sampled_from("ab"), st.integers(0, 4)),
        min_size=1,
        max_size=12,
    )
)
def test_no_link_ever_carries_more_than_it_can(rows):
    ops = [Op(worker, size, GB * cap / 10, {link: 1}) for size, cap, link, worker in rows]
    ends = run(ops, WIRE)
    for link in "ab":
        carried = sum(op.size for op in ops if link in op.links)
        assert max(ends) >= carried * 1000 - 1
    assert all(end >= op.size * 10**12 / op.cap - 1 for op, end in zip(ops, ends, strict=False))
