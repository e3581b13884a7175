"""Does `compare` give one result for any number of jobs, any engine and any repetition, and keep its contract?"""

import json
import os
import re
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from chipweave.__main__ import main
from chipweave.run import simulate as serving
from chipweave.run.compare import notes_of_rows
from chipweave.run.spec import RunSpec

SMALL = ["--model", "deepseek-v2-lite", "--trace", "esft-law", "--batch", "64", "--steps", "3"]


def compare(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["compare", *arguments])
    out = capsys.readouterr()
    return ended.value.code, out.out, out.err


def result(capsys, *arguments):
    code, out, err = compare(capsys, *SMALL, "--json", "-", *arguments)
    assert code == 0, err
    return json.loads(out)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("CHIPWEAVE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.mark.slow
def test_the_same_result_for_any_jobs_repetition_and_engine(capsys):
    few = ["--batch", "4", "--steps", "4"]  # the plain engine takes its time; copies are still read again
    hashes = {result(capsys, *few, *more)["result_sha256"] for more in ([], [], ["--jobs", "2"], ["--engine", "plain"])}
    assert len(hashes) == 1


def test_rows_have_the_keys_of_the_contract(capsys):
    document = result(capsys, "--strategies", "ep,base", "--preset", "artifact")  # times of whole nanoseconds
    assert document["schema"] == "chipweave.compare/1"
    base = document["rows"][1]
    assert base["strategy"] == "base" and base["speedup"] == 1.0 and base["admission"] == "early_booking"
    assert set(base) == {
        "strategy",
        "link_model",
        "admission",
        "decode_time_ns",
        "prefill_time_ns",
        "throughput_tokens_per_s",
        "speedup",
        "hops",
        "hops_prefill",
        "local_read_bytes",
        "remote_read_bytes",
        "copy_write_bytes",
        "copies",
        "events",
        "cpu_s",
        "wall_s",
        "peak_rss_bytes",
        "layers",
        "local_slice_reads",
        "remote_slice_reads",
        "remote_llc_hits",
        "local_llc_hits",
    }
    assert sum(layer["hops"] for layer in base["layers"]) == base["hops"] > 0
    assert sum(layer["decode_time_ns"] for layer in base["layers"]) == base["decode_time_ns"]
    assert document["rows"][0]["hops"] == 0


def test_speedup_is_null_where_base_was_not_run(capsys):
    assert result(capsys, "--strategies", "ep")["rows"][0]["speedup"] is None


@pytest.mark.slow
def test_a_run_that_names_no_preset_is_physical_whoever_asks(capsys, tmp_path):
    document = result(capsys, "--strategies", "base")
    row = document["rows"][0]
    assert (document["preset"], row["link_model"], row["admission"]) == ("physical", "fair", "work_conserving")
    (tmp_path / "run.yaml").write_text(RUN_FILE)
    code, out, err = compare(capsys, str(tmp_path / "run.yaml"), "--strategies", "ep")
    assert code == 0 and "preset physical" in out, err
    assert RunSpec().preset == "physical"


@pytest.mark.slow
def test_circuit_beside_fair_runs_with_both_admissions(capsys):
    both = ["--strategies", "base", "--link-models", "circuit,fair"]
    circuit, fair = ("circuit", "work_conserving"), ("fair", "work_conserving")
    for preset, expected in (
        ("artifact", [("circuit", "early_booking"), circuit, fair]),
        ("physical", [circuit, fair]),
    ):
        rows = result(capsys, *both, "--preset", preset)["rows"]
        assert [(r["link_model"], r["admission"]) for r in rows] == expected


@pytest.mark.slow
def test_the_output_folder_is_complete_and_can_be_repeated(capsys, tmp_path):
    code, _, err = compare(
        capsys, *SMALL, "--strategies", "base,pred", "--out", str(tmp_path / "o"), "--json", str(tmp_path / "j")
    )
    assert code == 0, err
    assert sorted(p.name for p in (tmp_path / "o").iterdir()) == [
        "critical.parquet",
        "flows.parquet",
        "layers.parquet",
        "links.parquet",
        "manifest.json",
        "parts.parquet",
        "result.json",
        "statistics.parquet",
    ]
    assert json.loads((tmp_path / "o" / "result.json").read_text()) == json.loads((tmp_path / "j").read_text())
    layers = pq.read_table(tmp_path / "o" / "layers.parquet")
    assert len(layers) == 2 * 3 * 26
    assert [
        name
        for name in layers.column_names
        if set(layers[name].to_pylist()) == {0} and name not in ("local_llc_hits", "remote_llc_hits")
    ] == []
    page = (Path(__file__).parents[2] / "docs" / "reference" / "results.md").read_text()
    assert all(f"`{name}`" in page for name in layers.column_names)
    links = pq.read_table(tmp_path / "o" / "links.parquet").to_pydict()
    assert sum(links["bytes"]) > 0 and all(e > b for b, e in zip(links["begin_ps"], links["end_ps"], strict=False))
    manifest = json.loads((tmp_path / "o" / "manifest.json").read_text())
    assert (
        manifest["trace"]["sha256"]
        and manifest["runs"][0]["policies"]["allocation"]["kind"] == "allocation.round_robin"
    )


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--strategies", "bsae"], "unknown strategy 'bsae'.*nearest: base"),
        (["--link-models", "circus"], "unknown link model 'circus'.*nearest: circuit"),
        (["--model", "deepsek-v3"], "unknown model 'deepsek-v3'.*nearest: deepseek-v3"),
        (["--topology", "wafer_5x6"], "wafer_5x6.*nearest: wafer_5x5"),
        (["--preset", "artefact"], "artefact.*nearest: artifact"),
        (["--trace", "nowhere.jsonl"], "no such trace: 'nowhere.jsonl'"),
        (["--batch", "0"], "batch is 0.*at least 1"),
        (["--batch", "100000000000000000000"], "batch is 100000000000000000000.*at most 1,000,000"),
        (["--steps", "0"], "steps is 0.*at least 1"),
        (["--steps", "2000000"], "steps is 2000000.*at most 1,000,000"),
        (["--strategies", ","], "no strategy is named; allowed: base, ep"),
        (["--strategies", "base,ep,base"], "strategy 'base' is named twice"),
        (["--link-models", "circuit,circuit"], "link model 'circuit' is named twice"),
        (["--link-model", "fair", "--link-models", "circuit,fair"], "--link-model and --link-models are both given"),
        (["--sample", "8"], "--sample is given, and no row is sampled"),
        (["--set", "parts.die.grid=[5"], "."),
        (["--link-model", "fair", "--admission", "early_booking"], "early booking"),
        (["--model", "qwen3-30b-a3b"], "trace of another model"),
        (["--model", "kimi-k2", "--trace", "kimi-syn", "--preset", "paper"], "kimi-k2 does not fit.*FP8"),
    ],
)
def test_bad_input_is_one_clear_message_and_exit_2(capsys, arguments, words):
    code, out, err = compare(capsys, *SMALL, *arguments)
    assert code == 2 and not out
    assert re.search(words, err, re.S) and "Traceback" not in err


