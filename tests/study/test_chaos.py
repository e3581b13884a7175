"""Does the study hold the right figures against the printed ones?"""

import json

import pytest

from chipweave.errors import BadInput
from chipweave.study import chaos, printed, run_chaos, traces
from chipweave.trace import library, models

PRINTED = printed.load("chaos")


def row(strategy, decode, hops, prefill=10, **more):
    base = {"model": "deepseek-v3", "topology": "wafer_5x5", "batch": 4096, "strategy": strategy}
    return {**base, "decode_time_ns": decode, "hops": hops, "hops_prefill": prefill, **more}


TABLE = [row("base", 1000, 990), row("ep", 200, 0, 0), row("pred", 400, 190), row("allo", 250, 0)]


def test_quantities_are_ratios_to_base_and_to_ep():
    found = {(e["strategy"], e["quantity"]): e["simulated"] for e in chaos.quantities(TABLE)}
    assert found == {
        ("ep", "speedup"): 5.0,
        ("pred", "speedup"): 2.5,
        ("pred", "hop_reduction"): 5.0,
        ("pred", "hop_reduction_decode"): 990 / 190,
        ("pred", "over_ep"): 0.5,
        ("allo", "speedup"): 4.0,
        ("allo", "hop_reduction"): 100.0,
        ("allo", "over_ep"): 0.8,
    }


def test_each_printed_bar_has_one_row_with_its_evidence():
    rows, others = chaos.against(chaos.quantities(TABLE), PRINTED)
    got = {(r["strategy"], r["quantity"]): (r["printed"], r["evidence"]) for r in rows}
    assert got == {
        ("pred", "speedup"): (3.4, "bar"),
        ("allo", "speedup"): (7.9, "bar"),
        ("pred", "hop_reduction"): (4.4, "bar"),
        ("allo", "hop_reduction"): (186.8, "bar"),
    }
    assert len(rows) + len(others) == len(chaos.quantities(TABLE))


def test_the_printed_numbers_are_there_whole():
    speedups = [key for key, (_, evidence) in PRINTED.bars.items() if key[4] == "speedup" and evidence == "bar"]
    assert len(speedups) == 24 and len([k for k in PRINTED.bars if k[4] == "hop_reduction"]) == 9
    assert {key[0] for key in speedups} == set(PRINTED.models) <= set(models.names())


def test_averages_leave_the_batch_out_that_the_paper_has_not():
    far = [
        {**r, "batch": 32768, "decode_time_ns": 9 * r["decode_time_ns"] if r["strategy"] == "base" else 1}
        for r in TABLE
    ]
    means = chaos.averages(chaos.quantities(TABLE + far), PRINTED)
    pred = next(m for m in means if (m["strategy"], m["quantity"], m["model"]) == ("pred", "speedup", None))
    assert (pred["simulated"], pred["configurations"], pred["printed"]) == (2.5, 1, 3.0)


def test_host_overhead_is_the_time_the_host_adds():
    rows = [
        {"model": "deepseek-v3", "topology": t, "batch": 256, "decode_time_ns": ns}
        for t, ns in (("wafer_5x5", 100), ("wafer_5x5_host", 106))
    ]
    found = chaos.host_overhead(rows, PRINTED)
    assert len(found) == 1 and found[0]["simulated"] == pytest.approx(0.06) and found[0]["least"] == 0.052


def options(tmp_path, **more):
    given = dict(
        traces=None, out=str(tmp_path / "out"), models="llama4-maverick", topologies="wafer_5x5", batches="16,32",
        strategies=None, steps=3, requests=24, tasks=1,
        seed=1, preset="artifact", link_model="circuit", admission=None, host=False,
        executor="local", jobs=1, json_path=str(tmp_path / "c.json"),
    )  # fmt: skip
    return {**given, **more}


@pytest.mark.slow
def test_the_command_writes_rows_tables_and_pictures(tmp_path, capsys):
    run_chaos.command(**options(tmp_path))
    document = json.loads((tmp_path / "c.json").read_text())
    assert (document["schema"], document["preset"], document["admission"]) == (
        "chipweave.study.chaos/1",
        "artifact",
        "early_booking",
    )
    named = {(e["strategy"], e["batch"]) for e in document["others"]}
    assert named == {(s, b) for s in chaos.DEFAULT_STRATEGIES if s != "base" for b in (16, 32)}
    for name in ("speedup.svg", "hops.svg", "chaos.json", "points.parquet"):
        assert (tmp_path / "out" / name).exists()
    assert "averages" in capsys.readouterr().out


@pytest.mark.slow
def test_a_made_trace_serves_all_batches_and_a_smaller_one_is_its_beginning(tmp_path):
    spec = chaos.RunSpec(steps=3)
    found = chaos.sweep_of(spec, ["llama4-maverick"], ["wafer_5x5"], [8, 16], ["base"])
    assert len({p.spec.trace for p in found.points}) == 1
    fewer = chaos.sweep_of(spec, ["llama4-maverick"], ["wafer_5x5"], [8, 16], ["base"], requests=12)
    assert {library.open_trace(p.spec.trace).requests for p in fewer.points} == {12}


@pytest.mark.slow
def test_tasks_take_turns_in_a_made_trace_and_a_copy_has_its_own(tmp_path):
    found = chaos.sweep_of(
        chaos.RunSpec(steps=3), ["llama4-maverick"], ["wafer_5x5"], [12], ["base"], requests=6, tasks=3
    )
    names = library.open_trace(found.points[0].spec.trace).order
    assert [name.partition("/")[0] for name in names] == ["task0", "task1", "task2"] * 2
    with pytest.raises(BadInput, match="--tasks 3 with --traces"):
        run_chaos.command(**options(tmp_path, tasks=3, traces=str(tmp_path)))


def test_the_users_copy_of_the_published_traces_is_found(tmp_path):
    model = models.load("llama4-maverick")
    library.write_generated(tmp_path / "made.parquet", model, 3, 3, 1)
    made = library.open_trace(tmp_path / "made.parquet")
    place = tmp_path / "copy" / traces.PUBLISHED["llama4-maverick"]
    for subset, name in (("mmlu", "law/0.json"), ("mmlu", "law/1.json"), ("mmlu_ZH_CN", "law/0.json")):
        path = place / subset / name
        path.parent.mkdir(parents=True, exist_ok=True)
        steps = []
        number = len(list(place.rglob("*.json")))
        for step in made.steps_iter():
            mine = step.row_request == number
            steps.append({str(layer): step[i][mine].tolist() for i, layer in enumerate(made.layers)})
        path.write_text(json.dumps(steps))
    got = traces.of_model("llama4-maverick", 3, 3, 1, tmp_path / "copy")
    assert got.requests == 3 and [got.read(1)[0].tolist()] == [made.read(1)[0].tolist()]
    with pytest.raises(BadInput, match="no trace of kimi-k2; allowed: kimi-k2.parquet, or moonshotai"):
        traces.of_model("kimi-k2", 3, 3, 1, tmp_path / "copy")


def test_wrong_names_are_refused_before_any_work(tmp_path):
    with pytest.raises(BadInput, match="unknown strategy 'alo'"):
        run_chaos.command(**options(tmp_path, strategies="base,alo"))
    with pytest.raises(BadInput, match="--batches '4k'"):
        run_chaos.command(**options(tmp_path, batches="4k"))
