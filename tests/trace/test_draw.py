"""Does the drawing kernel equal its plain twin, and does it draw by the law?"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipweave.errors import BadInput
from chipweave.plain import draw as plain
from chipweave.trace.draw import Drawer


def tables_of(random, experts, groups, layers, topics, most=1 << 20):
    """Random weights: (topic experts, topic groups, own, own groups)."""
    whole = lambda *shape: random.integers(1, most, shape).astype(np.uint32)  # noqa: E731
    return (
        whole(2, layers, topics, experts),
        whole(2, layers, topics, groups),
        whole(2, layers, experts),
        whole(2, layers, groups),
    )


@st.composite
def gates(draw):
    groups = draw(st.sampled_from([1, 2, 4, 8]))
    size = draw(st.integers(2, 9))
    used = draw(st.integers(1, groups))
    return size * groups, draw(st.integers(1, min(12, size * used))), groups, used


@settings(max_examples=60, deadline=None)
@given(gates(), st.integers(0, 3), st.integers(0, 2**64 - 1), st.floats(0, 1), st.integers(1, 1 << 24))
def test_the_kernel_draws_what_the_plain_twin_draws(gate, topics, seed, share, most):
    experts, top_k, groups, used = gate
    random = np.random.default_rng(seed % 2**32)
    layers, prompt, tokens = 2, 3, 8
    of_topic, topic_groups, own, own_groups = tables_of(random, experts, groups, layers, topics, most + 1)
    keep = random.random(layers)
    topic = random.integers(0, max(1, topics), tokens).astype(np.uint8)
    drawer = Drawer(experts, top_k, groups, used, keep, share, of_topic, topic_groups)
    law = {
        "layers": layers,
        "experts": experts,
        "top_k": top_k,
        "groups": groups,
        "groups_used": used,
        "topics": topics,
        "topic_share": round(share * 65536) if topics else 0,
        "keep": np.rint(keep * 65536).astype(int).tolist(),
        "topic_experts": of_topic.tolist(),
        "topic_groups": topic_groups.tolist(),
    }
    expected = plain.draw_request(law, own.tolist(), own_groups.tolist(), topic.tolist(), prompt, tokens, seed)
    got = drawer.request(own, own_groups, topic, prompt, seed)
    assert got.tolist() == expected
    assert (np.diff(np.sort(got, axis=2), axis=2) > 0).all(), "no token names an expert twice"
    if used < groups:
        of_group = got // (experts // groups)
        assert max(len(set(row)) for row in of_group.reshape(-1, top_k).tolist()) <= used


def drawer_of(weights, top_k, keep=0.0, groups=1, used=1):
    """A Drawer of one layer without topics, and the weights as a request's own."""
    experts = len(weights)
    none = np.zeros((2, 1, 0, experts), np.uint32), np.zeros((2, 1, 0, groups), np.uint32)
    own = np.ascontiguousarray(np.broadcast_to(np.array(weights, np.uint32), (2, 1, experts)))
    return Drawer(experts, top_k, groups, used, [keep], 0.0, *none), own, np.ones((2, 1, groups), np.uint32)


def test_choices_without_memory_follow_the_weights():
    """Top-1 of weights 1, 2, 3, 4: shares within 5 sigma of a tenth, two, three, four."""
    drawer, own, groups = drawer_of([1000, 2000, 3000, 4000], 1)
    tokens = 40_000
    got = drawer.request(own, groups, np.zeros(tokens, np.uint8), 0, 7)
    share = np.bincount(got.ravel(), minlength=4) / tokens
    assert np.abs(share - [0.1, 0.2, 0.3, 0.4]).max() < 5 * 0.5 / tokens**0.5


def test_kept_experts_stay_with_their_probability_and_not_into_the_answer():
    """Two of 4,096 experts: by chance none is kept, so the overlap is `keep`; the first answer token keeps none."""
    drawer, own, groups = drawer_of([5] * 4096, 2, keep=0.25)
    tokens = 20_000
    got = drawer.request(own, groups, np.zeros(tokens, np.uint8), 1, 3)[:, 0]
    kept = (got[2:, :, None] == got[1:-1, None, :]).any(axis=2).mean()
    assert abs(kept - 0.25) < 0.01
    firsts = [drawer.request(own, groups, np.zeros(2, np.uint8), 1, seed)[:, 0] for seed in range(300)]
    assert np.mean([np.intersect1d(a, b).size > 0 for a, b in firsts]) < 0.02


def test_rare_experts_are_drawn_exactly_when_the_likely_ones_are_taken():
    """One expert holds nearly all weight: the second choice is uniform over the others."""
    drawer, own, groups = drawer_of([1 << 30] + [1] * 9, 2)
    got = drawer.request(own, groups, np.zeros(9000, np.uint8), 0, 11)[:, 0]
    assert (got == 0).any(axis=1).all()
    others = np.bincount(got[got > 0], minlength=10)[1:]
    assert np.abs(others - 1000).max() < 5 * 1000**0.5


@pytest.mark.parametrize("gate", [(8, 5, 4, 2), (9, 2, 2, 1), (8, 9, 1, 1)])
def test_a_gate_that_cannot_be_is_refused(gate):
    experts, top_k, groups, used = gate
    drawer, own, of_groups = drawer_of([1] * experts, top_k, 0.0, groups, used)
    with pytest.raises(BadInput, match="cannot be drawn"):
        drawer.request(own, of_groups, np.zeros(2, np.uint8), 1, 1)
