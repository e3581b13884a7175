"""Do sampled layer-steps start from the state of the full run, and does the estimate say what the sample says?"""

import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from chipweave.__main__ import main
from chipweave.run import flit_sample as sample
from chipweave.run import simulate as serving
from chipweave.run.record import COLUMNS, nanoseconds
from chipweave.run.spec import RunSpec

SMALL = dict(
    topology="micro_2x2", preset="artifact", model="qwen3-30b-a3b", batch=2, steps=3, sets=("d2d.router.flit=8 KiB",)
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "strategy, preset, plan_ns", [("base", "artifact", 0), ("pred", "artifact", 0), ("base", "physical", 3200)]
)
def test_circuit_takes_as_long_in_the_sample_as_in_the_full_run(strategy, preset, plan_ns):
    """Copies and LLC tags decide these times, so equal times mean equal tables."""
    work = SMALL | {"preset": preset, "link_model": "circuit"}
    spec = RunSpec(**work, strategy=strategy, admission="work_conserving")
    outcome = serving.simulate(spec)
    estimate, rows = sample.measure(spec, outcome, 20)
    full = {(int(r[0]), int(r[1])): nanoseconds(r[2]) for r in outcome.table}
    assert estimate["layer_steps"] == len(rows) >= 15
    assert {full[row["step"], row["layer"]] - row["circuit_work_conserving_ns"] for row in rows} == {plan_ns}
    assert all(row["flit_ns"] > 0 for row in rows)


@pytest.mark.slow
def test_compare_puts_flit_beside_circuit_and_fair_with_its_standard_error(tmp_path):
    file = tmp_path / "r.json"
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "compare",
                "--preset",
                "artifact",
                "--topology",
                "micro_2x2",
                "--model",
                "qwen3-30b-a3b",
                "--batch",
                "2",
                "--steps",
                "3",
                "--strategies",
                "base",
                "--set",
                "d2d.router.flit=8 KiB",
                "--link-models",
                "flit,circuit,fair",
                "--sample",
                "16",
                "--json",
                str(file),
            ]
        )
    assert ended.value.code == 0
    result = json.loads(file.read_text())
    kinds = [(row["link_model"], row["admission"]) for row in result["rows"]]
    assert kinds == [
        ("flit", "work_conserving"),
        ("circuit", "early_booking"),
        ("circuit", "work_conserving"),
        ("fair", "work_conserving"),
    ]
    flit, _, circuit, _ = result["rows"]
    assert flit["sample"]["layer_steps"] == len(result["layer_steps"]) and flit["sample"]["of"] == 144
    assert flit["hops"] == circuit["hops"] and flit["sample"]["decode_standard_error_ns"] > 0
    assert flit["sample"]["skipped_share"] == 0


@pytest.mark.slow
def test_the_output_folder_of_a_sampled_run_is_whole_and_has_no_layers_that_flit_did_not_run(tmp_path):
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "compare",
                "--preset",
                "artifact",
                "--topology",
                "micro_2x2",
                "--model",
                "qwen3-30b-a3b",
                "--batch",
                "2",
                "--steps",
                "2",
                "--strategies",
                "base",
                "--set",
                "d2d.router.flit=8 KiB",
                "--link-models",
                "circuit,flit",
                "--sample",
                "1",
                "--out",
                str(tmp_path / "out"),
            ]
        )
    assert ended.value.code == 0
    tables = {name: pq.read_table(tmp_path / "out" / f"{name}.parquet") for name in ("layers", "links", "statistics")}
    assert all(set(t["link_model"].to_pylist()) == {"circuit"} for t in tables.values())
    assert len(tables["layers"]) == 2 * 2 * 48  # admissions, steps, layers


