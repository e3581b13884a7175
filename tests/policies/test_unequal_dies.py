"""Work by what a die can do: half the rate, about half the work; no compute, none."""

from dataclasses import replace

import numpy as np
import pytest
from policy_worlds import costs, mesh, view

from chipweave.policy.figures import DieFigures, turns_of
from chipweave.policy.placement import Placed
from chipweave.policy.strategy import build

EXPERTS, DIES = 256, 8
HOPS = mesh(2, 4)


def world(compute, memory=None, route_rate=None, counts=None, **given):
    """A view of 8 dies with these rates (shares of 1000 TFLOPS and 3.35 TB/s); links of 1.741 TB/s and 200 ns."""
    compute, memory = np.array(compute, float), np.array(memory or [1.0] * DIES, float)
    rate = np.full((DIES, DIES), 1.741e12) if route_rate is None else route_rate
    figures = DieFigures(
        compute * 1e15,
        memory * 3.35e12,
        np.full(DIES, 300_000),
        np.full(DIES, 80 * 10**9),
        lambda: (HOPS.astype(np.int64) * 200_000, np.where(np.eye(DIES, dtype=bool), np.inf, rate)),
        links_alike=route_rate is None,
    )
    counts = np.full(EXPERTS, 400) if counts is None else counts
    home = given.pop("home", np.arange(EXPERTS) % DIES)
    return view(counts, home, HOPS, costs=replace(costs(), dies=figures), **given)


def shares(plan):
    """Of all tokens, what each die got."""
    return np.bincount(plan.die, plan.tokens, DIES) / plan.tokens.sum()


@pytest.mark.parametrize("kind", ["round_robin", "split_evenly"])
@pytest.mark.parametrize("slow", range(DIES))
def test_a_die_at_half_the_rate_gets_half_the_work_of_another(kind, slow):
    seen = world([0.5 if die == slow else 1.0 for die in range(DIES)])
    plan = build("allocation", kind).allocate(seen)
    plan.check(seen)
    got = shares(plan)
    assert got[slow] == pytest.approx(0.5 / 7.5, rel=0.07)
    assert np.delete(got, slow) == pytest.approx(1 / 7.5, rel=0.07)


@pytest.mark.parametrize("homes", ["alike", "by compute"])
@pytest.mark.parametrize("slow", range(DIES))
def test_algorithm_1_gives_a_die_at_half_the_rate_about_half_the_work(homes, slow):
    """Experts with many tokens, so that compute decides; whether the placement knows of the slow die or not."""
    rates = [0.5 if die == slow else 1.0 for die in range(DIES)]
    home = np.arange(EXPERTS) % DIES if homes == "alike" else np.sort(turns_of(np.array(rates), EXPERTS))
    counts = np.random.default_rng(slow).permutation(EXPERTS) * 4000 // EXPERTS
    seen = world(rates, counts=counts, home=home)
    given = {"block": 50, "absorb_remainder": "false", "near": "holders", "arrivals": "once"}
    for kind in ("placement_aware", "placement_aware_python"):
        got = shares(build("allocation", {"kind": kind, **given}).allocate(seen))
        assert got[slow] / np.delete(got, slow).mean() == pytest.approx(0.5, abs=0.06)


def test_where_memory_decides_a_die_that_computes_at_half_the_rate_does_as_much():
    plan = build("allocation", {"kind": "placement_aware", "arrivals": "once"}).allocate(
        world([0.5] + [1.0] * 7, counts=np.full(EXPERTS, 20))
    )
    assert shares(plan) == pytest.approx(1 / 8)


@pytest.mark.parametrize("kind", ["home", "holders"])
def test_dies_that_keep_an_expert_share_it_by_their_compute(kind):
    """Experts 0 to 7 live on two dies each, one of which is slow: a third and two thirds; the others at home alone."""
    lives = np.zeros((EXPERTS, DIES), bool)
    lives[np.arange(EXPERTS), np.arange(EXPERTS) % DIES] = True
    lives[:8, 0] = lives[:8, 1] = True
    lives[:8, 2:] = False
    home = np.where(np.arange(EXPERTS) < 8, 1, np.arange(EXPERTS) % DIES)
    sources = Placed(home[None], lives[None]).sources(HOPS)[0]
    seen = world([0.5] + [1.0] * 7, home=home)
    seen = view(seen.counts, seen.home, HOPS, holders=lives * np.uint8(3), costs=seen.costs, sources=sources)
    assert (seen.lives == lives).all()
    plan = build("allocation", kind).allocate(seen)
    plan.check(seen)
    first = plan.expert < 8
    assert list(zip(plan.die[first].tolist(), plan.tokens[first].tolist(), strict=True)) == [(0, 133), (1, 267)] * 8
    assert (plan.die[~first] == plan.expert[~first] % DIES).all() and len(plan) == EXPERTS + 8


