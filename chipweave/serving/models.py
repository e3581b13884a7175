"""Models as a server sees them: the shapes of every layer, from the `config.json` of a Hugging Face model.

Presets in chipweave/data/serving/models are such files, cut to the keys that decide shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from chipweave.errors import BadInput, Fault, Faults, Place, nearest
from chipweave.io import strictjson
from chipweave.io.remembered import by_file
from chipweave.trace import hf_config

FOLDER = files("chipweave") / "data" / "serving" / "models"
SHARED = "shared_expert_intermediate_size"
"""Of one expert that every token passes; taken to be as wide as the others."""
EXPERTS = hf_config.ALIASES["experts"]
MOST = 1 << 24
STATE_VALUES = 2
"""Cached values of 16 bits that a value of a linear layer's state takes; a cache of 8 bits is taken for half of it."""


@dataclass(frozen=True)
class Mla:
    """Multi-head latent attention: ranks of the compressed queries and cache, and sizes of a head."""

    q_rank: int
    kv_rank: int
    nope: int
    rope: int
    v: int


@dataclass(frozen=True)
class Linear:
    """Linear attention (gated delta rule): heads of keys and values and their sizes. A sequence's cache is one state of
    keys x values a head, in 32 bits (Qwen3-Next, config.json and modeling_qwen3_next.py)."""

    key_heads: int
    value_heads: int
    key: int
    value: int

    @property
    def columns(self) -> int:
        """Columns of the projection to queries, keys, values and gates."""
        return 2 * self.key_heads * self.key + 2 * self.value_heads * self.value

    @property
    def state(self) -> int:
        """Values of one sequence's state."""
        return self.value_heads * self.key * self.value