def test_what_can_deadlock_under_flit_is_told_with_its_place_before_anything_runs(tmp_path, monkeypatch, capsys):
    (tmp_path / "ring.yaml").write_text(
        "extends: wafer_5x5\nname: ring\nnetworks:\n  d2d:\n    shape: torus\n    routing: shortest\nexpect: null\n"
    )
    monkeypatch.setattr("chipweave.run.simulate.simulate", lambda *_, **__: pytest.fail("worked first"))
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "compare",
                "--topology",
                str(tmp_path / "ring.yaml"),
                "--model",
                "qwen3-30b-a3b",
                "--batch",
                "2",
                "--steps",
                "2",
                "--strategies",
                "ep",
                "--link-models",
                "circuit,flit",
            ]
        )
    told = capsys.readouterr().err
    assert ended.value.code == 2 and "network d2d can deadlock" in told and "ring.yaml:6:5: " in told


def test_strategies_share_ten_minutes_by_default():
    spec = RunSpec(**SMALL, admission="work_conserving")
    costs = [sample.layer_cost(serving.simulate(replace(spec, strategy=s))) for s in ("base", "ep", "pred")]
    assert costs[2] > 10 * costs[1] > 0
    each = sample.default_size(sum(costs), 32)
    assert each == pytest.approx(600 / (sum(costs) / 32 * 200e-9), abs=1)
    assert each < sample.default_size(costs[0], 32)


def test_time_beside_the_transfers_is_not_scaled_by_the_ratio_of_link_models():
    """Two layers of 100 ns of which 40 are the plan's; transfers take twice as long under flit: 40 + 120 each."""
    table = layers([100_000, 100_000], [False] * 2)
    part = sample.Stratum(False, np.arange(2), np.array([0]))
    assert sample.totals(table, [part], {0: [0, 60_000, 0, 120_000]})["decode_time_ns"] == 2 * 160


def layers(times, prefill):
    table = np.zeros((len(times), len(COLUMNS)), np.int64)
    table[:, 0] = [0 if early else 1 for early in prefill]
    table[:, 2] = times
    return table


def test_strata_are_prefill_and_quarters_of_decode_by_circuit_time():
    table = layers(list(range(40, 0, -1)) + [7] * 10, [False] * 40 + [True] * 10)
    parts = sample.strata(table, 1, 20, seed=1)
    assert [len(p.rows) for p in parts] == [10, 10, 10, 10, 10] and [p.prefill for p in parts] == [True] + [False] * 4
    assert [sorted(table[p.rows, 2].tolist()) for p in parts[1:]] == [
        list(range(i + 1, i + 11)) for i in (0, 10, 20, 30)
    ]
    assert all(len(p.chosen) == 4 and set(p.chosen) <= set(p.rows) for p in parts)


def test_a_sample_of_everything_has_no_error_and_a_proportional_one_neither():
    table = layers([1000, 2000, 3000, 4000], [False] * 4)
    whole = sample.Stratum(False, np.arange(4), np.arange(4))
    times = {i: [0, t, 0, t + 500 * (i % 2)] for i, t in enumerate(table[:, 2].tolist())}
    assert sample.totals(table, [whole], times) == {
        "decode_time_ns": 11,
        "decode_standard_error_ns": 0.0,
        "prefill_time_ns": 0,
        "prefill_standard_error_ns": 0.0,
    }
    half = sample.Stratum(False, np.arange(4), np.array([0, 3]))
    doubled = {i: [0, t, 0, 2 * t] for i, t in enumerate(table[:, 2].tolist())}
    assert sample.totals(table, [half], doubled) | {} == {
        "decode_time_ns": 20,
        "decode_standard_error_ns": 0.0,
        "prefill_time_ns": 0,
        "prefill_standard_error_ns": 0.0,
    }


def test_the_standard_error_is_that_of_the_ratio_estimator():
    table = layers([2000] * 10, [False] * 10)
    part = sample.Stratum(False, np.arange(10), np.array([0, 1, 2, 3]))
    times = dict(enumerate([[0, 2000, 0, f] for f in (1000, 3000, 1000, 3000)]))
    got = sample.totals(table, [part], times)
    assert got["decode_time_ns"] == 20
    assert got["decode_standard_error_ns"] == pytest.approx(10 * np.sqrt(0.6 * (4 * 1.0 / 3) / 4))
