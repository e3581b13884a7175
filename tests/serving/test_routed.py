"""A step whose tokens go where a routing trace sends them: are copies and busiest ranks those of the trace?"""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipweave.errors import BadInput
from chipweave.serving import models, routed
from chipweave.serving.setup import setup
from chipweave.serving.step import Batch

NO_CHOICE = 9
QWEN3_30B = {
    "model_type": "qwen3_moe",
    "num_hidden_layers": 48,
    "hidden_size": 2048,
    "vocab_size": 151936,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "head_dim": 128,
    "intermediate_size": 6144,
    "moe_intermediate_size": 768,
    "num_experts": 128,
    "num_experts_per_tok": 8,
}


class Made:
    """A trace of one layer and two requests over four experts: request 0 always chooses 0 and 1, request 1 chooses 2
    and, in its last step, nothing else."""

    name, layers, experts, top_k, requests, no_choice, prefill_only = "made", (3,), 4, 2, 2, NO_CHOICE, False

    def steps_iter(self, first):
        rows = {0: [[3, 3], [3, 3]], 1: [[0, 1], [2, 3]], 2: [[0, 1], [2, NO_CHOICE]]}
        for step in range(first, 3):
            yield Step(rows[step])


class Step:
    def __init__(self, rows):
        self.ids = np.array(rows, np.uint8)

    def __getitem__(self, index):
        return self.ids

    def owners(self, index):
        return np.arange(2)


def test_only_decode_steps_count_and_fillers_do_not():
    assert routed.Routed(Made()).counts.tolist() == [[[2, 2, 0, 0], [0, 0, 2, 1]]]


def test_a_token_reaches_a_rank_once_whatever_it_has_there():
    made = routed.Routed(Made())
    assert [r.tolist() for r in made.reach(2, 2)] == [[[1, 0], [0, 1]]]
    assert [r.tolist() for r in made.reach(2, 4)] == [[[1, 1, 0, 0], [0, 0, 1, 0.5]]]
    assert [r.tolist() for r in made.reach(3, 2)] == [[[1, 0], [0, 1], [0.5, 0.5]]]


def chosen(experts, top_k, rows, hot=None):
    """A Routed of one layer whose tokens choose evenly, or among the first `hot` experts."""
    rng, made = np.random.default_rng(1), object.__new__(routed.Routed)
    ids = np.array([rng.permutation(hot or experts)[:top_k] for _ in range(rows)])
    made.experts, made.top_k, made.chosen, made.reach = experts, top_k, [(np.arange(rows), ids)], made._reach
    made.counts = np.zeros((1, rows, experts), np.int64)
    np.add.at(made.counts[0], (np.arange(rows)[:, None], ids), 1)
    return made


@pytest.mark.parametrize(("server", "ways"), [("dgx_h200", "dp=8,ep=8"), ("dgx_h800_x4", "dp=32,ep=32")])
def test_normal_kernels_take_as_long_as_with_even_loads_where_a_trace_is_even(monkeypatch, server, ways):
    kernels = setup(server, "deepseek-v3", ways, "fp8_block", balance="forced", batch=8, context=1024).kernels
    ranks = kernels.server.gpus
    even = [kernels._normal(phase, 4096, 8, 7168, ranks) for phase in ("dispatch", "combine")]
    monkeypatch.setattr(kernels, "routed", chosen(256, 8, 1 << 14))
    uneven = [kernels._normal(phase, 4096, 8, 7168, ranks) for phase in ("dispatch", "combine")]
    assert uneven == pytest.approx(even, rel=0.03)
    assert all(u > e for u, e in zip(uneven, even, strict=True))


def test_normal_kernels_wait_for_the_rank_that_all_send_to(monkeypatch):
    spent = []
    for made_of in (None, chosen(128, 8, 1 << 10, hot=32)):
        made = setup("dgx_h100", "qwen3-235b", "dp=8,ep=8", "fp8_block", balance="forced", batch=8, context=4096)
        monkeypatch.setattr(made.kernels, "routed", made_of)
        step = made.step(Batch(0, 0, 8, 4096, 4096))
        spent.append({kind: step.critical[kind] for kind in ("dispatch", "combine")})
    assert all(spent[1][kind] > 1.3 * spent[0][kind] for kind in spent[0]), spent


def test_a_rank_whose_requests_end_with_the_prompt_sends_what_the_others_choose():
    made = routed.Routed(Made())
    made.counts[:, 1] = 0
    assert made.copies(10, 2).tolist() == [[20, 0], [20, 0]]


def test_each_rank_sends_what_its_own_requests_choose():
    assert routed.Routed(Made()).copies(10, 2).tolist() == [[20, 0], [0, 20]]


def test_ranks_without_a_request_of_their_own_send_as_another_does():
    assert routed.Routed(Made()).copies(3, 4).tolist() == [[3, 3, 0, 0], [0, 0, 4, 2], [3, 3, 0, 0], [0, 0, 4, 2]]


def test_the_busiest_rank_is_that_of_the_trace():
    assert [c.tolist() for c in routed.Routed(Made()).busiest(7, 2)] == [[4, 4]]


@given(st.lists(st.integers(0, 1000), min_size=8, max_size=8).filter(any), st.integers(1, 500), st.integers(1, 8))
def test_dealt_choices_are_whole_and_none_is_chosen_twice_by_a_token(chosen, tokens, top_k):
    dealt = routed._dealt(np.array(chosen), tokens, top_k)
    assert dealt.sum() == tokens * top_k
    assert 0 <= dealt.min() and dealt.max() <= tokens


def test_a_trace_of_another_model_is_refused_with_the_numbers():
    with pytest.raises(BadInput, match="trace made has 1 layers of 4 experts, top 2; qwen3-235b has 94 layers of 128"):
        routed.Routed(Made()).check(models.load("qwen3-235b"))
    with pytest.raises(BadInput, match="qwen3-32b has no experts"):
        routed.Routed(Made()).check(models.load("qwen3-32b"))


def test_an_uneven_exchange_takes_longer_than_an_even_one_and_so_do_the_experts(monkeypatch):
    hot = np.zeros((1, 8, 128), np.int64)
    hot[:, :, :32] = 1  # all go to ranks 0 and 1 of eight
    uneven = object.__new__(routed.Routed)
    uneven.counts, uneven.top_k = hot, 8
    spent = []
    for made_of in (None, uneven):
        made = setup("dgx_h100", "qwen3-235b", "dp=8,ep=8", "fp8_block", balance="forced", batch=64, context=1024)
        monkeypatch.setattr(made.kernels, "routed", made_of)
        step = made.step(Batch(1024, 1024))
        spent.append({kind: step.critical[kind] for kind in ("dispatch", "combine", "moe")})
    assert all(spent[1][kind] > 1.2 * spent[0][kind] for kind in spent[0]), spent


def test_a_step_on_a_shipped_trace_is_not_that_of_an_even_load(tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps(QWEN3_30B))
    parts = [
        setup("dgx_h100", str(config), "dp=8,ep=8", balance=b, batch=512, context=1024).step(Batch(512, 1024)).critical
        for b in ("forced", "trace:sharegpt-qwen3-30b")
    ]
    assert parts[1]["combine"] > 1.05 * parts[0]["combine"]
