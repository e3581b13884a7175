"""ATU and PDU: which copies are made, which one goes when there is no room, and what the global CP hears of it."""

import pytest
from dies_by_hand import DATA, GEMM, LOCAL, LOOKUP, REMOTE, REQUEST, Played

ALL = [(0, expert) for expert in range(10)]
TINY_LLC = ["die.llc.capacity=1 B", "die.llc.ways=1"]  # one line: no step finds what another than the last one stored


@pytest.fixture(params=["d2d.atu", "d2d.atu_plain"])
def kind(request):
    return f"die.d2d.atu.kind={request.param}"


def reads(*experts):
    """One step each: die 0 computes an expert of die 1."""
    return [[(expert, 1, 0)] for expert in experts]


def test_a_copy_is_named_from_its_step_on_and_serves_the_next_read(kind):
    played = Played(*reads(1, 1), copy=ALL, sets=[kind])
    assert played.held == [{(0, 1): 1}, {(0, 1): 1}]
    assert played.times == [LOOKUP + REQUEST + REMOTE + DATA + REMOTE, LOOKUP + LOCAL + GEMM]


def test_a_slice_counts_as_a_copy_on_its_own(kind):
    assert Played(*reads(1), copy=ALL, slices=3, sets=[kind]).held == [{(0, 1): 3}]


@pytest.mark.parametrize(
    "replacement, goes",
    [
        ({"kind": "lru", "slices": 2}, 2),
        ({"kind": "lru", "slices": 2, "refresh_on_read": False}, 1),
    ],
)
def test_the_copy_used_longest_ago_goes_and_whether_a_read_is_use_is_the_policys_word(kind, replacement, goes):
    """1 and 2 are stored, 1 is read again, 3 comes."""
    held = Played(*reads(1, 2, 1, 3), copy=ALL, replacement=replacement, sets=[kind, *TINY_LLC]).held
    assert held == [{(0, 1): 1}, {(0, 1): 1, (0, 2): 1}, {(0, 1): 1, (0, 2): 1}, {(0, 3 - goes): 1, (0, 3): 1}]


@pytest.mark.parametrize("hbm", ["memory.hbm", "memory.hbm_plain"])
@pytest.mark.parametrize("engine", ["kernel", "plain"])
def test_a_copy_is_renewed_when_its_hbm_read_starts_not_when_it_is_looked_up(kind, engine, hbm):
    """50 is looked up again before 1 is stored and read from HBM after it, behind 43 other lines: 60 drives out 1."""
    behind = [(expert, 2, 1) for expert in range(2, 45)]
    played = Played(
        [(50, 0, 1)],
        [(1, 0, 1), *behind, (50, 0, 1)],
        [(60, 0, 1)],
        dies=3,
        copy=[(1, 50), (1, 1), (1, 60)],
        replacement={"kind": "lru", "slices": 2},
        sets=[kind, f"die.hbm.kind={hbm}"],
        engine=engine,
    )
    assert played.held[1] == {(1, 50): 1, (1, 1): 1}
    assert played.held[2] == {(1, 50): 1, (1, 60): 1}


def test_a_copy_that_goes_between_its_lookup_and_its_read_is_read_all_the_same(kind):
    """One copy is kept. 50's is stored from 13,016 ns on; 1 is looked up as the 119th, at 12,980, and read after that
    store."""
    between = [(expert, 1, 0) for expert in (*range(2, 50), *range(51, 120))]
    played = Played(
        [(1, 1, 0)],
        [(50, 1, 0), *between, (1, 1, 0)],
        copy=[(0, 1), (0, 50)],
        replacement={"kind": "lru", "slices": 1},
        sets=[kind, *TINY_LLC],
    )
    assert played.held == [{(0, 1): 1}, {(0, 50): 1}]
    assert played.counted("local_slice_reads") == 1


def test_a_hit_in_the_llc_is_no_use_of_the_copy(kind):
    """1 and 2 are stored, 1 is read from HBM, 2 too, then 1 from the LLC: 3 drives out 1."""
    played = Played(
        *reads(1, 2, 1, 2, 1, 3), copy=ALL, replacement={"kind": "lru", "slices": 2}, sets=[kind, "die.llc.ways=8"]
    )
    assert played.counted("local_llc_hits") == 1
    assert played.held[-1] == {(0, 2): 1, (0, 3): 1}


def test_entries_bound_the_copies_below_what_the_policy_would_keep(kind):
    sets = [kind, *TINY_LLC, "die.d2d.atu.entries=1"]
    held = Played(*reads(1, 2, 3), copy=ALL, replacement={"kind": "lru", "slices": 2}, sets=sets).held
    assert held == [{(0, 1): 1}, {(0, 2): 1}, {(0, 3): 1}]


def test_an_evicted_copy_is_read_from_afar_again(kind):
    played = Played(*reads(1, 2, 1), copy=ALL, sets=[kind, *TINY_LLC, "die.d2d.atu.entries=1"])
    assert played.counted("hops") == 3 and played.counted("copies") == 3


def test_only_what_the_pdu_says_is_copied_and_only_on_its_die(kind):
    """Experts 1 and 2 of die 1 come to dies 0 and 2; the bits are (0, 1) and (2, 2)."""
    plan = [(1, 1, 0), (1, 1, 2), (2, 1, 0), (2, 1, 2)]
    played = Played(plan, dies=3, copy=[(0, 1), (2, 2)], sets=[kind])
    assert played.held == [{(0, 1): 1, (2, 2): 1}]


def test_nothing_is_copied_of_what_is_read_at_home_or_without_prediction(kind):
    assert Played([(0, 0, 0)], copy=[(0, 0)], sets=[kind]).counted("copies") == 0
    assert Played(*reads(1), sets=[kind]).held == [{}]