@pytest.mark.parametrize("kind", ["home", "round_robin", "split_evenly", "placement_aware", "placement_aware_python"])
def test_a_die_that_computes_nothing_gets_no_work_though_it_keeps_weights(kind):
    seen = world([1.0] * 7 + [0.0])
    plan = build("allocation", kind).allocate(seen)
    plan.check(seen)
    assert shares(plan)[7] == 0 and (shares(plan)[:7] > 0).all()


def test_a_slow_die_passes_work_on_where_the_estimate_knows_it():
    """One expert in a die's hands is computed there unless that takes longer than moving it: a thousandth of the
    rate."""
    slow = world([0.001] + [1.0] * 7, counts=np.where(np.arange(EXPERTS) < 16, 4000, 0))
    each, one = (build("allocation", {"kind": "placement_aware", "block": 50, "figures": f}) for f in ("each", "one"))
    assert shares(each.allocate(slow))[0] < 0.01 < shares(one.allocate(slow))[0]


@pytest.mark.slow
@pytest.mark.parametrize("figures", ["each", "one"])
@pytest.mark.parametrize("near", ["home", "holders"])
@pytest.mark.parametrize("arrivals", ["once", "block", "block_where_alike"])
def test_the_plan_in_c_is_the_plain_one_on_unequal_dies(figures, near, arrivals):
    rng = np.random.default_rng(7)
    for _ in range(20):
        rates = rng.choice([0.0, 0.25, 0.5, 1.0, 2.0], DIES)
        rates[rng.integers(DIES)] = 1.0
        seen = world(
            rates,
            list(rng.choice([0.1, 1.0, 2.0], DIES)),
            rng.choice([1e11, 1.741e12], (DIES, DIES)),
            rng.integers(0, 300, EXPERTS),
            home=rng.integers(0, DIES, EXPERTS),
        )
        given = {"block": 50, "absorb_remainder": "false", "figures": figures, "near": near, "arrivals": arrivals}
        ours = build("allocation", {"kind": "placement_aware", **given}).allocate(seen)
        plain = build("allocation", {"kind": "placement_aware_python", **given}).allocate(seen)
        ours.check(seen)
        assert [(a == b).all() for a, b in zip(vars(ours).values(), vars(plain).values(), strict=False)] == [True] * 3


def test_turns():
    assert turns_of(np.array([1.0, 1.0, 1.0]), 7) == [0, 1, 2, 0, 1, 2, 0]
    assert turns_of(np.array([2.0, 1.0, 0.0]), 6) == [0, 0, 1, 0, 0, 1]


def test_dies_that_are_alike_are_given_work_as_ever():
    alike, unknown = world([1.0] * DIES), view(np.full(EXPERTS, 403), np.arange(EXPERTS) % DIES, HOPS)
    alike = replace_counts(alike, 403)
    for kind in ("home", "round_robin", "split_evenly", "placement_aware"):
        plans = [build("allocation", kind).allocate(seen) for seen in (alike, unknown)]
        assert plans[0].crc32() == plans[1].crc32()


def replace_counts(seen, tokens):
    return view(np.full(EXPERTS, tokens), seen.home, HOPS, costs=seen.costs)


def test_weights_that_come_once_are_counted_once():
    """An expert of 4,000 tokens on die 0 of two neighbours: with a transfer for each of its 80 blocks they look slower
    than they are."""
    seen = world([1.0] * DIES, counts=np.where(np.arange(EXPERTS) == 0, 4000, 0))
    given = {"kind": "placement_aware", "block": 50, "absorb_remainder": "false"}
    at_home = [
        build("allocation", {**given, "arrivals": arrivals}).allocate(seen).tokens[0]
        for arrivals in ("once", "block", "block_where_alike")
    ]
    assert at_home[0] == 1600 < at_home[1] == at_home[2]
