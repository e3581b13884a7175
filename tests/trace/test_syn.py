"""Are the synthetic sets the ones the oracle was measured on?"""

import hashlib
import json

import numpy as np
import pytest

from chipweave import trace
from chipweave.errors import BadInput
from chipweave.trace import fits, syn


def plain_draw(base, previous, stickiness, noise, top_k):
    """The law, written out."""
    held = np.zeros_like(base)
    if previous is not None:
        np.put_along_axis(held, previous, 1.0, 1)
    return np.argsort(-(base + stickiness * held + noise), axis=1, kind="stable")[:, :top_k]


@pytest.mark.slow
def test_deepseek_syn_is_byte_for_byte_the_published_set():
    whole = hashlib.sha256()
    for line in syn.json_lines("deepseek-syn"):
        whole.update(line)
    assert whole.hexdigest() == syn.SETS["deepseek-syn"].sha256


@pytest.mark.parametrize("ties", [False, True])
def test_the_quick_draw_is_the_plain_one_ties_included(ties):
    random = np.random.default_rng(0)
    previous = None
    for _ in range(50):
        base, noise = random.random((5, 32)), random.random((5, 32))
        if ties:
            base, noise = np.round(base, 1), np.round(noise, 1)
        quick = syn._draw(base, previous, 0.5, noise, 8)
        assert np.array_equal(quick, plain_draw(base, previous, 0.5, noise, 8))
        previous = quick


def test_the_lines_and_the_store_of_a_set_say_the_same(monkeypatch, tmp_path):
    small = syn.SynSet(**{**syn.SETS["kimi-syn"].__dict__, "requests": 3})
    monkeypatch.setitem(syn.SETS, "kimi-syn", small)
    monkeypatch.setenv("CHIPWEAVE_CACHE", str(tmp_path))
    (tmp_path / "k.jsonl").write_bytes(b"".join(syn.json_lines("kimi-syn")))
    store, lines = trace.open("kimi-syn"), trace.open(tmp_path / "k.jsonl")
    assert store.sha256 == lines.sha256 and store.model == lines.model == "kimi-k2"
    assert json.loads((tmp_path / "k.jsonl").read_bytes().splitlines()[0])["path"] == "kimi-syn/00000.json"


def test_a_set_goes_round_at_any_batch_as_any_trace_does():
    fits.check("deepseek-syn", "deepseek-v3", 300, 4)
    with pytest.raises(BadInput, match="a trace of deepseek-v3, not of kimi-k2"):
        fits.check("deepseek-syn", "kimi-k2", 256, 4)
