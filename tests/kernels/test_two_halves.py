"""Two dies behind one address space: do look-ups, latency and instructions follow from structure alone?"""

import numpy as np
import pytest

from chipweave import topology
from chipweave.kernel_models import tensor_pipe
from chipweave.kernel_models.package import package_of
from chipweave.kernel_models.package_library import kept_bytes
from chipweave.kernel_models.two_halves import (
    far_cycles,
    latency_cycles,
    lookups,
    memory_cycles,
    random_misses,
)
from chipweave.ledger import Question, asking
from chipweave.validation.rows.blackwell import figures


@pytest.fixture(scope="module")
def b200():
    return package_of(topology.load("b200"))


def test_lookups_of_a_sector_follow_the_exact_rule():
    assert lookups(1.0, anywhere=False) == 1.5
    assert lookups(0.5, anywhere=True) == 1.375
    assert lookups(0.25, anywhere=True) == 1.234375
    assert lookups(1.0, anywhere=False, dies=1) == 1.0


def test_a_walk_that_fits_never_misses_and_one_far_beyond_always_does():
    assert random_misses(1.0, 1.0) == 0.0
    assert random_misses(2.0, 1.0) == pytest.approx(0.7968, abs=1e-4)
    assert random_misses(50.0, 1.0) == pytest.approx(1.0)


def test_the_latency_curve_has_the_plateaus_of_its_calibration_rows(b200):
    assert latency_cycles(b200, 1 << 16) == pytest.approx(39.64)
    assert latency_cycles(b200, 8 << 20) == pytest.approx(294.493)
    assert latency_cycles(b200, 1 << 40) == pytest.approx(859.3, abs=0.5)
    assert memory_cycles(b200) == pytest.approx(859.3, abs=0.5)


def test_a_far_line_costs_a_crossing_and_one_more_lookup(b200):
    assert far_cycles(b200) == pytest.approx(294.493 - 39.64 + 30, abs=0.01)


def test_the_second_half_of_l2_makes_a_step_of_its_own(b200):
    own, both = b200.die.l2, 2 * b200.die.l2
    between = latency_cycles(b200, both)
    assert latency_cycles(b200, own) < between < latency_cycles(b200, 8 * both) - 50


def test_an_instruction_takes_half_a_cycle_a_column_and_its_trips():
    tensor = topology.load("b200").of_kind("gpu.tensor_units")[0]
    slope = tensor_pipe.latency(tensor, 128, 256, True, False) - tensor_pipe.latency(tensor, 128, 128, True, False)
    assert slope == pytest.approx(64.0)
    assert tensor_pipe.mean_time(tensor, 128, 64, 1 << 20, True, False) == pytest.approx(48.0, abs=0.01)
    assert tensor_pipe.latency(tensor, 128, 64, False, False) == pytest.approx(32 + 3 * 35.9)


@pytest.mark.parametrize("name, units", [("gb200", 152), ("gb300", 152), ("b300", 148)])
def test_siblings_differ_in_figures_only(name, units):
    assert package_of(topology.load(name)).units == units


def test_a_walk_of_experts_costs_their_weights_once():
    from chipweave.kernel_models.package_kernels import Engine, moe_seconds

    e = Engine(units=100, memory=1e12, latency=1e-6, flops=1e15, exponentials=1e12)
    got = moe_seconds(e, np.array([1, 0, 1]), 100, 100, 1.0, 1e30, 5e-6)
    assert got == pytest.approx(5e-6 + 2 * (30000 + 1000) / 1e12)


@pytest.mark.slow
def test_the_figures_of_programs_are_those_that_their_calibration_rows_give():
    from importlib.resources import files

    from chipweave.validation.calibrate import b200 as calibration

    stated = files("chipweave") / "data" / "serving" / "packages" / "b200.yaml"
    assert calibration.text() == stated.read_text(encoding="utf-8")


def mainloop(tile, k, clock="<=1965 MHz", stages="2"):
    m, n, _ = tile.split("x")
    said = f"dtype=BF16; tile={tile}; m={m}; n={n}; k={k}"
    row = Question(
        "row", "b200_mainloop", "main loop", "TFLOPS", "B200 SXM", clock, said, "stages", stages, "predicted"
    )
    (answer,) = asking.answer("dies", [row]).values()
    return answer