@pytest.mark.slow
def test_a_model_that_overflows_is_run_and_said_so_under_the_artifact_preset(capsys):
    code, _, err = compare(
        capsys,
        *("--model", "kimi-k2", "--trace", "kimi-syn", "--batch", "256", "--steps", "2", "--strategies", "ep"),
        *("--preset", "artifact"),
    )
    assert code == 0 and "overflow" in err


@pytest.mark.slow
def test_ctrl_c_keeps_complete_rows_and_says_how_to_go_on(capsys, tmp_path, monkeypatch):
    simulate, started = serving.simulate, []

    def interrupted_in_the_second_run(spec, *arguments, **options):
        started.append(spec.strategy)
        if len(started) == 2:
            raise KeyboardInterrupt
        return simulate(spec, *arguments, **options)

    monkeypatch.setattr(serving, "simulate", interrupted_in_the_second_run)
    code, _, err = compare(capsys, *SMALL, "--strategies", "ep,base,pred", "--out", str(tmp_path / "o"))
    assert code == 130 and "1 rows are complete" in err and "--strategies base,pred" in err
    assert [row["strategy"] for row in json.loads((tmp_path / "o" / "result.json").read_text())["rows"]] == ["ep"]


def test_ctrl_c_before_the_first_row_leaves_nothing(capsys, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(serving, "simulate", interrupted)
    code, _, _ = compare(capsys, *SMALL, "--out", str(tmp_path / "o"))
    assert code == 130 and not (tmp_path / "o").exists()


@pytest.mark.slow
def test_a_trace_that_ends_early_is_said_and_figures_are_of_the_steps_it_has(capsys):
    """565 steps are the most that windows of esft-law have; a store of three steps stands for a short log."""
    arguments = ["--strategies", "ep", "--preset", "paper"]
    code, out, err = compare(capsys, *of_short_trace(capsys), "--steps", "20", *arguments)
    document = json.loads(out)
    assert (
        code == 0 and "The trace ends after 3 of the 20 steps" in err and document["notes"]["steps_in_the_trace"] == 3
    )
    row = document["rows"][0]
    assert row["throughput_tokens_per_s"] == pytest.approx(4 * 2 / (row["decode_time_ns"] / 1e9))
    per_layer = row["decode_time_ns"] / 1e3 / (2 * 26)
    assert f"{per_layer:.1f} us" in err


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["artifact", "paper"])
def test_one_step_is_the_prefill_alone(capsys, preset):
    """Figures of decode are then those of no step at all; the prefill's are what they are in a longer run."""
    both = [*of_short_trace(capsys), "--strategies", "base,ep", "--preset", preset]
    (_, longer, _), (code, out, err) = (compare(capsys, *both, "--steps", steps) for steps in "21")
    assert code == 0 and "only the prefill" in err
    for row, same in zip(json.loads(out)["rows"], json.loads(longer)["rows"], strict=False):
        assert (row["decode_time_ns"], row["throughput_tokens_per_s"], row["speedup"], row["hops"], row["layers"]) == (
            0,
            0.0,
            None,
            0,
            [],
        )
        assert (row["prefill_time_ns"], row["hops_prefill"]) == (same["prefill_time_ns"], same["hops_prefill"]) and row[
            "prefill_time_ns"
        ] > 0
        assert f"{row['prefill_time_ns'] / 1e6:.3f} ms" in err


