"""One step of a model: does the critical path sum to its time, do parts add up, is what cannot be refused with
numbers?"""

import itertools
import json

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from chipweave.cli.step import command
from chipweave.errors import BadInput
from chipweave.serving import models, schedule, setting, system
from chipweave.serving.schedule import Work, play
from chipweave.serving.setup import setup
from chipweave.serving.step import Batch

PARAMETERS = {
    "deepseek-v3": 671.0,
    "deepseek-r1": 671.0,
    "kimi-k2": 1026.4,
    "qwen3-235b": 235.1,
    "qwen3.5-397b": 396.3,
    "qwen3-32b": 32.8,
    "gpt-oss-120b": 116.8,
    "minimax-m2.5": 228.7,
    "glm-5": 743.2,
    "llama-3.1-8b": 8.0,
    "llama-3.1-70b": 70.6,
    "llama4-maverick": 400.7,
}
"""Billions, as the model cards have them (DeepSeek-V3 671, Kimi K2 1,000, GLM-5 744, ...)."""


def of(name="qwen3-235b", ways="tp=8,ep=8", server="dgx_h100", plan="plain", batch=64, context=4096, **more):
    return setup(server, name, ways, plan=plan, batch=batch, context=context, **more)


@pytest.mark.parametrize(("name", "billions"), PARAMETERS.items())
def test_a_preset_has_the_weights_that_its_card_states(name, billions):
    assert models.load(name).weights / 1e9 == pytest.approx(billions, abs=0.06)


@pytest.mark.parametrize("plan", ["plain", "shared_beside", "two_batches"])
@pytest.mark.parametrize("ways", ["tp=8,ep=8", "dp=8,ep=8"])
def test_the_critical_path_sums_to_the_time_of_the_step(plan, ways):
    made = of("deepseek-v3", ways, "dgx_h200", plan, formats="fp8_block")
    step = made.step(Batch(64, 4096))
    assert step.ns == max(p.end for p in step.parts)
    assert all(0 <= p.start <= p.end for p in step.parts)


def test_stages_have_a_micro_batch_each_under_way():
    words = {"server": "dgx_h100_x4", "context": 1024}
    staged, alone = of("llama-3.1-70b", "tp=8,pp=4", **words), of("llama-3.1-70b", "tp=8", **words)
    step, micro = staged.step(Batch(62, 1024)), alone.step(Batch(16, 1024))
    hops = [p.end - p.start for p in step.parts if p.work.name == "stages"]
    assert len(hops) == 1 and step.ns == micro.ns + hops[0]
    assert staged.seconds(Batch(0, 0, 1, 512, 512)) > alone.seconds(Batch(0, 0, 1, 512, 512))


def test_a_sequence_alone_on_its_rank_is_not_divided_into_micro_batches():
    plain, halves = (
        of("deepseek-v3", "dp=8,ep=8", "dgx_h200", plan, formats="fp8_block") for plan in ("plain", "two_batches")
    )
    assert halves.step(Batch(3, 512)).ns == plain.step(Batch(3, 512)).ns
    assert {p.work.batch for p in halves.step(Batch(9, 512)).parts} == {0, 1}


def test_no_stream_runs_two_works_at_once():
    made = of("deepseek-v3", "dp=8,ep=8", "dgx_h200", "two_batches", formats="fp8_block")
    streams = {}
    for part in made.step(Batch(128, 2048)).parts:
        streams.setdefault(made.schedule.streams.get(part.work.name, "main"), []).append(part)
    assert set(streams) == {"main", "network"}
    for parts in streams.values():
        parts.sort(key=lambda p: p.start)
        assert all(a.end <= b.start for a, b in itertools.pairwise(parts))


