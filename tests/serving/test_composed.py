"""A step on a composed system: is what its experts and tokens take what `chipweave compare` says of the same wafer, and
what cannot be refused?"""

import json

import pytest
from click.testing import CliRunner

import chipweave as cw
from chipweave.cli.serve import command as serve_command
from chipweave.cli.step import command
from chipweave.errors import BadInput
from chipweave.serving import composed, models, setting, system
from chipweave.serving.composed import Choice, Composed
from chipweave.serving.setup import setup
from chipweave.serving.step import Batch

LAYERS = 4
SMALL = {
    "model_type": "qwen3_moe",
    "num_hidden_layers": LAYERS,
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
"""Qwen3-30B, four of its layers."""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    file = tmp_path_factory.mktemp("small") / "config.json"
    file.write_text(json.dumps(SMALL))
    return str(file)


def on(model, wafer="wafer_5x5", strategy="ep", link_model="fair", preset="physical", **more):
    words = {"formats": "fp8_block", "framework": "deepseek", "batch": 64, "context": 512, **more}
    return setup(wafer, model, choice=Choice(strategy, link_model, preset), **words)


def kinds(step):
    return {kind: step.critical.get(kind, 0) for kind in ("dispatch", "moe", "combine")}


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["physical", "artifact"])
def test_experts_and_tokens_take_what_compare_says_of_the_same_wafer(small, preset):
    made = on(small, "wafer_5x5", "base", "circuit", preset, formats="bf16")
    layers = made.kernels.composed.of(64)
    run = cw.simulate(
        "wafer_5x5",
        model=small,
        trace=str(made.kernels.composed.trace.path),
        batch=64,
        steps=composed.STEPS,
        strategy="base",
        link_model="circuit",
        preset=preset,
        sets=("cp.tokens=moved",),
    )
    assert len(layers) == LAYERS
    assert sum(map(sum, layers)) * (composed.STEPS - 1) == pytest.approx(run.time_ns * 1e-9, abs=1e-9)


def test_every_layer_of_a_step_has_its_own_simulated_time_and_launches_beside_it(small):
    made = on(small)
    step = made.step(Batch(64, 512))
    layers = made.kernels.composed.of(64)
    experts = [p.end - p.start for p in step.parts if p.work.name == "experts"]
    launches = {round(ns - t.experts * 1e9) for ns, t in zip(experts, layers, strict=True)}
    assert max(launches) - min(launches) <= 1 and min(launches) > 0
    assert len(set(experts)) > 1
    assert step.ns == sum(step.critical.values())


@pytest.mark.slow
def test_a_link_model_and_a_strategy_change_what_links_carry_and_nothing_else(small):
    ways = ({}, {"link_model": "circuit"}, {"strategy": "base"})
    fair, circuit, base = (on(small, **words).step(Batch(64, 512)) for words in ways)
    assert circuit.critical["dispatch"] > fair.critical["dispatch"]
    assert base.critical["moe"] > 1.3 * fair.critical["moe"]
    rest = [{k: v for k, v in s.critical.items() if k not in kinds(s)} for s in (fair, circuit, base)]
    assert rest[0] == rest[1] == rest[2]


def test_the_fast_sum_of_a_simulated_step_is_the_step(small):
    made = on(small)
    assert made.seconds(Batch(64, 512)) == pytest.approx(made.step(Batch(64, 512)).ns * 1e-9, rel=1e-9)


@pytest.mark.slow
def test_between_two_simulated_sizes_an_answer_is_within_a_per_cent(small):
    made = on(small, strategy="allo").kernels.composed
    for tokens in (70, 300):
        near, fresh = made.near(tokens), on(small, strategy="allo").kernels.composed.of(tokens)
        assert sum(map(sum, near)) == pytest.approx(sum(map(sum, fresh)), rel=2 * composed.MOST_ERROR)
    assert 0 < made.largest_error <= composed.MOST_ERROR


def test_a_middle_that_is_off_is_taken_in_place_of_the_ends(small, monkeypatch):
    made = on(small).kernels.composed
    time = lambda n: (composed.Times(0.0, 1.0 + 9.0 * (n > 70), 0.0),)  # noqa: E731
    monkeypatch.setattr(Composed, "_simulated", lambda self, n: time(n))
    assert [made.near(n) for n in (65, 70, 71, 127)] == [time(n) for n in (65, 70, 71, 127)]


