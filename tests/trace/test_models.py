"""Do the presets give the sizes that are published, and does a file with faults name them all?"""

from fractions import Fraction

import pytest

from chipweave.errors import BadInput
from chipweave.trace import models

SIZES = {  # MoE layers, experts, top-k, bytes of an expert, of all routed experts (TB)
    "deepseek-v3": (58, 256, 8, 88_080_384, 1.308),
    "kimi-k2": (60, 384, 8, 88_080_384, 2.029),
    "qwen3-235b": (94, 128, 8, 37_748_736, 0.454),
    "llama4-maverick": (24, 128, 1, 251_658_240, 0.773),
    "deepseek-v2-lite": (26, 64, 6, 17_301_504, 0.029),
    "qwen3-30b-a3b": (48, 128, 8, 9_437_184, 0.058),
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes_are_the_published_ones(name):
    model = models.load(name)
    assert (len(model.moe_layers), model.experts, model.top_k, model.expert_bytes) == SIZES[name][:4]
    assert model.routed_bytes / 1e12 == pytest.approx(SIZES[name][4], abs=5e-4)
    assert models.names() == sorted(SIZES)


def test_every_number_says_where_it_is_from():
    for name in models.names():
        assert set(models.load(name).sources) == set(models.KEYS) - {"schema", "name", "title"}


@pytest.mark.parametrize(
    "name, tokens, share",
    [
        ("deepseek-v3", 128, "0.50"),
        ("deepseek-v3", 129, "0.53"),
        ("kimi-k2", 1024, "0.70"),
        ("kimi-k2", 1025, "0.69"),
        ("qwen3-235b", 257, "0.70"),
        ("qwen3-235b", 4096, "0.71"),
        ("qwen3-235b", 4097, "0.70"),
        ("llama4-maverick", 256, "0.65"),
        ("llama4-maverick", 512, "0.72"),
    ],
)
def test_utilisation_steps_where_the_table_says(name, tokens, share):
    assert models.load(name).utilisation_at(tokens) == Fraction(share)


def test_llama_layers_are_the_odd_ones():
    assert models.load("llama4-maverick").moe_layers == tuple(range(1, 48, 2))


def test_kimi_does_not_fit_80_gb_dies_in_bf16_and_the_fault_says_what_would():
    fit = models.load("kimi-k2").fit(25, 80 * 10**9, Fraction(9, 10))
    assert not fit and fit.needed_bytes == 16 * 60 * 88_080_384 and fit.overflow_bytes == fit.needed_bytes - 72 * 10**9
    assert "84.6 GB" in str(fit.fault()) and "FP8, FP4 on these dies, or at least 30 dies" in str(fit.fault())
    assert models.load("kimi-k2").fit(30, 80 * 10**9, Fraction(9, 10))
    assert not models.load("kimi-k2").fit(29, 80 * 10**9, Fraction(9, 10))


def test_what_fits_says_how_much_is_free_for_copies():
    fit = models.load("deepseek-v3").fit(25, 80 * 10**9, Fraction(9, 10))
    assert fit and fit.free_bytes == 72 * 10**9 - 11 * 58 * 88_080_384
    assert models.load("deepseek-v3").fit(25, 10**9).dies == 0  # not one expert of each layer fits a die


def test_a_model_file_with_faults_names_them_all(tmp_path):
    text = (models.FOLDER / "qwen3-235b.yaml").read_text()
    for old, new in (
        ("value: 128,", "value: -3,"),
        ("last: 93", "last: 94"),
        ("0.9,", "1.9,"),
        ("tokens: any", "tokens: 9000"),
        ("model/1", "model/7"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    (tmp_path / "m.yaml").write_text(text)
    with pytest.raises(BadInput) as caught:
        models.load(tmp_path / "m.yaml")
    assert len(caught.value.faults) == 6 and all(
        fault.place.line for fault in caught.value.faults
    )  # -3 experts also spoils top_k


def test_unknown_models_and_keys_get_the_nearest_name(tmp_path):
    with pytest.raises(BadInput, match="unknown model 'deepseek-v4'; allowed: .*; nearest: deepseek-v"):
        models.load("deepseek-v4")
    (tmp_path / "m.yaml").write_text((models.FOLDER / "kimi-k2.yaml").read_text().replace("top_k:", "topk:"))
    with pytest.raises(BadInput, match="unknown key 'topk'.*nearest: top_k\n.*lacks 'top_k'"):
        models.load(tmp_path / "m.yaml")
