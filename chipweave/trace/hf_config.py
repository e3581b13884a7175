"""A model from the `config.json` that lies beside the weights of a Hugging Face model.

Configs say the same in many words; ALIASES lists those that are read, SPARSE the ways of saying which layers are MoE.
What a config does not say is taken from the case study and is a guess: the share of peak that GEMMs reach, the
share of HBM rate.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from chipweave.errors import BadInput, Fault, Faults, Place
from chipweave.io import strictjson

MAX_BYTES = 4 << 20
MAX_LAYERS = 1024
ALIASES = {
    "layers": ("num_hidden_layers", "n_layer", "num_layers"),
    "experts": ("n_routed_experts", "num_experts", "num_local_experts", "moe_num_experts"),
    "top_k": ("num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_top_k", "moe_k", "experts_per_token"),
    "hidden": ("hidden_size", "d_model"),
    "intermediate": ("moe_intermediate_size", "expert_ffn_hidden_size", "ffn_hidden_size", "intermediate_size"),
}
OPTIONAL = {
    "groups": (("n_group", "num_expert_group"), 1),
    "groups_used": (("topk_group",), 1),
    "shared_experts": (("n_shared_experts", "num_shared_experts", "moe_num_shared_experts"), 0),
}
SPARSE = (
    "moe_layers, moe_layers_enum, moe_layer_freq (number or list), first_k_dense_replace, decoder_sparse_step with "
    "mlp_only_layers, interleave_moe_layer_step, moe_layer_start_index, moe_layer_interval"
)
BYTES = {"float32": Fraction(4), "bfloat16": Fraction(2), "float16": Fraction(2)}
QUANTISED = {"fp8": Fraction(1), "compressed-tensors": Fraction(1, 2), "awq": Fraction(1, 2), "gptq": Fraction(1, 2)}


def load(source: str) -> dict[str, Any]:
    """The facts of a chipweave.trace.models.Model that a config.json states; raises `BadInput` with every fault."""
    path, place = Path(source), Place(source)
    try:
        text = path.read_bytes()[: MAX_BYTES + 1]
        config = strictjson.loads(text) if len(text) <= MAX_BYTES else None
    except FileNotFoundError:
        raise BadInput(Fault("no such file", place)) from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(Fault(f"not JSON, or cut short: {str(error)[:80]}", place)) from None
    if isinstance(config, dict) and isinstance(config.get("text_config"), dict):
        config = {**config, **config["text_config"]}
    if not isinstance(config, dict):
        raise BadInput(Fault("no config.json of a model", place, allowed="an object with num_hidden_layers, ..."))
    return facts_of(config, _name(path, config), place)


def facts_of(config: dict[str, Any], name: str, place: Place) -> dict[str, Any]:
    """Keyword arguments of Model, but `hbm_efficiency` and `utilisation`; BadInput with every fault.

    Weights take the bytes of the quantisation method, else of the config's dtype, else 2.
    """
    faults = Faults()
    facts: dict[str, Any] = {}
    for key, words in ALIASES.items():
        facts[key] = _whole(config, words, None, place, faults)
    for key, (words, default) in OPTIONAL.items():
        facts[key] = _whole(config, words, default, place, faults)
    faults.raise_if_any()
    moe = moe_layers(config, facts["layers"], place, faults)
    if facts["top_k"] > facts["experts"]:
        faults.add(f"top-{facts['top_k']} of {facts['experts']} experts", place)
    faults.raise_if_any()
    quantised = config.get("quantization_config") or {}
    method = quantised.get("quant_method") if isinstance(quantised, dict) else None
    weight = QUANTISED.get(str(method)) or BYTES.get(str(config.get("torch_dtype") or config.get("dtype")), Fraction(2))
    title = f"{config.get('model_type', 'a model')} of {place.file}"
    return {"name": name, "title": title, "moe_layers": moe, "weight_bytes": weight, "sources": {}, **facts}


def moe_layers(config: dict[str, Any], layers: int, place: Place, faults: Faults) -> tuple[int, ...]:
    """The ids of the layers that have experts, in every way a config may say it.

    In order: a list of layers; a list of flags; first dense layers and a step. Qwen's
    decoder_sparse_step s means layers with (i + 1) mod s = 0, DeepSeek's moe_layer_freq those with
    i mod f = 0.
    """
    for key in ("moe_layers", "moe_layers_enum"):
        given = config.get(key)
        if isinstance(given, str):
            given = [int(each) for each in given.split(",") if each.strip().isdigit()]
        if isinstance(given, list) and given:
            return _checked(given, layers, key, place, faults)
    freq = config.get("moe_layer_freq", 1)
    if isinstance(freq, list):
        return _checked([i for i, each in enumerate(freq) if each], layers, "moe_layer_freq", place, faults)
    first = config.get("first_k_dense_replace", config.get("moe_layer_start_index", 0))
    step = next(
        (
            config[k]
            for k in ("decoder_sparse_step", "interleave_moe_layer_step", "moe_layer_interval")
            if config.get(k)
        ),
        freq,
    )
    last = config.get("moe_layer_end_index", layers - 1)
    last = layers - 1 if last in (-1, None) else last
    if not all(type(each) is int for each in (first, step, last)) or step < 1:
        faults.add("which layers have experts cannot be read", place, SPARSE)
        return ()
    dense = config.get("mlp_only_layers") or []
    at_the_end = "decoder_sparse_step" in config or "interleave_moe_layer_step" in config
    found = [i for i in range(first, last + 1) if ((i + 1) % step if at_the_end else i % step) == 0 and i not in dense]
    return _checked(found, layers, "MoE layers", place, faults)


def _checked(found: Any, layers: Any, key: Any, place: Any, faults: Any) -> Any:
    """A list of layer ids, sorted; a fault where one is not there, or none."""
    if not all(type(i) is int and 0 <= i < layers for i in found) or not found:
        faults.add(f"{key} are {str(found)[:60]} of {layers} layers", place, f"at least one of 0 to {layers - 1}")
        return ()
    return tuple(sorted(set(found)))


def _whole(config: dict[Any, Any], words: tuple[str, ...], default: int | None, place: Place, faults: Faults) -> int:
    """The first of `words` that the config has, as a whole number up to 2^24; a fault where it is none."""
    found = next((config[word] for word in words if config.get(word) is not None), default)
    if type(found) is not int or not (0 if default is not None else 1) <= found <= 1 << 24:
        what = "lacks" if found is None else f"{found!r} cannot be"
        faults.add(f"{what} {words[0]}", place, "a whole number under one of " + ", ".join(words))
        return default or 1
    return max(found, 1) if words[0] in ("n_group", "topk_group") else found


def _name(path: Any, config: Any) -> Any:
    """A name for the model: that of its folder, of letters, digits and - _ . only."""
    folder = path.resolve().parent.name if path.name == "config.json" else path.stem
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in folder or config.get("model_type", "model"))[:80]
