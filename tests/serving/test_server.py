"""A server: are all requests answered, are times those of the steps, does the cache hold, are policies swapped and
wrong runs refused?"""

import csv
import json
import statistics
from itertools import pairwise

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from chipweave.cli.serve import command
from chipweave.errors import BadInput
from chipweave.run import metrics
from chipweave.serving import serve
from chipweave.serving.lookup import MOST_ERROR
from chipweave.serving.policies import Request, View, fill
from chipweave.serving.setup import setup
from chipweave.serving.steady import closed_loop

BASE = {
    "schema": "chipweave.serve_run/1",
    "system": "dgx_h100",
    "model": "llama-3.1-8b",
    "framework": "vllm",
    "requests": {"count": 40, "arrivals": {"closed_loop": 8}, "prompt": {"constant": 256}, "output": {"constant": 32}},
}


def played(tmp_path, **changes):
    file = tmp_path / "run.yaml"
    file.write_text(yaml.safe_dump({**BASE, **changes}))
    return serve.play(serve.read(str(file)))


def test_one_request_alone_takes_its_prompt_and_then_a_step_a_token(tmp_path):
    requests = {"count": 1, "arrivals": {"closed_loop": 1}, "prompt": {"constant": 512}, "output": {"constant": 9}}
    result = played(tmp_path, requests=requests)
    made = setup("dgx_h100", "llama-3.1-8b")
    from chipweave.serving.step import Batch

    assert result["ttft_ms"]["mean"] == pytest.approx(made.seconds(Batch(0, 0, 1, 512, 512)) * 1e3)
    steps = [made.seconds(Batch(1, 528)) for _ in range(8)]
    assert result["tpot_ms"]["mean"] == pytest.approx(sum(steps) / 8 * 1e3, rel=0.01)
    assert result["queue_ms"]["mean"] == 0


def test_every_request_is_answered_whatever_the_policy(tmp_path):
    for batching in ("chunked", "prefill_first", "inflight"):
        result = played(tmp_path, server={"batching": batching})
        assert result["requests"] == 40
        assert result["output_tokens_per_s"] * result["seconds"] == pytest.approx(40 * 32)


