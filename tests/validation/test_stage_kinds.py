"""What do the case study's stage kinds say of measured kernels and copies? Times by hand, and rows of every sort."""

import math
from dataclasses import replace

import pytest

from chipweave.ledger import NotModelled, Question
from chipweave.validation.cases import stage_kinds
from chipweave.validation.characterise import stage_die
from chipweave.validation.suites import h100 as suite_h100

NS = 1000
ROW = Question("r", "p2p", "copy rate between two GPUs", "GB/s", "H100", "-", "2 GPUs", "B", "1e6", "predicted")


@pytest.mark.parametrize("tokens, share", [(1, "0.50"), (1024, "0.70"), (8192, "0.69")])
def test_an_expert_of_deepseek_v3_by_hand(tokens, share):
    """Lookup 110 ns, the first read 300 ns + bytes at 0.9 x 3.35 TB/s, then the slower of reads and GEMMs three times,
    to a ps or two."""
    read = 300 * NS + (7168 * 2048 + tokens * (7168 + 2048)) * 2 / (0.9 * 3.35)
    gemm = 2 * 7168 * 2048 * tokens / (float(share) * 989)
    expected = 110 * NS + read + gemm + 2 * max(read, gemm)
    found = stage_die.model("DeepSeek-V3")
    assert stage_die.gemm_ps(found, tokens, 7168, 2048, 3) == pytest.approx(expected, abs=8)


def test_a_copy_is_the_engines_start_two_hops_and_its_bytes():
    """2374.6 ns (uarch-0065), 2 x 250 ns, 1e9 B at 370.8 GB/s."""
    assert stage_die.copy_ps(10**9) == 2_374_600 + 500_000 + math.ceil(10**21 / 370_800_000_000)


def test_a_shape_takes_the_table_of_the_model_that_has_it():
    assert stage_die.model_of_shape(4096, 1536).name == "qwen3-235b" == stage_die.model_of_shape(1536, 4096).name
    assert stage_die.model_of_shape(65536, 8192).name == stage_die.ANY_SHAPE


def test_a_copy_may_be_asked_as_rate_or_time():
    answers = stage_kinds.p2p([ROW, replace(ROW, id="t", unit="us")])
    assert answers["r"] * answers["t"] == pytest.approx(1e6 / 1e3)


@pytest.mark.parametrize(
    "group, row",
    [
        ("p2p", replace(ROW, x_value="4 KB")),
        ("p2p", replace(ROW, x_value="0")),
        ("p2p", replace(ROW, unit="GB")),
        ("p2p", replace(ROW, x_name="kB")),
        ("expert_gemm", replace(ROW, quantity="time of one expert (3 GEMMs), GPT-5", x_name="tokens")),
        (
            "expert_gemm",
            replace(ROW, quantity="time of one expert (3 GEMMs), DeepSeek-V3", x_name="tokens", x_value="many"),
        ),
        ("stage_gemm", replace(ROW, conditions="bfloat16", x_name="M")),
        ("stage_gemm", replace(ROW, conditions="N=1 K=1", x_value="-1")),
    ],
)
def test_a_row_that_says_too_little_is_not_modelled(group, row):
    assert isinstance(getattr(stage_kinds, group)([row])["r"], NotModelled)


def test_the_second_view_has_a_row_for_each_bfloat16_row_and_is_never_scored():
    rows = suite_h100.references()
    asked = {q.id for q, _ in rows if q.group == "gemm" and q.conditions.startswith("bfloat16")}
    views = [q for q, _ in rows if q.group == "stage_gemm"]
    assert {q.id for q in views} == {f"stage_{i}" for i in asked} and {q.role for q in views} == {"context"}
    assert not [q for q, _ in suite_h100.references(suite_h100.REFERENCES) if q.group == "stage_gemm"]


def test_the_characterised_die_is_asked_for_the_same_rows():
    rows = suite_h100.references()
    ids = {
        group: {q.id for q, _ in rows if q.group == group}
        for group in ("stage_gemm", "stage_gemm_h100", "expert_gemm", "expert_gemm_h100")
    }
    assert ids["stage_gemm_h100"] == {i.replace("stage_", "stage_h100_") for i in ids["stage_gemm"]}
    assert ids["expert_gemm_h100"] == {f"h100_{i}" for i in ids["expert_gemm"]}
    odd = replace(ROW, group="stage_gemm", conditions="bfloat16 N=640 K=640", x_value="8", unit="us")
    assert isinstance(stage_kinds.stage_gemm_h100([odd])["r"], NotModelled)
    asked = replace(odd, conditions="bfloat16 N=2048 K=7168")
    assert stage_kinds.stage_gemm_h100([asked])["r"] != stage_kinds.stage_gemm([asked])["r"]
