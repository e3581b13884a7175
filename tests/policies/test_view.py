"""Is what a policy sees of a layer read only, and complete where the system says nothing of single dies?"""

import dataclasses

import numpy as np
import pytest
from policy_worlds import costs, mesh

from chipweave.policy import LayerView
from chipweave.policy.view import read_only


def view():
    experts, dies = 4, 6
    counts, home = np.array([3, 0, 1, 2], np.int32), np.zeros(experts, np.int32)
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