def test_a_main_loop_waits_for_what_l2_did_not_keep_of_its_operands():
    fits, outgrows = mainloop("128x256x64", 32768), mainloop("128x256x64", 131072)
    assert outgrows < 0.95 * fits
    assert mainloop("64x64x64", 32768) == mainloop("64x64x64", 131072)  # both fit one half


def test_a_main_loop_runs_at_the_clock_its_row_states():
    assert mainloop("128x256x64", 1024, "1950 MHz") == pytest.approx(1.5 * mainloop("128x256x64", 1024, "1300 MHz"))
    assert mainloop("128x256x64", 1024) == mainloop("128x256x64", 1024, "1300 MHz")


def test_a_main_loop_that_states_no_stages_has_those_that_fit():
    assert mainloop("128x192x128", 1024, stages="0") == mainloop("128x192x128", 1024, stages="2")  # 80 KiB a stage
    assert mainloop("128x256x64", 1024, stages="0") == mainloop("128x256x64", 1024, stages="4")  # 48 KiB a stage


def attention(context, kernel="torch_flow", framework="trtllm 1.3.0rc20", kv="bfloat16", batch=4, what="decode"):
    said = f"framework={framework}; kernel={kernel}; dtype=bfloat16; kv={kv}; heads=64; kv_heads=8; head_dim=128"
    name = f"{what} attention kernel time"
    fields = (
        "row",
        "b200_attention_gqa",
        name,
        "us",
        "B200 SXM",
        "-",
        f"{said}; batch={batch}",
        "context",
        str(context),
    )
    (answer,) = asking.answer("dies", [Question(*fields, "predicted")]).values()
    return answer


def test_a_cache_that_fits_both_halves_is_read_from_them_again():
    fits, outgrows = (attention(tokens, batch=32) - attention(2, batch=32) for tokens in (512, 1024))  # 67 and 134 MB
    assert outgrows > 4 * fits
    assert kept_bytes(package_of(topology.load("b200"))) == pytest.approx(4 / 3 * 64768 * 1024)
    assert kept_bytes(package_of(topology.load("b200_one_die"))) == pytest.approx(129536 * 1024)


def test_few_heads_split_their_context_and_merge():
    split = figures()["gqa_split_s"] * 1e6
    alone, many = (attention(4096, batch=batch) - attention(2, batch=batch) for batch in (2, 32))
    assert alone == pytest.approx(split / 2 + 2 * 2 * 8 * 128 * 4096 * 2 / 1.69e13 * 1e6, rel=0.01)
    assert many > 0 and attention(2, batch=32) - attention(2, batch=2) < split


def test_tensorrts_attention_call_embeds_and_caches_before_its_kernel_and_others_call_the_kernel_alone():
    whole, bare = attention(2), attention(2, framework="vllm 0.25.0", kernel="vllm_flashinfer_trtllmapidecode")
    launch = figures()["gemm_floor_bf16_s"] * 1e6
    assert whole - bare == pytest.approx(launch)
    whole, bare = (attention(64, framework=name, what="prefill") for name in ("trtllm 1.3.0rc20", "vllm 0.25.0"))
    assert whole - bare == pytest.approx(2 * launch)


def test_what_a_framework_casts_and_widens_costs_launches_and_cycles():
    plain, eight = attention(2, framework="sglang 0.5.14"), attention(2, framework="sglang 0.5.14", kv="fp8")
    assert eight - plain == pytest.approx(3 * 1.78672, rel=0.01)  # three casts
    own = attention(16384, "flashinfer", "sglang 0.5.14", "fp8")
    values = 2 * 4 * 8 * 128 * 16384
    assert own - eight > values / (8 * 148 * 1965e6) * 1e6 - 2 * 1.78672  # eight values a cycle and SM


def test_own_kernels_of_flashinfer_multiply_in_the_type_of_the_query():
    own, called = (attention(8192, kernel, kv="fp8", what="prefill") for kernel in ("flashinfer", "torch_flow"))
    assert own == attention(8192, "flashinfer", what="prefill") > 1.2 * called
