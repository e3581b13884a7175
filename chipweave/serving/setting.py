"""How a model is laid over GPUs and in which number formats: `tp=8,ep=8,dp=1,pp=1` and `fp8,kv=fp8`, checked before
anything runs."""

from dataclasses import dataclass
from fractions import Fraction

from chipweave.errors import BadInput, Faults, nearest
from chipweave.serving.models import ServingModel
from chipweave.serving.system import Server

WAYS = ("tp", "ep", "dp", "pp")
FORMATS = {
    "bf16": ("bfloat16", 2.0),
    "fp8": ("fp8", 1.0),
    "fp8_block": ("fp8_block", 1.0 + 4 / 128**2),
    "fp4": ("bfloat16", 0.5 + 1 / 32),
    "int4": ("bfloat16", 0.5 + 2 / 32),
    "nvfp4": ("nvfp4", 0.5 + 1 / 16),
}
"""Name -> (type of the operands, bytes of a weight): fp4 weights are MXFP4, one scale byte for 32, widened to 16 where
the die multiplies no four bits; int4 has a 16-bit scale for 32 and is widened; nvfp4 has a byte for 16, multiplied as
it is."""

WIDENED = ("fp4", "int4")
"""Formats of experts whose dense layers stay in 16 bits where one format is given for all."""

RESERVED = Fraction(1, 10)
"""Of a GPU's memory, for activations, graphs and the libraries: the servers' usual default (vLLM
gpu_memory_utilization 0.9)."""


