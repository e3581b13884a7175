"""Does the leaderboard rank by the geometric mean over fields, and say where it cannot tell?"""

import json

import pytest

from chipweave.errors import BadInput
from chipweave.run import error_bars
from chipweave.study import leaderboard
from chipweave.study.sweep_file import load

FILE = """
schema: chipweave.sweep/1
name: board
run: {topology: micro_2x2, model: llama4-maverick, steps: 4, preset: artifact, strategy: base}
vary:
  batch: [8, 16]
  prediction: [none, always]
  replacement: [unbounded, {kind: lru, slices: 3}]
compare: {prediction: none}
"""


def test_scores_are_geometric_means_over_fields(tmp_path):
    (tmp_path / "b.yaml").write_text(FILE)
    found = load(tmp_path / "b.yaml")
    table = {
        "batch": [8, 8, 16, 16],
        "prediction": ["none", "always"] * 2,
        "replacement": ["unbounded"] * 4,
        "speedup": [1.0, 2.0, 1.0, 8.0],
        "decode_time_ns": [8, 4, 8, 1],
        "copy_write_bytes": [0, 5, 0, 7],
    }
    board = leaderboard.ranked(table, found, ["prediction", "replacement"], 0.1)
    first = board["rows"][0]
    assert (first["prediction"], first["score"], first["least"], first["most"]) == ("always", pytest.approx(4), 2, 8)
    assert (board["fields"], first["copied_bytes"], first["within_error_of_next"]) == (2, 7, False)
    board = leaderboard.ranked({**table, "speedup": [1, 1.05, 1, 1.05]}, found, ["prediction", "replacement"], 0.1)
    assert board["rows"][0]["within_error_of_next"]


def test_a_field_whose_reference_failed_counts_for_nobody(tmp_path):
    (tmp_path / "b.yaml").write_text(FILE)
    table = {
        "batch": [8, 8, 16],
        "prediction": ["none", "always", "always"],
        "replacement": ["unbounded"] * 3,
        "speedup": [1.0, 2.0, None],
        "decode_time_ns": [8, 4, 8],
        "copy_write_bytes": [0, 5, 7],
    }
    board = leaderboard.ranked(table, load(tmp_path / "b.yaml"), ["prediction", "replacement"], 0.1)
    assert [(row["prediction"], row["score"], row["fields"]) for row in board["rows"]] == [
        ("always", pytest.approx(2), 1),
        ("none", pytest.approx(1), 1),
    ]


@pytest.mark.slow
def test_the_command_runs_and_ranks(tmp_path, capsys):
    (tmp_path / "b.yaml").write_text(FILE)
    leaderboard.command(tmp_path / "b.yaml", str(tmp_path / "out"), 1, False, str(tmp_path / "b.json"))
    board = json.loads((tmp_path / "b.json").read_text())
    assert len(board["rows"]) == 4 and board["rows"][0]["score"] >= board["rows"][-1]["score"] > 0
    assert (tmp_path / "out" / "points.parquet").exists() and "score" in capsys.readouterr().out


def test_a_sweep_without_contestants_is_refused(tmp_path):
    (tmp_path / "b.yaml").write_text(FILE.split("  prediction")[0])
    with pytest.raises(BadInput, match="nothing to rank"):
        leaderboard.command(tmp_path / "b.yaml", str(tmp_path / "out"), 1, False, None)


def test_the_error_bar_is_that_of_the_two_worst_parts():
    ledger = {
        "membw (predicted)": {"n_modelled": 1, "mape": 0.03},
        "gemm (predicted)": {"n_modelled": 3, "mape": 0.04},
        "gemm (calibration)": {"n_modelled": 9, "mape": 0.9},
        "p2p (predicted)": {"n_modelled": 2, "mape": 0.01},
    }
    parts = error_bars.of_ledger(ledger)
    assert parts == {"memory": 0.03, "compute": pytest.approx(0.04), "links": 0.01}
    assert error_bars.ratio_bar(parts) == pytest.approx(0.05)
    assert 0 < error_bars.ratio_bar() < 0.5
