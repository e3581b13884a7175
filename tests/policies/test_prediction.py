"""Does each prediction keep what its rule says, and learn when it says it does?"""

import itertools
from dataclasses import replace

import numpy as np
import policy_worlds as worlds
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from chipweave.errors import BadInput
from chipweave.policies import prediction_cross_token_heatmap
from chipweave.policy import Plan, strategy

PAIR = worlds.mesh(2, 1)


def predictor(kind="cross_token_heatmap", **params):
    return strategy.build("prediction", {"kind": kind, **params})


def seen(ids, previous=None, starts=None, step=2, experts=4, distance=PAIR, home=None, **other):
    counts = np.bincount(np.ravel(ids), minlength=experts)
    return worlds.view(
        counts,
        np.zeros(experts, int) if home is None else home,
        distance,
        step=step,
        ids=np.asarray(ids, np.uint8),
        previous_ids=None if previous is None else np.asarray(previous, np.uint8),
        prompt_starts=None if starts is None else np.asarray(starts, np.int64),
        **other,
    )


def plan_of(*rows):
    return Plan(*np.array(rows, np.int32).reshape(-1, 3).T.copy())


def kept(policy, view, plan):
    mask = policy.mask(view, plan)
    return {(d, e) for e, d, _ in worlds.entries(plan) if mask[d, e] and d != view.home[e]}


# ---- the heat map ----------------------------------------------------------------------------------------------------

