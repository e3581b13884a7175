"""Do the token loads of experts keep their sums, caps and shapes?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipweave.kernel_models import loads


def test_balanced_gives_all_experts_the_same():
    assert loads.balanced(64, 256, 8).tolist() == [2] * 256


def test_few_balanced_tokens_spread_before_they_repeat():
    counts = loads.balanced(4, 256, 8)
    assert counts.sum() == 32 and counts.max() == 1
    assert [int(c.sum()) for c in counts.reshape(8, 32)] == [4] * 8


def test_a_group_limited_router_uses_half_the_experts_and_fills_with_the_first():
    counts = loads.group_limited(32, 256, 8, groups=8, used=4)
    assert counts.sum() == 256 and (counts > 0).sum() == 128
    assert counts[:5].tolist() == [33, 33, 33, 33, 1]


@given(
    st.integers(1, 3000),
    st.sampled_from([(256, 8), (128, 8), (8, 2), (16, 1)]),
    st.sampled_from([1, 2, 8]),
    st.integers(0, 2**32 - 1),
)
def test_a_power_law_keeps_sum_and_cap(tokens, model, ranks, seed):
    experts, top_k = model
    counts = loads.power_law(tokens, experts, top_k, 1.2, np.random.default_rng(seed), ranks)
    assert counts.sum() == tokens * top_k and counts.min() >= 0 and counts.max() <= tokens
    first_form = loads.power_law_uncapped(tokens, experts, top_k, 1.2, np.random.default_rng(seed))
    assert first_form.sum() == tokens * top_k and first_form.min() >= 0


@pytest.mark.parametrize("exponent", [0.6, 1.0, 1.2])
def test_a_bounded_power_law_stays_in_its_bounds(exponent):
    drawn = loads.bounded_power_law(np.array([0.0, 0.5, 1.0]), exponent, 1.0, 100.0)
    assert (
        drawn == pytest.approx(sorted(drawn)) and drawn[0] == pytest.approx(1.0) and drawn[-1] == pytest.approx(100.0)
    )


def test_dealing_levels_each_rank_from_below():
    shares = np.array([[0, 5], [3, 3]])
    loads._deal(shares, 5, most=5)
    assert shares.tolist() == [[3, 5], [4, 4]]


def test_the_timed_rank_is_the_fullest():
    assert loads.hottest(np.array([1, 2, 9, 0, 5, 5]), 3).tolist() == [5, 5]


def test_the_same_seed_gives_the_same_draws():
    first, second = (loads.rank_loads("power_law_1.2", 100, 128, 8, 8) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
