"""Does the quick generator draw by the law of the synthetic sets?"""

import numpy as np
import pytest

from chipweave import trace
from chipweave.errors import BadInput
from chipweave.trace import generate, library, models, syn


def shares(tables, experts):
    """The probabilities that alias tables stand for: [lanes, experts]."""
    chance, other = (tables >> 16) / 65536, tables & 0xFFFF
    found = chance / experts
    for lane in range(len(tables)):
        np.add.at(found[lane], other[lane], (1 - chance[lane]) / experts)
    return found


@pytest.mark.parametrize("sigma", [0, 0.3, 3])
def test_alias_tables_stand_for_the_weights(sigma):
    weights = np.rint(np.exp(sigma * np.random.default_rng(0).standard_normal((20, 48))) * generate.WEIGHT_ONE)
    wanted = weights / weights.sum(axis=1, keepdims=True)
    assert np.abs(shares(generate.alias_tables(weights), 48) - wanted).max() < 2 / 65536 / 2


def inclusion(draw, experts, tokens):
    """Per lane and expert, the share of tokens that have it; and the share of experts kept from token to token."""
    counts = np.stack([(draw == e).any(axis=1).mean(axis=0) for e in range(experts)])
    kept = np.mean([(draw[1:, slot][:, None] == draw[:-1]).any(axis=1).mean() for slot in range(draw.shape[1])])
    return counts, kept


def test_draws_follow_the_gumbel_law_of_the_sets():
    """The same weights in 40 lanes: inclusion of each expert and stickiness agree with Gumbel top-k within 5 sigma."""
    law = generate.Law(layers=1, experts=12, top_k=4, sigma=0.8, stickiness=0.6)
    lanes, tokens = 40, 1500
    weights = np.rint(np.exp(law.sigma * np.random.default_rng(1).standard_normal(law.experts)) * generate.WEIGHT_ONE)
    quick = generate.draw_tokens(np.tile(weights, (lanes, 1)), law, tokens, np.random.default_rng(2))
    base, random, previous = np.tile(np.log(weights), (lanes, 1)), np.random.default_rng(3), None
    plain = np.empty_like(quick)
    for token in plain:
        previous = syn._draw(base, previous, law.stickiness, syn.gumbels(random, base.shape), law.top_k)
        token[...] = previous.T
    (quick_in, quick_kept), (plain_in, plain_kept) = (inclusion(d, law.experts, tokens) for d in (quick, plain))
    assert np.abs(quick_in.mean(axis=1) - plain_in.mean(axis=1)).max() < 5 * np.sqrt(2 * 0.25 * 1.5 / (lanes * tokens))
    assert abs(quick_kept - plain_kept) < 5 * np.sqrt(2 * 0.25 / (lanes * tokens * law.top_k))
    first = [np.bincount(d[:, 0].ravel(), minlength=12) / d[:, 0].size for d in (quick, plain)]
    assert np.abs(first[0] - first[1]).max() < 5 * np.sqrt(2 * 0.25 / (lanes * tokens))  # best first, too


def test_no_token_names_an_expert_twice_even_when_few_are_likely():
    law = generate.Law(layers=1, experts=8, top_k=7)
    weights = np.tile(np.array([1e6, 1e5] + [3e4] * 6), (5, 1))
    drawn = np.sort(generate.draw_tokens(weights, law, 30, np.random.default_rng(0)), axis=1)
    assert (drawn[:, 1:] != drawn[:, :-1]).all() and drawn.max() == 7


def test_fewer_requests_are_the_first_of_more_and_seeds_differ():
    law = generate.Law(layers=2, experts=16, top_k=2)
    ids = [[r[2] for r in generate.requests(law, count, 3, seed)] for count, seed in ((70, 1), (66, 1), (66, 2))]
    assert all(np.array_equal(a, b) for a, b in zip(ids[0], ids[1]))
    assert not all(np.array_equal(a, b) for a, b in zip(ids[1], ids[2]) if a.shape == b.shape)


@pytest.mark.parametrize("name", models.names())
def test_every_model_gets_a_trace_of_its_shape(name, tmp_path):
    model = models.load(name)
    header = library.write_generated(tmp_path / "t.parquet", model, 2, 3, 1)
    got = trace.open(tmp_path / "t.parquet", model=name)
    assert (got.requests, got.steps, got.sha256, got.layer_keys) == (2, 3, header.sha256, model.layers)
    assert all(0 <= ids.max() < model.experts for ids in got.read(2))


def test_a_batch_is_a_cut_or_whole_repetitions(tmp_path):
    library.write_generated(tmp_path / "t", models.load("deepseek-v2-lite"), 4, 2, 1)
    for batch, requests, replication in ((3, 3, 1), (4, 4, 1), (12, 4, 3)):
        got = trace.for_run(tmp_path / "t", "deepseek-v2-lite", batch, 2, 1)
        assert (got.trace.requests, got.replication) == (requests, replication)
    with pytest.raises(BadInput, match="a batch of 6 is no multiple of its 4 requests"):
        trace.for_run(tmp_path / "t", "deepseek-v2-lite", 6, 2, 1)
    with pytest.raises(BadInput, match="another model than qwen3-30b-a3b"):
        trace.for_run(tmp_path / "t", "qwen3-30b-a3b", 4, 2, 1)


def test_without_a_trace_one_is_made_from_the_seed():
    one, again, other = (trace.for_run(None, "llama4-maverick", 8, 4, seed).trace.sha256 for seed in (1, 1, 2))
    assert one == again != other