def test_a_closed_loop_costs_what_its_closed_form_says(tmp_path):
    requests = {
        "count": 120,
        "arrivals": {"closed_loop": 16},
        "prompt": {"uniform": [820, 1024]},
        "output": {"uniform": [205, 256]},
    }
    result = played(tmp_path, model="qwen3-32b", parallel="tp=4", requests=requests)
    form = closed_loop(setup("dgx_h100", "qwen3-32b", "tp=4"), 16, 922, 230)
    assert result["tpot_ms"]["mean"] == pytest.approx(form.token * 1e3, rel=0.08)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("framework", "ways", "concurrency", "prompt", "output"),
    [
        ("trtllm", "tp=8,ep=8", 32, 128, 128),
        ("trtllm", "tp=8,ep=8", 16, 1024, 64),
        ("vllm", "tp=2,dp=4,ep=8", 32, 512, 128),
    ],
)
def test_prompts_beside_a_decode_step_cost_what_its_closed_form_says(
    tmp_path, framework, ways, concurrency, prompt, output
):
    requests = {
        "count": 6 * concurrency,
        "arrivals": {"closed_loop": concurrency},
        "prompt": {"uniform": [prompt * 9 // 10, prompt * 11 // 10]},
        "output": {"uniform": [output * 6 // 10, output * 14 // 10]},
    }
    words = {"model": "qwen3-235b", "parallel": ways, "precision": "fp8_block", "framework": framework}
    played_out = played(tmp_path, requests=requests, **words)
    made = setup("dgx_h100", "qwen3-235b", ways, "fp8_block", framework)
    form = closed_loop(made, concurrency, prompt, output)
    assert played_out["tpot_ms"]["mean"] == pytest.approx(form.token * 1e3, rel=0.08)
    if made.layout.dp == 1:
        assert form.token < 0.97 * (form.decode + (concurrency - 1) / output * form.prefill)


def test_a_full_cache_makes_requests_give_way_and_they_are_answered_all_the_same(tmp_path):
    requests = {"count": 30, "arrivals": {"closed_loop": 25}, "prompt": {"constant": 1500}, "output": {"constant": 700}}
    for preemption in ("newest", "longest"):
        result = played(tmp_path, model="qwen3-32b", requests=requests, server={"preemption": preemption})
        engine = result["engines"][0]
        assert engine["preemptions"] > 0
        assert engine["kv_blocks_peak"] <= engine["kv_blocks"]


def test_a_request_that_the_cache_can_never_hold_is_refused_with_the_numbers(tmp_path):
    requests = {"count": 1, "arrivals": {"closed_loop": 1}, "prompt": {"constant": 40000}, "output": {"constant": 9}}
    with pytest.raises(BadInput, match="KV beyond memory: 1 sequences of 40009 tokens"):
        played(tmp_path, model="qwen3-32b", requests=requests)


def test_prefill_apart_leaves_decode_steps_alone(tmp_path):
    requests = {"count": 60, "arrivals": {"poisson": 20.0}, "prompt": {"constant": 2000}, "output": {"constant": 50}}
    together = played(tmp_path, requests=requests)
    apart = played(tmp_path, requests=requests, prefill={"parallel": "tp=1"})
    assert [e["does"] for e in apart["engines"]] == ["prefill", "decode"]
    assert apart["itl_ms"]["p99"] < 0.5 * together["itl_ms"]["p99"]


@pytest.mark.slow
def test_reuse_of_step_times_stays_within_its_bound(tmp_path):
    requests = {
        "count": 300,
        "arrivals": {"poisson": 30.0},
        "prompt": {"lognormal": [200, 1.0]},
        "output": {"lognormal": [60, 0.8]},
    }
    engine = played(tmp_path, requests=requests)["engines"][0]
    assert engine["step_shapes_reused"] > engine["step_shapes_computed"]
    assert engine["largest_error_of_reuse"] <= MOST_ERROR


@pytest.mark.slow
def test_the_same_seed_gives_the_same_result_and_another_one_another(tmp_path):
    requests = {
        "count": 30,
        "arrivals": {"poisson": 20.0},
        "prompt": {"uniform": [10, 400]},
        "output": {"uniform": [2, 60]},
    }
    first, again, other = (played(tmp_path, requests=requests, seed=s) for s in (3, 3, 4))
    assert first == again != other


def test_arrivals_and_lengths_come_from_files(tmp_path):
    (tmp_path / "load.csv").write_text("arrival_s,prompt,output\n0.0,100,4\n5.0,200,4\n")
    requests = {
        "count": 2,
        "arrivals": {"file": "load.csv"},
        "prompt": {"file": "load.csv"},
        "output": {"file": "load.csv"},
    }
    assert played(tmp_path, requests=requests)["seconds"] > 5
    with pytest.raises(BadInput, match="2 usable values of prompt for 3 requests"):
        played(tmp_path, requests={**requests, "count": 3})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("arrival_s,prompt,output\n0.0,100,4\n5.0,200\n", "load.csv:3: fewer cells than columns"),
        ("arrival_s,prompt,output\n0,5,100,4\n5,200,4\n", "load.csv:2: more cells than columns"),
        ("arrival_s,prompt,output,output\n0,100,4,4\n5,200,4,4\n", "load.csv:1: columns there more than once: output"),
        ("arrival_s,prompt,output\n0,100,4\nnan,200,4\n", "load.csv:3: arrival_s is 'nan'"),
        ("arrival_s,prompt,output\n0,100,4\n5,2_00,4\n", "load.csv:3: prompt is '2_00'"),
        ("arrival_s,prompt,output\n5.0,100,4\n0.0,200,4\n", "arrival_s of line 3 is before that of line 2"),
    ],
)
def test_a_file_of_requests_that_is_short_or_out_of_order_is_refused(tmp_path, text, said):
    (tmp_path / "load.csv").write_text(text)
    ways = {"arrivals": {"file": "load.csv"}, "prompt": {"file": "load.csv"}, "output": {"file": "load.csv"}}
    with pytest.raises(BadInput, match=said):
        played(tmp_path, requests={"count": 2, **ways})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parallel": {"tp": 4}}, "run.yaml:.*parallel must be a text"),
        ({"precision": ["fp8"]}, "run.yaml:.*precision must be a text"),
        ({"prefill": {"parallel": {"tp": 4}}}, "run.yaml:.*parallel must be a text"),
    ],
)
def test_what_must_be_a_text_is_not_passed_over_where_it_is_none(tmp_path, changes, said):
    with pytest.raises(BadInput, match=said):
        played(tmp_path, **changes)