@pytest.mark.slow
def test_one_step_of_a_log_or_of_a_made_trace_and_one_under_flit(capsys, small_model, tmp_path):
    mini = str(small_model(tmp_path / "mini.yaml"))
    log = ["deepseek-v2-lite", "--trace", "esft-law"]
    for model in (log, [mini], [mini, "--link-models", "circuit,flit", "--sample", "2"]):
        one = ["--batch", "4", "--steps", "1", "--strategies", "ep", "--json", "-"]
        code, out, err = compare(capsys, *one, "--model", *model)
        assert code == 0, err
        assert {(row["decode_time_ns"], row["prefill_time_ns"] > 0) for row in json.loads(out)["rows"]} == {(0, True)}


def of_short_trace(capsys):
    """Options of a comparison on four requests of three steps, to standard output; the trace is made once."""
    return ["--model", "deepseek-v2-lite", "--trace", str(short_trace(capsys)), "--batch", "4", "--json", "-"]


def short_trace(capsys):
    store = Path(os.environ["CHIPWEAVE_CACHE"]) / "short.parquet"
    if store.exists():
        return store
    store.parent.mkdir(parents=True, exist_ok=True)
    with pytest.raises(SystemExit):
        main(["trace", "generate", "deepseek-v2-lite", "--requests", "4", "--steps", "3", "--out", str(store)])
    capsys.readouterr()
    return store


@pytest.mark.slow
def test_links_are_named_with_their_link_model_where_several_ran(capsys):
    booked = ("--preset", "artifact", "--link-models", "circuit,fair")
    out = compare(capsys, *SMALL, "--strategies", "base", *booked)[1]
    assert "base (circuit, early_booking): die" in out and "base (fair, work_conserving): die" in out
    assert "base: die" in compare(capsys, *SMALL, "--strategies", "base")[1]


RUN_FILE = "schema: chipweave.run/1\nmodel: deepseek-v2-lite\ntrace: esft-law\nbatch: 4\nsteps: 2\n"


@pytest.mark.parametrize(
    "more, code, words",
    [
        ("strategy: ep\n", 0, "ep"),
        ("strategies: [ep]\n", 0, "ep"),
        ("", 0, "base"),
        ("link_models: [fair]\nstrategy: ep\n", 0, "fair, work_conserving"),
        ("strategies: [base, allo]\nstrategy: ep\n", 0, "ep"),
        ("strategies: [ep, base]\n", 2, "r.yaml:6:1: strategies has 2 entries, and `run` is one simulation"),
    ],
)
def test_run_is_one_simulation_the_one_the_file_names(capsys, tmp_path, more, code, words):
    (tmp_path / "r.yaml").write_text(RUN_FILE + more)
    with pytest.raises(SystemExit) as ended:
        main(["run", str(tmp_path / "r.yaml")])
    shown = capsys.readouterr()
    assert ended.value.code == code and words in (shown.out if code == 0 else shown.err)


def test_a_run_file_of_the_examples_goes_by_its_name(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["compare", "demo", "--batch", "4", "--steps", "2", "--strategies", "ep"])
    assert ended.value.code == 0 and "deepseek-v2-lite on wafer_5x5, batch 4" in capsys.readouterr().out


