"""Are two strategies that the ledger's residuals cannot tell apart named, and only those?"""

import json

import pytest

from chipweave.run import compare, error_bars
from chipweave.study import chaos


def test_neighbours_in_the_order_of_time_within_the_bar_are_undecided():
    times = {"base": 1000, "ep": 150, "allo": 140, "allo+pred": 120, "none": 0}
    assert error_bars.undecided(times, 0.11) == [("allo", "ep")]
    assert error_bars.undecided(times, 0.2) == [("allo+pred", "allo"), ("allo", "ep")]
    assert error_bars.undecided(times, 0.01) == [] == error_bars.undecided({}, 0.5)


def row(strategy, time, link_model="fair", admission="work_conserving"):
    return {"strategy": strategy, "link_model": link_model, "admission": admission, "decode_time_ns": time}


def test_rows_of_other_link_models_are_no_neighbours():
    rows = [
        row("ep", 100),
        row("allo", 101),
        row("ep", 100, "circuit", "head_only"),
        row("allo", 300, "circuit", "head_only"),
    ]
    assert compare.undecided(rows) == [
        {"link_model": "fair", "admission": "work_conserving", "strategies": ["ep", "allo"]}
    ]


def test_configurations_of_the_study_are_looked_at_one_by_one():
    rows = [
        {"model": "m", "topology": "t", "batch": batch, "strategy": name, "decode_time_ns": time}
        for batch, name, time in ((1, "ep", 100), (1, "allo", 105), (2, "ep", 100), (2, "allo", 150), (3, "ep", 100))
    ]
    assert chaos.undecided(rows, 0.11) == [{"model": "m", "topology": "t", "batch": 1, "strategies": ["ep", "allo"]}]


@pytest.mark.slow
def test_a_comparison_carries_its_error_bar_and_warns(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CHIPWEAVE_CACHE", str(tmp_path / "cache"))
    options = {"model": "llama4-maverick", "batch": 16, "steps": 3, "strategies": "base,ep,allo"}
    compare.run(None, options, None, 1, None, str(tmp_path / "c.json"))
    document = json.loads((tmp_path / "c.json").read_text())
    assert 0 < document["error_bar"] < 0.5
    named = {tuple(each["strategies"]) for each in document["undecided"]}
    by = {r["strategy"]: r["decode_time_ns"] for r in document["rows"]}
    assert named == set(error_bars.undecided(by, document["error_bar"]))
    err = capsys.readouterr().err
    assert ("do not choose by these" in err) == bool(named) and len(named) >= 1, "of 16 tokens Allo splits no expert"