def test_attention_and_cache_leave_copies_no_room():
    words = ("wafer_5x5", models.load("deepseek-v3"), "deepseek-v3", "fp8", "1979 TFLOPS", Choice("pred"))
    free, held = (Composed(*words, held=h)._sets() for h in (0, 40e9))
    assert [next(s for s in sets if "capacity" in s) for sets in (free, held)] == [
        "die.hbm.capacity=80000000000 B",
        "die.hbm.capacity=35555555556 B",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"ways": "tp=5,dp=5"}, "tp=5, pp=1 on wafer_5x5"),
        ({"ways": "dp=8"}, "dp=25, its dies that compute"),
        ({"ways": "ep=5"}, "ep=5 on wafer_5x5"),
        ({"strategy": "epp", "link_model": "faire"}, "nearest: ep\n.*nearest: fair"),
        ({"balance": "forced"}, "where tokens are routed one by one"),
        ({"model": "gpt-oss-120b", "formats": "bf16"}, "no sizes of gpt-oss-120b"),
        ({"model": "llama-3.1-8b", "formats": "bf16"}, "has no experts"),
        ({"balance": "trace:qwen-syn"}, "a trace of another model"),
        ({"context": 1 << 17}, "at most .* sequences"),
        ({"formats": "bf16"}, "90.4 GB of weights"),
    ],
)
def test_what_a_composed_system_cannot_do_is_refused_with_the_cure(words, said):
    with pytest.raises(BadInput, match=f"(?s){said}"):
        on(**{"model": "deepseek-v3", **words}).step(Batch(64, 512))


def test_a_strategy_where_nothing_is_composed_is_refused():
    with pytest.raises(BadInput, match="of composed systems"):
        setup("dgx_h200", "deepseek-v3", "tp=8,ep=8", "fp8_block", choice=Choice("allo"))


SERVER = "schema: chipweave.server/1\nname: mine\ndie: h100_sxm\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("composed: wafer_5x5\nnode: dgx_h100\n", "node beside composed"),
        ("composed: wafer_5x5\nfp8_peak: 3 GB/s\n", "mine.yaml:5"),
        ("node: dgx_h100\nfp8_peak: 2 PFLOPS\n", "fp8_peak without composed"),
        ("composed: h100_sxm\n", "states compute|joins its dies"),
        ("", "a server says node or composed"),
    ],
)
def test_a_server_file_that_contradicts_itself_is_refused(tmp_path, text, said):
    file = tmp_path / "mine.yaml"
    file.write_text(SERVER + text)
    with pytest.raises(BadInput, match=said):
        system.load(str(file))


OWN = """schema: chipweave.topology/1
extends: wafer
name: mine
parts: {die: {grid: [2, 2]}}
assemblies: {die: {parts: {hbm: {capacity: 400 GB, bandwidth: 5 TB/s}}}}
"""


def test_a_users_own_wafer_beside_its_server_file_serves(small, tmp_path):
    (tmp_path / "own.yaml").write_text(OWN)
    file = tmp_path / "mine.yaml"
    file.write_text(SERVER + "composed: own.yaml\nfp8_peak: 1979 TFLOPS\n")
    server = system.load(str(file))
    assert (server.gpus, server.memory_bytes, server.chip.dram_bytes_per_s) == (4, 400 * 10**9, 5e12)
    made = on(small, str(file))
    assert made.layout == setting.Parallel(1, 4, 4) and made.step(Batch(64, 512)).ns > 0


RUN = """schema: chipweave.serve_run/1
system: wafer_5x5
model: {}
precision: fp8_block
strategy: allo
requests: {{count: 8, arrivals: {{closed_loop: 8}}, prompt: {{constant: 32}}, output: {{constant: 4}}}}
"""


@pytest.mark.slow
def test_the_commands_say_what_was_simulated_and_under_what(small, tmp_path):
    out = str(tmp_path / "step.json")
    words = ["wafer_5x5", "--model", small, "--batch", "64", "--context", "512", "--precision", "fp8_block"]
    done = CliRunner().invoke(command, [*words, "--strategy", "allo", "--link-model", "circuit", "--json", out])
    assert done.exit_code == 0, done.output
    said = json.loads((tmp_path / "step.json").read_text())["composed"]
    assert {k: said[k] for k in ("strategy", "link_model", "admission", "preset", "simulated")} == {
        "strategy": "allo",
        "link_model": "circuit",
        "admission": "work_conserving",
        "preset": "physical",
        "simulated": 1,
    }
    run = tmp_path / "run.yaml"
    run.write_text(RUN.format(small))
    done = CliRunner().invoke(serve_command, [str(run), "--json", str(tmp_path / "serve.json")])
    assert done.exit_code == 0 and "simulated on wafer_5x5, allo, links fair" in done.output
    found = json.loads((tmp_path / "serve.json").read_text())
    assert found["composed"][0]["simulated"] >= 2 and found["gpus"] == 25


def test_a_batch_whose_trace_ends_is_refused(small):
    made = on(small).kernels.composed
    with pytest.raises(BadInput, match="makes 100 choices of experts, not 64 x 8"):
        made._check_tokens(100, 64)


def test_joules_of_simulated_experts_are_refused_with_where_they_are_had(small):
    words = ["wafer_5x5", "--model", small, "--batch", "25", "--context", "128", "--energy"]
    with pytest.raises(BadInput, match="chipweave compare --topology wafer_5x5 --energy"):
        CliRunner().invoke(command, words, catch_exceptions=False)