def test_what_a_preset_replaces_of_the_topology_is_said_with_how_to_keep_it(capsys):
    host = ["--topology", "wafer_5x5_host", "--strategies", "ep", "--preset", "artifact"]
    told = compare(capsys, *SMALL, *host)[2]
    assert (
        "Preset artifact replaces parts.cp.layer_time = control (the "
        "preset's: kernel); --set parts.cp.layer_time=control keeps it."
    ) in told
    assert "replaces" not in compare(capsys, *SMALL, *host, "--set", "parts.cp.layer_time=control")[2]
    assert "replaces" not in compare(capsys, *SMALL, "--strategies", "ep")[2]


@pytest.mark.slow
def test_what_an_option_replaces_of_the_topology_is_said(capsys):
    """The topology says `fair` of its network; of a wafer that says nothing there is nothing to replace."""
    node = ["--topology", "dgx_h100", "--strategies", "ep"]
    told = compare(capsys, *SMALL, *node, "--link-models", "fair,circuit")[2]  # not the first row's alone
    assert "An option replaces networks.d2d.link_model = fair (this run's: circuit)." in told
    assert "replaces" not in compare(capsys, *SMALL, *node)[2]
    assert "replaces" not in compare(capsys, *SMALL, "--strategies", "ep", "--link-model", "circuit")[2]
    booked = ("--set", "networks.d2d.admission=early_booking")
    told = compare(capsys, *SMALL, "--strategies", "ep", *booked)[2]
    assert "replaces networks.d2d.admission = early_booking (this run's: work_conserving)" in told


def test_making_a_trace_is_no_part_of_any_run(monkeypatch, tmp_path, small_model):
    """The trace is made once, before the first run, so no row's CPU time holds it and no two workers make it."""
    from chipweave.run import compare
    from chipweave.trace import library

    monkeypatch.setenv("CHIPWEAVE_CACHE", str(tmp_path))
    made, order = library.write_generated, []
    monkeypatch.setattr(library, "write_generated", lambda *a: (order.append("trace"), made(*a))[1])
    simulate = compare.serving.simulate
    monkeypatch.setattr(compare.serving, "simulate", lambda *a, **k: (order.append("run"), simulate(*a, **k))[1])
    mini = str(small_model(tmp_path / "mini.yaml"))
    options = {"model": mini, "batch": 4, "steps": 2, "seed": 987, "sets": ()}
    compare.run(None, options | {"strategies": ["ep", "base"]}, None, 1, None, None)
    assert order == ["trace", "run", "run"]


@pytest.mark.slow
def test_making_the_trace_is_no_part_of_a_runs_time(tmp_path, monkeypatch):
    from chipweave.trace import library

    def slow(*arguments):
        start = time.process_time()
        while time.process_time() < start + 3:
            pass
        return generate(*arguments)

    generate = library.write_generated
    monkeypatch.setenv("CHIPWEAVE_CACHE", str(tmp_path))
    monkeypatch.setattr(library, "write_generated", slow)
    spec = RunSpec(model="deepseek-v2-lite", trace=None, batch=4, steps=2, strategy="base")
    first, again = (serving.simulate(spec).row["cpu_s"] for _ in range(2))
    assert first < again + 1.5  # 3 s are spent on making it


def test_what_is_noted_of_one_row_takes_no_place_of_another_rows():
    """Circuit beside other link models runs twice, under two admissions."""
    rows = [("circuit", "early_booking", 3), ("circuit", "work_conserving", 5), ("fair", "work_conserving", 7)]
    outcomes = [
        serving.Outcome(
            {"strategy": "allo", "link_model": model, "admission": admission},
            np.empty(0),
            facts={"tokens": {"dispatch_ps": ps}, "symptoms": ["copies thrash", f"forecasts miss: {ps} %"]},
        )
        for model, admission, ps in rows
    ]
    notes = notes_of_rows(outcomes)
    assert notes["tokens"] == {
        "allo (circuit, early_booking)": {"dispatch_ps": 3},
        "allo (circuit, work_conserving)": {"dispatch_ps": 5},
        "allo (fair)": {"dispatch_ps": 7},
    }
    assert notes["symptoms"] == {"allo": ["copies thrash", *(f"forecasts miss: {ps} %" for ps in (3, 5, 7))]}
    assert notes_of_rows([serving.Outcome({"strategy": "ep", "link_model": "fair"}, np.empty(0))]) == {}