def test_a_policy_that_names_nobody_who_runs_is_refused(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from chipweave.serving.policies import PreemptionPolicy, Request\n\n\n"
        "class Nobody(PreemptionPolicy):\n    def victim(self, running):\n        return Request(-1, 0.0, 1, 1)\n"
    )
    requests = {"count": 30, "arrivals": {"closed_loop": 25}, "prompt": {"constant": 1500}, "output": {"constant": 700}}
    file = tmp_path / "run.yaml"
    server = {"preemption": "./mine.py:Nobody"}
    file.write_text(yaml.safe_dump({**BASE, "model": "qwen3-32b", "requests": requests, "server": server}))
    with pytest.raises(BadInput, match="gives way and does not run"):
        serve.play(serve.read(str(file), allow_code=True))


@pytest.mark.parametrize("wrong", [["batching"], "chunked"])
def test_a_server_that_is_no_mapping_is_refused(tmp_path, wrong):
    with pytest.raises(BadInput, match="server must be a mapping"):
        played(tmp_path, server=wrong)


@given(
    st.lists(st.integers(1, 900), min_size=1, max_size=12),
    st.integers(1, 2000),
    st.integers(0, 4000),
    st.booleans(),
)
@settings(max_examples=60)
def test_prompts_of_a_step_keep_its_tokens_the_cache_and_their_order(lengths, tokens, room, whole):
    waiting = [Request(i, 0.0, n, 4, prefill=n) for i, n in enumerate(lengths)]
    chosen = fill(View([], [], waiting, room, tokens, 8), tokens, whole)
    assert sum(n for _, n in chosen) <= tokens and len(chosen) <= 8
    assert sum(r.prefill + 1 for r, _ in chosen) <= max(room, 0) or not chosen
    assert all(a.number + 1 == b.number for (a, _), (b, _) in pairwise(chosen))


def test_all_faults_of_a_run_are_told_at_once(tmp_path):
    file = tmp_path / "run.yaml"
    file.write_text(
        "schema: chipweave.serve_run/1\nsystem: dgx_h100\nmodel: llama-3.1-8b\n"
        "requests: {count: none, arrivals: {closd_loop: 4}, prompt: {constant: 9}, output: {uniform: [9, 3]}}\n"
        "server: {batching: chunkd, runing: 3}\n"
    )
    with pytest.raises(BadInput) as caught:
        serve.read(str(file))
    text = str(caught.value)
    assert "count cannot be" in text and "nearest: running" in text and "nearest: chunked" in text


@pytest.mark.parametrize(
    "part", [{"arrivals": {"closed_loop": 2.5}}, {"prompt": {"constant": 9.5}}, {"output": {"uniform": [1, 3.5]}}]
)
def test_a_part_of_a_token_or_request_is_refused_not_cut_off(tmp_path, part):
    file = tmp_path / "run.yaml"
    file.write_text(yaml.safe_dump({**BASE, "requests": {**BASE["requests"], **part}}))
    with pytest.raises(BadInput, match="run.yaml:.*cannot be .*[.]5.; allowed: a whole number from 1 to"):
        serve.read(str(file))