KINDS = ["cross_token_heatmap", "cross_token_heatmap_python"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_adds_every_pair_of_a_request_s_two_tokens(kind):
    policy = predictor(kind)
    policy.observe(seen([[2, 3], [0, 1]], previous=[[0, 1], [0, 1]]))
    assert policy.tables[0].tolist() == [[1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize("kind", KINDS)
def test_prompts_pair_their_own_consecutive_tokens_only(kind):
    policy = predictor(kind)
    policy.observe(seen([[0], [1], [3], [2], [2]], starts=[0, 2, 3, 3, 5], step=0, prefill=True))
    expected = np.zeros((4, 4), int)
    expected[0, 1] = expected[2, 2] = 1
    assert (policy.tables[0] == expected).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_answer_adds_no_pair(kind):
    policy = predictor(kind)
    policy.observe(seen([[0], [1]], starts=[0, 2], step=0, prefill=True))
    policy.observe(seen([[3]], step=1))
    assert policy.tables[0].sum() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_numbers_win_among_equal_counts(kind):
    policy = predictor(kind, top_n=2)
    policy.table(seen([[0]]))[1] = [5, 0, 5, 5]
    view = seen([[0]], home=[0, 1, 0, 0])
    assert kept(policy, view, plan_of((0, 1, 1), (1, 1, 1), (2, 1, 1), (3, 1, 1))) == {(1, 2), (1, 3)}


@pytest.mark.parametrize("kind", KINDS)
def test_rows_end_with_the_expert_that_has_the_die_s_number(kind):
    """Die 1 computes experts 0, 1 and 3; only row 3 prefers expert 0."""
    for stop, expected in ((True, set()), (False, {(1, 0)})):
        policy = predictor(kind, top_n=1, stop_at_own_id=stop)
        policy.table(seen([[0]]))[:] = [[0, 9, 0, 0], [0, 9, 0, 0], [0, 0, 0, 0], [9, 0, 0, 0]]
        assert kept(policy, seen([[0]], home=[0, 1, 0, 1]), plan_of((0, 1, 1), (1, 1, 1), (3, 1, 1))) == expected
    policy = predictor(kind, top_n=1)
    policy.table(seen([[0]]))[3] = [9, 0, 0, 0]
    assert kept(policy, seen([[0]], home=[0, 1, 0, 1]), plan_of((0, 1, 1), (3, 1, 1))) == {(1, 0)}, (
        "expert 1 is not on die 1"
    )


def test_the_map_has_this_step_s_pairs_only_with_the_artifact_s_lookahead():
    for lookahead, expected in (("artifact", {(1, 0)}), ("causal", set())):
        policy = predictor(top_n=1, lookahead=lookahead, stop_at_own_id=False)
        first, second = seen([[0]], previous=[[0]]), seen([[0]], previous=[[0]], step=3)
        plan = plan_of((0, 1, 1))
        assert ({(1, 0)} if policy.predict(first, plan)[1, 0] else set()) == expected
        assert policy.predict(second, plan)[1, 0] == 1
        assert policy.tables[0][0, 0] == 2


@pytest.mark.parametrize("kind", ["none", "always", "popularity", "cross_token_heatmap"])
def test_nothing_is_kept_during_prefill(kind):
    view = seen([[0], [0]], starts=[0, 2], step=0, prefill=True)
    assert not predictor(kind).predict(view, plan_of((0, 1, 2))).any()


@pytest.mark.slow
@settings(deadline=None)
@given(st.data(), st.sampled_from([5, 256, 300]), st.booleans())
def test_the_kernel_equals_the_plain_twin(data, experts, stop):
    dtype = np.uint8 if experts <= 256 else np.uint16
    k, dies = data.draw(st.sampled_from([1, 3, 8])), 4
    choices = hnp.arrays(dtype, (12, k), elements=st.integers(0, min(experts - 1, 9)))
    before, after = data.draw(choices), data.draw(choices)
    starts = np.array([0, *sorted(data.draw(st.lists(st.integers(0, 12), max_size=3))), 12], np.int64)
    pairs = data.draw(st.sets(st.tuples(st.integers(0, min(experts - 1, 12)), st.integers(0, dies - 1)), max_size=20))
    plan, answers = plan_of(*((e, d, 1) for e, d in sorted(pairs))), []
    top_n = data.draw(st.sampled_from([1, 3, "20 %", "100 %"]))
    for kind in KINDS:
        policy = predictor(kind, top_n=top_n, stop_at_own_id=stop)
        view = worlds.view(np.zeros(experts), np.arange(experts) % dies, worlds.mesh(2, 2))
        policy.add(policy.table(view), before, after)
        policy.add_prompts(policy.table(view), before, starts)
        answers.append((policy.tables[0].tolist(), kept(policy, view, plan)))
    assert answers[0] == answers[1]


@settings(deadline=None, max_examples=60)
@given(st.data(), st.sampled_from([5, 40, 256, 300]), st.sampled_from([1, 3, 4, 8]))
def test_rows_counted_when_they_are_asked_for_are_those_of_the_plain_twin(data, experts, k):
    """Pairs wait until a row is asked for; what is asked, and when, changes no answer and no row."""
    dtype, dies = np.uint8 if experts <= 256 else np.uint16, 4
    few, room = data.draw(st.sampled_from([1, 8, 40])), data.draw(st.sampled_from([0, 60, 1 << 20]))
    missing = np.iinfo(dtype).max if experts < 256 else experts - 1  # no choice, where that is no expert
    ids = st.one_of(st.integers(0, min(experts - 1, 9)), st.just(experts - 1), st.just(missing))
    policies = [predictor(kind, top_n=data.draw(st.shared(st.integers(1, 3), key="top"))) for kind in KINDS]
    home, steps = np.arange(experts) % dies, data.draw(st.integers(1, 6))
    previous = data.draw(hnp.arrays(dtype, (6, k), elements=ids))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prediction_cross_token_heatmap, "FEW", few)
        patch.setattr(prediction_cross_token_heatmap, "WAIT_BYTES", room)
        for step in range(steps):
            now = data.draw(hnp.arrays(dtype, (6, k), elements=ids))
            starts = np.array([0, 2, 2, 6]) if step == 0 else None
            pairs = st.tuples(st.integers(0, min(experts - 1, 12)), st.integers(0, dies - 1))
            plan = plan_of(*((e, d, 1) for e, d in sorted(data.draw(st.sets(pairs, max_size=5)))))
            answers = []
            for policy in policies:
                view = worlds.view(np.zeros(experts), home, worlds.mesh(2, 2), step=step + 1, ids=now)
                policy.observe(replace(view, previous_ids=None if step == 0 else previous, prompt_starts=starts))
                answers.append(kept(policy, view, plan))
            assert answers[0] == answers[1]
            previous = now
    assert (policies[0].tables[0] == policies[1].tables[0]).all()
    assert policies[0].waiting == 0


def test_a_few_rows_cost_no_whole_count(monkeypatch):
    """Rows of two experts are asked for: the rest of the map is counted only when all of it is looked at."""
    policy, experts = predictor(top_n=1), 64
    rng = np.random.default_rng(3)
    ids = rng.integers(0, experts, (5, 40, 8)).astype(np.uint8)
    whole = []
    add = type(policy).add
    monkeypatch.setattr(type(policy), "add", lambda self, *given: (whole.append(1), add(self, *given)))
    for before, after in itertools.pairwise(ids):
        view = seen(after, previous=before, experts=experts, home=np.zeros(experts, int))
        policy.observe(view)
        policy.mask(view, plan_of((3, 1, 1), (9, 1, 1), (5, 0, 1)))
    assert not whole
    counted = policy.maps[0].table
    assert np.flatnonzero(counted.any(axis=1)).tolist() == [3, 9]
    expected = np.zeros((experts, experts), int)
    for before, after in itertools.pairwise(ids):
        for these, those in zip(before, after, strict=True):
            for i in these:
                np.add.at(expected[i], those, 1)
    assert (counted[[3, 9]] == expected[[3, 9]]).all()
    assert (policy.tables[0] == expected).all() and len(whole) == 4


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_ids_out_of_range_are_refused_before_they_write_anywhere(dtype):
    policy = predictor()
    table = policy.table(seen([[0]]))
    for before, after in ([[0, 4]], [[0, 1]]), ([[0, 1]], [[4, 0]]):
        with pytest.raises(BadInput, match="allowed: 0 .. 3"):
            policy.add(table, np.array(before, dtype), np.array(after, dtype))
    assert not table.any()


def test_counters_never_wrap():
    policy = predictor()
    view = seen([[1]], previous=[[0]])
    policy.table(view)
    policy.choices[0] = 2**31 - 2
    with pytest.raises(BadInput, match="may not hold"):
        policy.observe(view)


# ---- the baselines ---------------------------------------------------------------------------------------------------


def test_popularity_keeps_the_most_chosen_so_far_on_every_die():
    policy = predictor("popularity", top_n=2)
    plan = plan_of((0, 1, 1))
    assert not policy.predict(seen([[1], [1], [0], [3]], step=1), plan).any(), "nothing is known before the first step"
    assert policy.predict(seen([[2]], step=2), plan).tolist() == [[0, 1, 0, 1]] * 2, "0 and 3 tie: the larger number"
    early = predictor("popularity", top_n=1, lookahead="artifact")
    assert early.predict(seen([[2]], step=1), plan).tolist() == [[0, 0, 1, 0]] * 2


def test_always_and_never():
    plan = plan_of((0, 1, 1))
    assert predictor("always").predict(seen([[0]]), plan).all()
    assert not predictor("none").predict(seen([[0]]), plan).any() and not predictor("none").predicts


@pytest.mark.parametrize(
    "text, of, comes_to", [("20 %", 256, 52), ("0.2", 128, 26), (52, 256, 52), (300, 256, 256), ("100 %", 7, 7)]
)
def test_top_n_is_a_number_or_a_share_rounded_up(text, of, comes_to):
    from chipweave.policy import part_of

    assert part_of(predictor(top_n=text).top_n, of) == comes_to


@pytest.mark.parametrize("text", ["0", "-3", "1.5", "120 %", "few", "0 %"])
def test_a_top_n_that_makes_no_sense_is_refused(text):
    with pytest.raises(BadInput, match="top_n cannot be .*; allowed: a whole number above 0, or a share"):
        predictor(top_n=text)
