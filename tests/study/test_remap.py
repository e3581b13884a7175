"""Does case study 2 place and double experts as Algorithm 2 says, and time the busiest GPU?"""

import json

import numpy as np
import pytest

from chipweave.errors import BadInput
from chipweave.study import remap, run_remap
from chipweave.trace import library, models

QWEN = models.load("qwen3-235b")


def test_an_experts_time_is_the_longer_of_computing_and_reading():
    read = QWEN.expert_bytes / (3.35e12 * 0.9)
    few, many = remap.expert_times(QWEN, np.array([0, 1, 8192]))[[1, 2]]
    assert few == pytest.approx(read) and remap.expert_times(QWEN, np.array([0]))[0] == 0
    assert many == pytest.approx(6 * 4096 * 1536 * 8192 / (989e12 * 0.70))


def test_remap_gives_the_next_costliest_to_the_least_loaded_with_room():
    assert remap.remap(np.array([9, 7, 3, 2.5]), 2).tolist() == [0, 1, 1, 0]
    assert remap.stacked(np.array([1, 9, 2, 8]), 2).tolist() == [1, 0, 1, 0]


def test_dup_copies_where_the_peak_falls_most_and_splits_evenly():
    shares = remap.duplicated(np.array([8.0, 2.0, 1.0, 1.0]), 2, 1)
    assert shares[:, 0].tolist() == [0.5, 0.5] and np.allclose(shares.sum(axis=0), 1)
    assert (shares > 0).sum(axis=1).max() <= 3, "two experts and one more slot"


def test_even_loads_leave_nothing_to_gain():
    steps = np.full((2, 1, 128), 4096)
    ours = remap.speedups(QWEN, steps[0], steps)
    assert ours == {kind: pytest.approx(1, abs=0.02) for kind in remap.KINDS}


def test_skewed_loads_gain_from_moving_and_lose_by_stacking():
    load = np.rint(np.random.default_rng(0).weibull(0.83, (1, 128)) * 2000).astype(int)
    ours = remap.speedups(QWEN, load, load[None])
    assert ours["worst"] < 1 < ours["dup"] and 1 < ours["remap"] == pytest.approx(ours["best"])


@pytest.mark.slow
def test_the_command_sets_ours_beside_the_printed(tmp_path, monkeypatch):
    monkeypatch.setattr(remap, "PRINTED", {8: (0.8, 1.33, 1.25, 1.22)})
    run_remap.command("qwen3-30b-a3b", None, "8,16", 2, 1, "prompts", "roofline", str(tmp_path / "r.json"))
    rows = json.loads((tmp_path / "r.json").read_text())["rows"]
    assert [(row["batch"], row["printed"]) for row in rows[:4]] == [(8, 0.8), (8, 1.33), (8, 1.25), (8, 1.22)]
    assert rows[-1]["printed"] is None and all(row["simulated"] > 0 for row in rows)


@pytest.mark.slow
def test_a_batch_beyond_the_trace_counts_its_requests_again(tmp_path):
    """Eight requests taken twice, and sixteen in the file, are the same work; a prefill-only log is replayed."""
    model = models.load("qwen3-30b-a3b")
    library.write_generated(tmp_path / "t.parquet", model, 8, 3, 1)
    trace = library.open_trace(tmp_path / "t.parquet")
    prompt, answers = (2 * each for each in remap.loads_of(trace, 2))
    run_remap.command(
        "qwen3-30b-a3b", str(tmp_path / "t.parquet"), "16", 2, 1, "prompts", "roofline", str(tmp_path / "r.json")
    )
    rows = json.loads((tmp_path / "r.json").read_text())["rows"]
    assert {row["kind"]: row["simulated"] for row in rows} == remap.speedups(model, prompt, answers)
    run_remap.command("qwen3-30b-a3b", "sharegpt-qwen3-30b", "8", 2, 1, "prompts", "roofline", str(tmp_path / "r.json"))
    assert all(row["simulated"] > 0 for row in json.loads((tmp_path / "r.json").read_text())["rows"])


def test_answers_foretell_answers_and_a_cost_by_tokens_leaves_no_floor(tmp_path):
    steps = np.arange(12).reshape(4, 1, 3)
    placed, timed = remap.forecast_of(np.ones((1, 3)), steps, "answers")
    assert placed.tolist() == [[3, 5, 7]] and np.array_equal(timed, steps[2:])
    few, many = remap.token_times(QWEN, np.array([1, 1000]))
    assert many == pytest.approx(1000 * few) and few < remap.expert_times(QWEN, np.array([1]))[0] / 100
    random = np.random.default_rng(0)
    load = random.weibull(0.83, (8, 128))
    rounds = np.stack([random.poisson(load * 256) for _ in range(4)])
    forecast = remap.forecast_of(load, rounds, "answers")
    by_time, by_tokens = (remap.speedups(QWEN, *forecast, cost) for cost in ("roofline", "tokens"))
    assert by_time["dup"] < by_tokens["dup"] and by_tokens["remap"] > 0.97 * by_tokens["best"]
    with pytest.raises(BadInput, match="at least 2"):
        run_remap.command("qwen3-30b-a3b", None, "8", 1, 1, "answers", "roofline", str(tmp_path / "r.json"))
