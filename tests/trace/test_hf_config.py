"""Is a model read from its config.json as it is, whichever way the file says which layers have experts?"""

import json

import pytest

from chipweave.errors import BadInput
from chipweave.trace import models

DEEPSEEK = {
    "model_type": "deepseek_v3",
    "num_hidden_layers": 61,
    "n_routed_experts": 256,
    "num_experts_per_tok": 8,
    "n_group": 8,
    "topk_group": 4,
    "n_shared_experts": 1,
    "hidden_size": 7168,
    "intermediate_size": 18432,
    "moe_intermediate_size": 2048,
    "first_k_dense_replace": 3,
    "moe_layer_freq": 1,
    "torch_dtype": "bfloat16",
}
QWEN = {
    "num_hidden_layers": 48,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "hidden_size": 2048,
    "moe_intermediate_size": 768,
    "intermediate_size": 6144,
    "decoder_sparse_step": 1,
    "mlp_only_layers": [],
}
LLAMA = {
    "text_config": {
        "num_hidden_layers": 48,
        "num_local_experts": 128,
        "num_experts_per_tok": 1,
        "hidden_size": 5120,
        "intermediate_size": 8192,
        "interleave_moe_layer_step": 2,
    }
}


def loaded(tmp_path, config):
    (tmp_path / "a-model").mkdir(exist_ok=True)
    path = tmp_path / "a-model" / "config.json"
    path.write_text(json.dumps(config))
    return models.load(str(path))


@pytest.mark.parametrize(
    "config, name", [(DEEPSEEK, "deepseek-v3"), (QWEN, "qwen3-30b-a3b"), (LLAMA, "llama4-maverick")]
)
def test_a_shipped_model_comes_out_of_its_config(config, name, tmp_path):
    got, ours = loaded(tmp_path, config), models.load(name)
    for fact in ("layers", "moe_layers", "experts", "top_k", "groups", "groups_used", "hidden", "intermediate"):
        assert getattr(got, fact) == getattr(ours, fact), fact
    assert got.name == "a-model" and got.weight_bytes == 2


@pytest.mark.parametrize(
    "change, layers",
    [
        ({"moe_layers": [1, 3, 47]}, (1, 3, 47)),
        ({"moe_layers_enum": "4,5,6"}, (4, 5, 6)),
        ({"moe_layer_freq": [0, 1, 1, 0] + [0] * 57}, (1, 2)),
        ({"first_k_dense_replace": 1, "moe_layer_freq": 1}, tuple(range(1, 61))),
        ({"decoder_sparse_step": 30, "first_k_dense_replace": 0}, (29, 59)),
        ({"decoder_sparse_step": 1, "first_k_dense_replace": 0, "mlp_only_layers": [0, 60]}, tuple(range(1, 60))),
        ({"first_k_dense_replace": None, "moe_layer_start_index": 58, "moe_layer_end_index": -1}, (58, 59, 60)),
    ],
)
def test_lists_and_steps_of_moe_layers_are_read(change, layers, tmp_path):
    config = {key: value for key, value in {**DEEPSEEK, **change}.items() if value is not None}
    assert loaded(tmp_path, config).moe_layers == layers


@pytest.mark.parametrize(
    "change, message",
    [
        ({"n_routed_experts": None}, "lacks n_routed_experts"),
        ({"num_experts_per_tok": 300}, "top-300 of 256 experts"),
        ({"moe_layers": [70]}, r"moe_layers are \[70\] of 61 layers"),
        ({"hidden_size": "big"}, "'big' cannot be hidden_size"),
    ],
)
def test_a_config_that_cannot_be_is_refused(change, message, tmp_path):
    with pytest.raises(BadInput, match=f"config.json.*{message}"):
        loaded(tmp_path, {**DEEPSEEK, **change})


def test_fp8_weights_count_one_byte(tmp_path):
    assert loaded(tmp_path, {**DEEPSEEK, "quantization_config": {"quant_method": "fp8"}}).weight_bytes == 1
