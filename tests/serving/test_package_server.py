"""Servers of GPUs of several dies: are the kernels those of the package, is what it cannot multiply refused, do rows of
steps read as they are meant?"""

from dataclasses import replace

import pytest

from chipweave.errors import BadInput
from chipweave.kernel_models.nvlink_calls import own_all_reduce
from chipweave.ledger import NotModelled, Question
from chipweave.serving import models, schedule, setting, system
from chipweave.serving.package_kernels import PackageKernels, kernels_of
from chipweave.serving.setup import setup
from chipweave.serving.step import Batch
from chipweave.validation.cases.b200_step import layout, setup_of, token_seconds


def of(name="qwen3-235b", ways="tp=8", server="dgx_b200", formats="nvfp4,kv=fp8", **more):
    return setup(server, name, ways, formats, "trtllm", **more)


def test_a_package_serves_with_its_own_memory_links_and_kernels():
    made = of()
    assert isinstance(made.kernels, PackageKernels)
    server = made.kernels.server
    assert (server.gpus, server.memory_bytes, server.chip.sms) == (8, 2 * 90 << 30, 148)
    domain = server.package.domain
    assert made.kernels.all_reduce(1 << 16, 8) == own_all_reduce(domain, "trtllm", 8, 1 << 16)[0]
    assert kernels_of(system.load("gb200_nvl72"), "vllm").server.gpus == 72


@pytest.mark.parametrize("dp", ["tp=8", "dp=8,ep=8", "tp=4,dp=2,ep=8"])
def test_a_step_of_a_package_adds_up_and_grows_with_its_batch(dp):
    made = of(ways=dp)
    times = [made.seconds(Batch(count, 2000)) for count in (8, 64, 512)]
    assert times == sorted(times) and times[2] < 64 * times[0]
    assert made.step(Batch(64, 2000)).ns * 1e-9 == pytest.approx(times[1])


def test_four_bits_are_faster_than_eight_and_those_than_sixteen_and_one_die_refuses_them():
    four, eight, sixteen = (of(formats=form).seconds(Batch(0, 0, 1, 8192, 8192)) for form in ("nvfp4", "fp8", "bf16"))
    assert four < eight < sixteen
    with pytest.raises(BadInput, match="multiplies no nvfp4"):
        of(server="dgx_h100", ways="tp=8,ep=8")


def test_a_chunk_of_a_prompt_costs_less_than_all_of_it_and_more_than_none():
    made = of("llama-3.1-70b")
    whole, chunk, alone = (made.seconds(Batch(0, 0, 1, n, s)) for n, s in ((8192, 8192), (1024, 8192), (1024, 1024)))
    assert alone < chunk < whole / 4


def test_linear_layers_hold_one_state_a_sequence_whatever_its_context():
    model = models.load("qwen3.5-397b")
    assert (len(model.linear_layers), model.linear.state) == (45, 64 * 128 * 128)
    cached = [model.kv_values(context) for context in (1, 1001)]
    assert cached[1] - cached[0] == 15 * 1000 * 2 * 2 * 256
    assert cached[0] > 45 * model.linear.state
    made = of("qwen3.5-397b", formats="fp8_block,kv=fp8")
    times = {c: {p.work.layer: 0 for p in made.step(Batch(8, c)).parts} for c in (1000, 100000)}
    for context in times:
        for part in made.step(Batch(8, context)).parts:
            if part.work.name == "attention":
                times[context][part.work.layer] += part.work.ns
    assert times[1000][0] == times[100000][0]  # linear
    assert times[1000][3] < times[100000][3]  # every fourth sees all


def test_the_shared_expert_runs_beside_in_decode_alone():
    plan = schedule.load("shared_beside_decode")
    beside, plain = (of("deepseek-v3", plan=name) for name in ("shared_beside_decode", "plain"))
    assert beside.seconds(Batch(64, 2000)) < plain.seconds(Batch(64, 2000))
    prompt = Batch(0, 0, 1, 4096, 4096)
    assert beside.seconds(prompt) == plain.seconds(prompt)
    assert plan.of(plan.up_to).streams and not plan.of(plan.up_to + 1).streams


@pytest.mark.parametrize(
    ("row", "ran"),
    [
        ((8, 1, 8, 1), setting.Parallel(8, 1, 1)),
        ((8, 1, 1, 8), setting.Parallel(8, 8, 1)),
        ((1, 8, 1, 8), setting.Parallel(1, 8, 8)),
        ((64, 1, 8, 8), setting.Parallel(8, 8, 1)),
        ((1, 16, 4, 4), setting.Parallel(1, 4, 4)),
        ((4, 4, 1, 16), setting.Parallel(4, 4, 1)),
        ((1, 4, 4, 1), setting.Parallel(1, 1, 4)),
    ],
)
def test_ranks_that_a_row_multiplied_are_those_that_ran(row, ran):
    assert layout(*row) == ran


def question(x="32", device="B200 SXM", **words):
    said = {"model": "DeepSeek-R1", "framework": "trtllm 1.2", "isl": "1024", "osl": "1024", "gemm": "nvfp4"}
    said |= {"moe": "nvfp4", "tp": "8", "attention_dp": "1", "moe_tp": "8", "moe_ep": "1"} | words
    text = "; ".join(f"{key}={value}" for key, value in said.items())
    return Question("row", "b200_step", "time", "ms", device, "-", text, "concurrency", x, "predicted")


def test_a_row_of_decode_workers_waits_for_no_prompt():
    together, apart = token_seconds(question()), token_seconds(question(decode_workers="1"))
    halves = token_seconds(question(x="64", decode_workers="2"))
    assert apart == halves < together


def test_a_row_reads_its_formats_as_its_checkpoint_has_them():
    assert setup_of(question()).formats == setting.Precision("nvfp4", "nvfp4", "fp8")
    assert setup_of(question(gemm="fp8", moe="fp8")).formats == setting.Precision("fp8_block", "fp8_block", "fp8")
    assert setup_of(question(model="gpt-oss-120b")).formats == setting.Precision("bf16", "fp4", "fp8")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (question(model="a model"), "no description of the model"),
        (question(device="H100 SXM5"), "no description of the model"),
        (question(moe="int3"), "no format"),
        (question(tp="7"), "do not divide"),
        (question(framework="mine 1"), "no kernels of the framework"),
        (question(x="-1"), "concurrency"),
    ],
)
def test_a_row_that_does_not_say_what_ran_is_refused_in_words(row, words):
    answer = token_seconds(row)
    assert isinstance(answer, NotModelled) and words in answer.why


def test_a_system_of_packages_says_whose_figures_it_takes(tmp_path):
    for name, programs, words in (
        ("b200", "", "programs must say"),
        ("h100_sxm", "programs: b200", "takes no programs"),
    ):
        node = "dgx_b200" if name == "b200" else "dgx_h100"
        path = tmp_path / f"{name}.yaml"
        path.write_text(f"schema: chipweave.server/1\nname: mine\ndie: {name}\nnode: {node}\n{programs}\n")
        with pytest.raises(BadInput, match=words):
            system.load(str(path))
    path = tmp_path / "far.yaml"
    path.write_text("schema: chipweave.server/1\nname: mine\ndie: b200\nnode: dgx_b200\nprograms: b20\n")
    with pytest.raises(BadInput, match="b200"):
        system.load(str(path))


def test_kernels_of_a_package_ask_for_one():
    with pytest.raises(BadInput, match="no server of packages"):
        PackageKernels(replace(system.load("dgx_b200"), package=None), "vllm")
