"""Is what a policy sees of a layer read only, and complete where the system says nothing of single dies?"""

import dataclasses

import numpy as np
import pytest
from policy_worlds import costs, mesh

from chipweave.policy import LayerView, Plan
from chipweave.policy.view import read_only


def view(tokens=(3, 0, 1, 2)):
    experts, dies = len(tokens), 6
    counts, home = np.array(tokens, np.int32), np.zeros(experts, np.int32)
    return LayerView(1, 2, False, counts, counts, home, np.zeros((experts, dies), np.uint8), mesh(2, 3), costs())


def test_a_view_and_its_arrays_cannot_be_changed():
    seen = view()
    with pytest.raises(dataclasses.FrozenInstanceError):
        seen.step = 3
    for field in dataclasses.fields(seen):
        value = getattr(seen, field.name)
        assert not isinstance(value, np.ndarray) or not value.flags.writeable, field.name
    own = np.zeros(3)
    assert not read_only(own).flags.writeable and own.flags.writeable and read_only(None) is None


def test_a_view_counts_its_experts_and_dies():
    assert (view().experts, view().dies) == (4, 6)


def test_without_figures_of_dies_all_are_alike_and_a_route_takes_its_hops():
    figures = view().figures
    assert figures.alike and figures.memories_alike and figures.links_alike
    assert (figures.workers == np.arange(6)).all()
    assert (figures.route_latency_ps == 200_000 * mesh(2, 3)).all()
    assert np.isinf(figures.route_bandwidth).all()


def test_an_expert_moves_in_equal_slices():
    assert costs().slice_bytes * 3 == costs().expert_bytes


def plan(*entries):
    """A Plan of (expert, die, tokens)."""
    return Plan(*(np.array(column, np.int32) for column in zip(*entries, strict=True)))


def test_a_plan_that_gives_every_token_away_once_is_good():
    good = plan((0, 5, 1), (0, 0, 2), (2, 1, 1), (3, 4, 2))
    good.check(view())
    assert len(good) == 4
    every = [(expert, die, 1) for expert in range(4) for die in range(6)]
    plan(*every).check(view((6, 6, 6, 6)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        good.die = good.expert


@pytest.mark.parametrize(
    "entries, words",
    [
        ([(0, 0, 2), (2, 1, 1), (3, 4, 2)], "gives away 2 tokens of expert 0, which 3 chose"),
        ([(0, 0, 4), (2, 1, 1), (3, 4, 2)], "gives away 4 tokens of expert 0, which 3 chose"),
        ([(0, 0, 3), (1, 0, 5), (2, 1, 1), (3, 4, 2)], "gives away 5 tokens of expert 1, which 0 chose"),
        ([(0, 0, 3), (1, 0, 0), (2, 1, 1), (3, 4, 2)], "an entry without tokens"),
        ([(0, 6, 3), (2, 1, 1), (3, 4, 2)], "names die 6 of 6"),
        ([(0, -1, 3), (2, 1, 1), (3, 4, 2)], "names die -1 of 6"),
        ([(0, 9, 3), (2, 1, 1), (3, 4, 2)], "names die 9 of 6"),
        ([(0, 0, 3), (2, 1, 1), (4, 4, 2)], "names expert 4 of 4"),
        ([(2, 1, 1), (0, 0, 3), (3, 4, 2)], "not in rising order"),
        ([(0, 0, 1), (0, 0, 2), (2, 1, 1), (3, 4, 2)], "gives an expert to a die twice"),
    ],
)
def test_a_plan_that_does_not_is_refused(entries, words):
    with pytest.raises(ValueError, match=words):
        plan(*entries).check(view())