def test_a_policy_of_a_users_own_file_is_let_in_only_when_allowed(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from chipweave.serving.policies import BatchingPolicy, Plan, fill\n\n\n"
        "class OneByOne(BatchingPolicy):\n    def plan(self, view):\n"
        "        return Plan(True, fill(view, view.most_tokens - len(view.running))[:1])\n"
    )
    file = tmp_path / "run.yaml"
    file.write_text(yaml.safe_dump({**BASE, "server": {"batching": "./mine.py:OneByOne"}}))
    with pytest.raises(BadInput, match="allow-code"):
        serve.read(str(file))
    assert serve.play(serve.read(str(file), allow_code=True))["requests"] == 40


def test_the_command_writes_the_documented_json(tmp_path):
    file = tmp_path / "run.yaml"
    file.write_text(yaml.safe_dump(BASE))
    done = CliRunner().invoke(command, [str(file), "--json", "-"])
    document = json.loads(done.output)
    assert document["schema"] == "chipweave.serve/1"
    for key in ("ttft_ms", "tpot_ms", "itl_ms"):
        assert set(document[key]) == {"mean", "p50", "p99"}
    assert document["output_tokens_per_s_per_gpu"] == pytest.approx(document["output_tokens_per_s"])


@pytest.mark.slow
def test_every_request_is_a_line_whose_times_are_those_of_the_document(tmp_path):
    file, table, picture = tmp_path / "run.yaml", tmp_path / "requests.csv", tmp_path / "queue.svg"
    file.write_text(yaml.safe_dump(BASE))
    out = tmp_path / "out.json"
    words = [str(file), "--json", str(out), "--requests", str(table), "--picture", str(picture)]
    done = CliRunner().invoke(command, words)
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader(table.open()))
    said = json.loads(out.read_text())
    assert [int(r["request"]) for r in rows] == list(range(40))
    for name in ("queue_ms", "ttft_ms", "tpot_ms"):
        assert statistics.fmean(float(r[name]) for r in rows) == pytest.approx(said[name]["mean"], abs=1e-5)
    assert all(
        float(r["arrived_ms"]) <= float(r["began_ms"]) < float(r["first_ms"]) < float(r["last_ms"]) for r in rows
    )
    assert picture.read_text().startswith("<?xml")
    table.write_text("mine\n")
    refused = CliRunner().invoke(command, [str(file), "--requests", str(table)], standalone_mode=False)
    assert "no table of served requests" in str(refused.exception) and table.read_text() == "mine\n"


def test_a_prefill_engine_counts_the_blocks_its_prompts_hold(tmp_path):
    requests = {"count": 4, "arrivals": {"closed_loop": 1}, "prompt": {"constant": 160}, "output": {"constant": 4}}
    result = played(tmp_path, requests=requests, prefill={"parallel": "tp=1"})
    assert [e["kv_blocks_peak"] for e in result["engines"]] == [11, 11]


def test_prefill_apart_where_no_link_leads_is_refused(tmp_path):
    words = {"system": "wafer_5x5", "model": "deepseek-v3", "precision": "fp8_block", "prefill": {}}
    with pytest.raises(BadInput, match="no link leads from wafer_5x5 to wafer_5x5"):
        played(tmp_path, **words)


def test_every_figure_of_a_served_run_is_in_the_dictionary(tmp_path):
    result = played(tmp_path)
    named = {figure.name for figure in metrics.OF_A_SERVER}
    said = {*result, *(key for engine in result["engines"] for key in engine)}
    assert said - named == {"schema", "requests", "gpus", "engines", "composed", "does", "run", "inherited"}
    assert named - said == {"simulated"}