def test_messages_beside_kernels_make_a_step_shorter_than_one_after_the_other():
    plain = of("deepseek-v3", "dp=32,ep=32", "dgx_h800_x4", formats="fp8_block", batch=128, balance="forced")
    halves = of(
        "deepseek-v3", "dp=32,ep=32", "dgx_h800_x4", "two_batches", formats="fp8_block", batch=128, balance="forced"
    )
    prompts = Batch(0, 0, 128, 4096, 4096)
    assert halves.step(prompts).ns < 0.9 * plain.step(prompts).ns


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.sampled_from(["dispatch", "experts", "gate", "shared", "combine"]), st.integers(1, 9)), max_size=12
    )
)
def test_any_chain_plays_in_the_sum_of_its_works_on_one_stream(works):
    chain = [Work("moe", name, i, ns) for i, (name, ns) in enumerate(works)]
    if chain:
        parts, critical = play([chain], schedule.load("plain"))
        assert sum(critical.values()) == sum(w.ns for w in chain) == parts[-1].end


@pytest.mark.parametrize(
    ("framework", "name", "ways", "fused"),
    [
        ("sglang", "deepseek-v3", "tp=8", True),
        ("vllm", "deepseek-v3", "tp=8", False),
        ("sglang", "deepseek-v3", "tp=8,ep=8", False),
        ("sglang", "deepseek-v3", "dp=8,ep=8", False),
    ],
)
def test_a_shared_expert_is_one_of_the_routed_ones_where_the_framework_has_it_so(framework, name, ways, fused):
    made = of(name, ways, "dgx_h200", formats="fp8_block", framework=framework, batch=64, context=512)
    parts = made.step(Batch(64, 512)).parts
    works = [p.work.name for p in parts]
    assert works.count("experts") == 58 and works.count("shared") == (0 if fused else 58)
    layout = made.layout
    call = (64, 8, 7168, 2048 // layout.moe_tp, 256, layout.ep, "fp8_block", 8, layout.dp > 1, int(fused))
    assert {p.end - p.start for p in parts if p.work.name == "experts"} == {round(made.kernels.moe(*call) * 1e9)}


def test_a_fused_shared_expert_costs_its_weights_and_tokens():
    kernels = of("deepseek-v3", "tp=8", "dgx_h200", formats="fp8_block", framework="sglang").kernels
    bare, more = (kernels.moe(64, 8, 7168, 256, 256, 1, "fp8_block", 8, False, shared) for shared in (0, 1))
    assert 0 < more - bare < 0.2 * bare


def test_the_faster_sum_of_a_step_is_the_step():
    made = of()
    assert made.seconds(Batch(16, 1000)) == pytest.approx(made.step(Batch(16, 1000)).ns * 1e-9)


def test_all_that_does_not_divide_is_told_at_once_with_numbers():
    with pytest.raises(BadInput) as caught:
        of(ways="tp=7,ep=3")
    text = str(caught.value)
    assert "64 heads" in text and "128 experts" in text and "4 KV heads" in text


@pytest.mark.parametrize(
    ("name", "ways", "batch", "context", "words"),
    [
        ("deepseek-v3", "tp=8,ep=8", 1, 128, "167.8 GB of weights on a GPU, of 80 GB usable 72.0 GB"),
        ("qwen3-235b", "tp=8,ep=8", 4096, 32768, "at most .* sequences"),
        ("qwen3-235b", "tp=8,ep=8", 1, 40961, "40961 tokens of context; qwen3-235b has 40960 positions"),
        ("qwen3-235b", "tp=16", 1, 1, "are 16 GPUs; dgx_h100 has 8"),
        ("llama-3.1-8b", "tp=2,ep=2", 1, 1, "has no experts"),
    ],
)
def test_what_cannot_be_is_refused_with_the_numbers(name, ways, batch, context, words):
    with pytest.raises(BadInput, match=words):
        of(name, ways, batch=batch, context=context)


def test_an_unknown_word_of_a_setting_names_the_nearest():
    with pytest.raises(BadInput, match="nearest: tp"):
        setting.parallel("tpp=8")
    with pytest.raises(BadInput, match="nearest: fp8"):
        setting.precision("fp9")


def test_a_model_of_a_users_own_config_has_its_shapes(tmp_path):
    file = tmp_path / "config.json"
    file.write_text(
        json.dumps(
            {
                "num_hidden_layers": 2,
                "hidden_size": 64,
                "num_attention_heads": 4,
                "vocab_size": 10,
                "intermediate_size": 128,
            }
        )
    )
    model = models.load(str(file))
    assert model.weights == 2 * (4 * 64 * 64 + 3 * 64 * 128) + 2 * 10 * 64
    file.write_text(json.dumps({"hidden_size": "wide"}))
    models.load.cache_clear()
    with pytest.raises(BadInput, match="lacks num_hidden_layers"):
        models.load(str(file))


def test_a_server_of_a_users_own_file_is_checked(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("schema: chipweave.server/1\nname: mine\ndie: h200\nnode: dgx_h100\nnodes: 2\n")
    assert system.load(str(file)).gpus == 16
    file.write_text("schema: chipweave.server/1\nname: mine\ndie: dgx_h100\nnode: dgx_h100\nnodes: 0\n")
    system.load.cache_clear()
    with pytest.raises(BadInput, match="nodes cannot be"):
        system.load(str(file))


def test_a_schedule_that_waits_for_what_comes_later_is_refused(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("schema: chipweave.schedule/1\nname: mine\nafter: {gate: [combine]}\nstreams: {dispach: side}\n")
    with pytest.raises(BadInput) as caught:
        schedule.load(str(file))
    assert "nearest: dispatch" in str(caught.value) and "cannot wait for combine" in str(caught.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("streams: [gate]", "streams must be a mapping"),
        ("streams: {gate: [side]}", "gate must be a text"),
        ("after: {shared: gate}", "shared must be a list"),
        ("after: {shared: [[gate]]}", "shared must be a list"),
        ("after: [shared]", "after must be a mapping"),
        ("micro_batches: true", "micro_batches cannot be"),
        ("micro_batches: 3", "micro_batches cannot be"),
        ("micro_batches: 2.0", "micro_batches cannot be"),
    ],
)
def test_a_schedule_of_another_shape_is_refused_with_its_place(tmp_path, line, said):
    file = tmp_path / "mine.yaml"
    file.write_text(f"schema: chipweave.schedule/1\nname: mine\n{line}\n")
    with pytest.raises(BadInput, match=f"mine.yaml:3:.*{said}"):
        schedule.load(str(file))


def test_a_node_without_nvlink_is_refused_with_its_place(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("schema: chipweave.server/1\nname: mine\ndie: h200\nnode: mesh_4x4\n")
    with pytest.raises(BadInput, match="mine.yaml:4:7.*node mesh_4x4 has no network nvlink"):
        system.load(str(file))


def test_a_config_with_nothing_of_something_is_refused(tmp_path):
    file = tmp_path / "config.json"
    keys = ("num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size", "num_key_value_heads")
    config = dict.fromkeys(keys, 4) | {"intermediate_size": 8}
    for key in keys:
        file.write_text(json.dumps(config | {key: 0}))
        models.load.cache_clear()
        with pytest.raises(BadInput, match=f"{key} cannot be 0"):
            models.load(str(file))
    file.write_text(json.dumps(config | {"num_experts": 8, "num_experts_per_tok": 9, "moe_intermediate_size": 4}))
    models.load.cache_clear()
    with pytest.raises(BadInput, match="9 experts a token of 8"):
        models.load(str(file))


@pytest.mark.slow
def test_the_command_writes_json_that_sums_and_a_picture(tmp_path):
    picture = tmp_path / "step.svg"
    words = [
        "dgx_h100",
        "--model",
        "llama-3.1-8b",
        "--batch",
        "8",
        "--context",
        "512",
        "--json",
        "-",
        "--picture",
        str(picture),
    ]
    done = CliRunner().invoke(command, words)
    document = json.loads(done.output)
    assert document["schema"] == "chipweave.step/1"
    assert sum(document["critical"].values()) == document["time_ns"] == max(p["end_ns"] for p in document["parts"])
    assert picture.stat().st_size > 1000