@dataclass(frozen=True)
class ServingModel:
    """Shapes of a model. Layers are numbered from 0; `experts` 0: dense.

    intermediate      of the MLP of dense layers; expert_intermediate: of one expert
    shared            experts that every token passes
    window, windowed  tokens that a windowed layer sees, and the layers that are
    index_top_k       tokens that sparse attention picks from the context; 0: attention is dense
    index_heads, index_head  heads of its index and their size
    gated             queries bring a gate of the output, as wide as they
    linear, linear_layers  linear attention, and the layers that have it in place of a cache of tokens
    positions         tokens that a sequence may have (max_position_embeddings); 0: the config does not say
    """

    name: str
    layers: int
    hidden: int
    vocab: int
    heads: int
    kv_heads: int
    head: int
    intermediate: int
    mla: Mla | None = None
    experts: int = 0
    top_k: int = 0
    shared: int = 0
    expert_intermediate: int = 0
    moe_layers: frozenset[int] = frozenset()
    groups: int = 1
    window: int = 0
    windowed: frozenset[int] = frozenset()
    index_top_k: int = 0
    index_heads: int = 0
    index_head: int = 0
    gated: bool = False
    linear: Linear | None = None
    linear_layers: frozenset[int] = frozenset()
    positions: int = 0

    @cached_property
    def sorts(self) -> dict[tuple[bool, bool, bool], list[int]]:
        """(has experts, is windowed, is linear) -> the layers that are so, in order."""
        found: dict[tuple[bool, bool, bool], list[int]] = {}
        for layer in range(self.layers):
            key = layer in self.moe_layers, layer in self.windowed, layer in self.linear_layers
            found.setdefault(key, []).append(layer)
        return found

    @property
    def attention_weights(self) -> int:
        """Weights of one layer's attention: projections of queries, keys, values and output, without norms."""
        h = self.hidden
        if self.mla is None:
            return h * self.head * ((3 if self.gated else 2) * self.heads + 2 * self.kv_heads)
        m = self.mla
        queries = (
            h * m.q_rank + m.q_rank * self.heads * (m.nope + m.rope) if m.q_rank else h * self.heads * (m.nope + m.rope)
        )
        return queries + h * (m.kv_rank + m.rope) + m.kv_rank * self.heads * (m.nope + m.v) + self.heads * m.v * h

    @property
    def mean_attention_weights(self) -> float:
        """The same, mean over layers of both kinds."""
        if self.linear is None:
            return self.attention_weights
        of = len(self.linear_layers)
        own = self.hidden * (self.linear.columns + self.linear.value_heads * self.linear.value)
        return (of * own + (self.layers - of) * self.attention_weights) / self.layers

    @property
    def expert_weights(self) -> int:
        """Weights of one expert."""
        return 3 * self.hidden * self.expert_intermediate

    def mlp_weights(self, layer: int) -> int:
        """Weights of a layer's MLP without its routed experts."""
        if layer in self.moe_layers:
            return self.hidden * self.experts + self.shared * self.expert_weights
        return 3 * self.hidden * self.intermediate

    @property
    def weights(self) -> int:
        """All weights, embedding and head included."""
        mlp = sum(self.mlp_weights(i) for i in range(self.layers))
        return (
            round(self.layers * self.mean_attention_weights)
            + mlp
            + len(self.moe_layers) * self.experts * self.expert_weights
            + 2 * self.vocab * self.hidden
        )

    def kv_values(self, context: int, tp: int = 1) -> int:
        """Cached values of one sequence of `context` tokens on one of `tp` ranks, all layers."""
        if self.mla is not None:
            return self.layers * context * (self.mla.kv_rank + self.mla.rope)
        heads = max(1, self.kv_heads // tp)
        full = [i for i in range(self.layers) if i not in self.linear_layers]
        seen = sum(min(context, self.window) if i in self.windowed else context for i in full)
        states = len(self.linear_layers) * (self.linear.state // tp) * STATE_VALUES if self.linear else 0
        return seen * heads * 2 * self.head + states


@by_file
def load(name: str) -> ServingModel:
    """A preset by name, or the `config.json` at a path.

    Raises:
        BadInput: no such model, or a file that does not say what is needed, with every fault.
    """
    if name.endswith(".json"):
        path, title = Path(name), Path(name).parent.name or Path(name).stem
    else:
        known = sorted(f.name.removesuffix(".json") for f in FOLDER.iterdir() if f.name.endswith(".json"))
        if name not in known:
            raise BadInput(
                Fault(
                    f"unknown model '{name}'",
                    allowed=", ".join(known) + ", or a path to a config.json",
                    nearest=nearest(name, known),
                )
            )
        path, title = Path(str(FOLDER / f"{name}.json")), name
    return of_config(_json(path), title, Place(str(path)))


def _json(path: Path) -> dict[str, Any]:
    """A config.json, with the part for text laid over it where the model has several; BadInput
    where it cannot be read.
    """
    try:
        text = path.read_bytes()[: hf_config.MAX_BYTES + 1]
        config = strictjson.loads(text) if len(text) <= hf_config.MAX_BYTES else None
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(Fault(f"not a readable config.json: {str(error)[:80]}", Place(str(path)))) from None
    if isinstance(config, dict) and isinstance(config.get("text_config"), dict):
        config = {**config, **config["text_config"]}
    if not isinstance(config, dict):
        raise BadInput(
            Fault("no config.json of a model", Place(str(path)), allowed="an object with num_hidden_layers, ...")
        )
    return config


def of_config(config: dict[str, Any], name: str, place: Place) -> ServingModel:
    """The model that a config describes; BadInput with every fault."""
    faults = Faults()
    take = lambda keys, default=None, low=0: _whole(config, keys, default, low, place, faults)  # noqa: E731
    layers, hidden, heads, vocab = (
        take((key,), low=1) for key in ("num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size")
    )
    kv_heads = take(("num_key_value_heads",), heads, 1)
    faults.raise_if_any()
    head = take(("head_dim",), hidden // heads)
    experts = take(EXPERTS, 0)
    moe = frozenset(hf_config.moe_layers(config, layers, place, faults)) if experts else frozenset()
    dense = take(("intermediate_size_mlp", "intermediate_size"))
    facts = {
        "experts": experts,
        "top_k": take(hf_config.ALIASES["top_k"]) if experts else 0,
        "shared": take(("n_shared_experts", "num_shared_experts"), 1 if config.get(SHARED) else 0),
        "expert_intermediate": take(("moe_intermediate_size", "intermediate_size")) if experts else 0,
        "moe_layers": moe,
        "groups": take(("n_group",), 1),
        "mla": _mla(take) if config.get("kv_lora_rank") else None,
        "index_top_k": take(("index_topk",), 0),
        "index_heads": take(("index_n_heads",), 0),
        "index_head": take(("index_head_dim",), 0),
        "gated": config.get("attn_output_gate") is True,
        "positions": take(("max_position_embeddings",), 0),
    }
    facts |= _windows(config, layers) | _linear(config, layers, take)
    if experts and (facts["top_k"] or 0) > experts:
        faults.add(f"{facts['top_k']} experts a token of {experts}", place)
    if facts["mla"] is None and heads % kv_heads:
        faults.add(f"{heads} heads do not divide over {kv_heads} KV heads", place)
    faults.raise_if_any()
    return ServingModel(name, layers, hidden, vocab, heads, kv_heads, head, dense, **facts)


def _mla(take: Callable[..., Any]) -> Mla:
    """The sizes of multi-head latent attention, under DeepSeek's keys."""
    ranks = take(("q_lora_rank",), 0), take(("kv_lora_rank",))
    return Mla(*ranks, take(("qk_nope_head_dim",)), take(("qk_rope_head_dim",)), take(("v_head_dim",)))


def _linear(config: dict[str, Any], layers: int, take: Callable[..., Any]) -> dict[str, Any]:
    """Linear attention and the layers that have it: those that `layer_types` calls so, or all but every
    `full_attention_interval`-th."""
    if not config.get("linear_num_value_heads"):
        return {}
    kinds, every = config.get("layer_types"), take(("full_attention_interval",), 4, 1) or 1
    if isinstance(kinds, list):
        found = frozenset(i for i, kind in enumerate(kinds[:layers]) if kind == "linear_attention")
    else:
        found = frozenset(i for i in range(layers) if (i + 1) % every)
    keys = ("linear_num_key_heads", "linear_num_value_heads", "linear_key_head_dim", "linear_value_head_dim")
    return {"linear": Linear(*(take((key,), low=1) for key in keys)), "linear_layers": found}


def _windows(config: dict[str, Any], layers: int) -> dict[str, Any]:
    """Window and windowed layers: those that `layer_types` calls sliding, or none."""
    kinds, window = config.get("layer_types"), config.get("sliding_window")
    if not isinstance(kinds, list) or not isinstance(window, int):
        return {}
    return {
        "window": window,
        "windowed": frozenset(i for i, k in enumerate(kinds[:layers]) if k == "sliding_attention"),
    }


def _whole(
    config: dict[str, Any], keys: tuple[str, ...], default: int | None, low: int, place: Place, faults: Faults
) -> Any:
    """The first of `keys` that is there, a whole number from `low` on."""
    for key in keys:
        value = config.get(key)
        if value is not None:
            if isinstance(value, int) and not isinstance(value, bool) and low <= value <= MOST:
                return value
            faults.add(f"{key} cannot be {value!r}", place, f"a whole number from {low} to {MOST}")
            return None
    if default is None:
        faults.add(f"lacks {keys[0]}", place, " or ".join(keys))
    return default