@dataclass(frozen=True)
class Parallel:
    """Ranks: `tp` of a replica's attention, `dp` replicas of attention, `ep` that experts are dealt over, `pp` stages.

    Experts are cut into tp x dp / ep slices where ep is less than all ranks.
    """

    tp: int = 1
    ep: int = 1
    dp: int = 1
    pp: int = 1

    @property
    def ranks(self) -> int:
        """GPUs of one stage."""
        return self.tp * self.dp

    @property
    def gpus(self) -> int:
        """GPUs of all stages."""
        return self.ranks * self.pp

    @property
    def moe_tp(self) -> int:
        """Slices of one expert."""
        return max(1, self.ranks // self.ep)


@dataclass(frozen=True)
class Precision:
    """Formats by name of `FORMATS`: of dense layers, of experts; "bf16" or "fp8" of the cache."""

    dense: str = "bf16"
    experts: str = "bf16"
    kv: str = "bf16"

    @property
    def kv_bytes(self) -> int:
        """Bytes of one cached value."""
        return 1 if self.kv == "fp8" else 2


def parallel(text: str) -> Parallel:
    """`tp=8,ep=8` as a Parallel; BadInput with every fault."""
    faults, found = Faults(), {}
    for part in filter(None, text.split(",")):
        key, _, value = part.partition("=")
        if key not in WAYS:
            faults.add(f"--parallel: unknown way '{key}'", allowed=", ".join(WAYS), nearest=nearest(key, WAYS))
        elif key in found:
            faults.add(f"--parallel: {key} is given twice")
        elif not value.isdigit() or not 1 <= int(value) <= 1 << 16:
            faults.add(f"--parallel: {key} cannot be '{value}'", allowed="a whole number from 1 to 65536")
        else:
            found[key] = int(value)
    faults.raise_if_any()
    return Parallel(**found)


def precision(text: str) -> Precision:
    """`fp8`, `fp8_block,kv=fp8`, `bf16,experts=fp4` as a Precision; BadInput with every fault."""
    faults, found = Faults(), {}
    for part in filter(None, text.split(",")):
        key, sign, value = part.partition("=")
        key, value = (key, value) if sign else ("all", key)
        allowed = {"all": FORMATS, "dense": FORMATS, "experts": FORMATS, "kv": ("bf16", "fp8")}
        if key not in allowed:
            faults.add(
                f"--precision: unknown part '{key}'", allowed="dense, experts, kv", nearest=nearest(key, allowed)
            )
        elif value not in allowed[key]:
            faults.add(
                f"--precision: unknown format '{value}'",
                allowed=", ".join(allowed[key]),
                nearest=nearest(value, allowed[key]),
            )
        elif key in found:
            faults.add(f"--precision: {key} is given twice")
        else:
            found[key] = value
    faults.raise_if_any()
    every = found.get("all", "bf16")
    dense = "bf16" if every in WIDENED else every
    return Precision(found.get("dense", dense), found.get("experts", every), found.get("kv", "bf16"))


def weight_bytes(model: ServingModel, layout: Parallel, formats: Precision) -> float:
    """Bytes of the weights on the fullest GPU.

    Layers and experts are dealt evenly, the fullest stage and rank getting what is over; embedding
    and head are 16 bits.
    """
    moe = -(-len(model.moe_layers) // layout.pp)
    local = -(-model.experts // layout.ep) * model.expert_weights / layout.moe_tp if model.experts else 0
    return dense_bytes(model, layout, formats) + moe * local * FORMATS[formats.experts][1]


def dense_bytes(model: ServingModel, layout: Parallel, formats: Precision) -> float:
    """As `weight_bytes`, without routed experts."""
    layers = -(-model.layers // layout.pp)
    mlp = sum(model.mlp_weights(i) for i in range(model.layers)) * layers / model.layers
    own = (layers * model.mean_attention_weights + mlp) / layout.tp * FORMATS[formats.dense][1]
    return own + 2 * model.vocab * model.hidden / layout.tp * 2


def over_dies(server: Server, layout: Parallel, ways: str) -> Parallel:
    """The ranks on a composed system: every die that computes is a replica of attention, and a strategy places experts.

    Raises:
        BadInput: other ranks; messages inside a layer's attention are not simulated.
    """
    faults, dies = Faults(), server.gpus
    if layout.tp > 1 or layout.pp > 1:
        faults.add(
            f"tp={layout.tp}, pp={layout.pp} on {server.name}, whose dies are replicas of attention",
            allowed="tp=1, pp=1",
        )
    for key, given in (("dp", layout.dp), ("ep", layout.ep)):
        if f"{key}=" in ways and given != dies:
            faults.add(f"{key}={given} on {server.name}", allowed=f"{key}={dies}, its dies that compute, or left out")
    faults.raise_if_any()
    return Parallel(1, dies, dies, 1)


def kv_room(server: Server, model: ServingModel, layout: Parallel, formats: Precision) -> float:
    """Bytes that one GPU has for its cache; negative where the weights do not fit.

    RESERVED of the memory is left free.
    """
    return server.memory_bytes * float(1 - RESERVED) - weight_bytes(model, layout, formats)


def kv_bytes(model: ServingModel, layout: Parallel, formats: Precision, context: int) -> float:
    """Bytes of one sequence's cache on one GPU."""
    return model.kv_values(context, layout.tp) / layout.pp * formats.kv_bytes


def check(server: Server, model: ServingModel, layout: Parallel, formats: Precision, batch: int, context: int) -> None:
    """Refuse what cannot be, with the numbers: all faults at once, as BadInput."""
    faults = Faults()
    if layout.gpus > server.gpus:
        faults.add(
            f"tp {layout.tp} x dp {layout.dp} x pp {layout.pp} are {layout.gpus} GPUs; {server.name} has {server.gpus}"
        )
    if model.heads % layout.tp:
        faults.add(f"{model.heads} heads of {model.name} do not divide over tp={layout.tp}")
    if model.mla is None and max(model.kv_heads, layout.tp) % min(model.kv_heads, layout.tp):
        faults.add(
            f"{model.kv_heads} KV heads of {model.name} neither divide over tp={layout.tp} nor are copied evenly"
        )
    if model.experts and model.experts % layout.ep and not server.composed:
        ways = [n for n in range(1, layout.ranks + 1) if model.experts % n == 0 and layout.ranks % n == 0]
        faults.add(
            f"{model.experts} experts of {model.name} do not divide over ep={layout.ep}",
            allowed=f"ep of {', '.join(map(str, ways))} on {layout.ranks} ranks",
        )
    if model.linear and model.linear.value_heads % layout.tp:
        faults.add(f"{model.linear.value_heads} heads of linear attention do not divide over tp={layout.tp}")
    if layout.ep > 1 and not model.experts:
        faults.add(f"ep={layout.ep}, and {model.name} has no experts")
    if layout.ranks % layout.ep:
        faults.add(f"ep={layout.ep} does not divide the tp x dp = {layout.ranks} ranks of a stage")
    if model.experts and model.expert_intermediate % layout.moe_tp:
        faults.add(f"{model.expert_intermediate} columns of an expert do not divide over {layout.moe_tp} slices")
    if model.positions and context > model.positions:
        faults.add(
            f"{context} tokens of context; {model.name} has {model.positions} positions",
            allowed=f"at most {model.positions}, or a config.json whose max_position_embeddings says more",
        )
    if server.package is None and "nvfp4" in (formats.dense, formats.experts):
        faults.add(
            f"the die of {server.name} multiplies no nvfp4", allowed=", ".join(f for f in FORMATS if f != "nvfp4")
        )
    if layout.pp > model.layers:
        faults.add(f"pp={layout.pp} stages of {model.layers} layers")
    faults.raise_if_any()
    room = kv_room(server, model, layout, formats)
    usable = server.memory_bytes * float(1 - RESERVED)
    if room < 0:
        needed = weight_bytes(model, layout, formats)
        raise BadInput(
            f"{model.name} does not fit: {needed / 1e9:.1f} GB of weights on a GPU, "
            f"of {server.memory_bytes / 1e9:.0f} GB usable {usable / 1e9:.1f} GB"
        )
    held = -(-batch // layout.dp) * kv_bytes(model, layout, formats, context)
    if held > room:
        most = int(room // max(kv_bytes(model, layout, formats, context), 1)) * layout.dp
        raise BadInput(
            f"KV beyond memory: {batch} sequences of {context} tokens hold "
            f"{held / 1e9:.1f} GB on a GPU, room {room / 1e9:.1f} GB; "
            f"at most {most} sequences"
        )
