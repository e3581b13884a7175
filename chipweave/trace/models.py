"""Models: what of an MoE language model decides expert traffic. One YAML file each, shipped in chipweave/data/models.

model = load("deepseek-v3")
model.expert_bytes          # 88_080_384
model.utilisation_at(100)   # Fraction(1, 2)
model.fit(dies=25, hbm_bytes=80_000_000_000, share=Fraction(9, 10)).overflow_bytes
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from chipweave.declare import provenance as sources
from chipweave.declare import yamlfile
from chipweave.declare.params import check_head
from chipweave.errors import BadInput, Fault, Faults, Place, nearest
from chipweave.io.remembered import by_file
from chipweave.trace import hf_config

FOLDER = Path(__file__).parents[1] / "data" / "models"
MATRICES = 3  # gate, up and down
SCHEMA = "chipweave.model/1"
WHOLE = {
    "layers": 1,
    "experts": 1,
    "top_k": 1,
    "groups": 1,
    "groups_used": 1,
    "shared_experts": 0,
    "hidden": 1,
    "intermediate": 1,
}
KEYS = ("schema", "name", "title", "moe_layers", "weight_bytes", "hbm_efficiency", "utilisation", *WHOLE)
DATA_TYPES = (("BF16", Fraction(2)), ("FP8", Fraction(1)), ("FP4", Fraction(1, 2)))
LARGEST = 1 << 24


@dataclass(frozen=True)
class Fit:
    """Whether a model's routed experts fit the dies, by the fullest die.

    needed_bytes: home weights on the die that holds most experts; usable_bytes: what of its HBM may be used;
    overflow_bytes: 0 where it fits; free_bytes: room for copies on the fullest die;
    data_types: (name, bytes a weight) that fit these dies; dies: the fewest dies that hold the model as it is.
    """

    model: str
    needed_bytes: int
    usable_bytes: int
    data_types: tuple[tuple[str, Fraction], ...]
    dies: int

    @property
    def overflow_bytes(self) -> int:
        """Bytes of the fullest die's experts beyond what it may use."""
        return max(0, self.needed_bytes - self.usable_bytes)

    @property
    def free_bytes(self) -> int:
        """Bytes left on the fullest die."""
        return max(0, self.usable_bytes - self.needed_bytes)

    def __bool__(self) -> bool:
        """Whether the model fits."""
        return not self.overflow_bytes

    def fault(self) -> Fault:
        """The fault to raise where the model does not fit and capacity is enforced."""
        types = ", ".join(name for name, _ in self.data_types) or "no data type of " + ", ".join(
            n for n, _ in DATA_TYPES
        )
        return Fault(
            f"{self.model} does not fit: the fullest die needs "
            f"{self.needed_bytes / 1e9:.1f} GB for its experts and may use"
            f" {self.usable_bytes / 1e9:.1f} GB, {self.overflow_bytes / 1e9:.1f} GB too much",
            allowed=f"{types} on these dies" + (f", or at least {self.dies} dies" if self.dies else ""),
        )


@dataclass(frozen=True)
class Model:
    """Sizes of a model. `moe_layers`: layer ids; `utilisation`: (most tokens or None, share of peak) rows, ascending.

    weight_bytes: bytes a weight, a Fraction (FP4 is 1/2); hbm_efficiency: share of the HBM's rate that weight reads
    reach; sources: key -> chipweave.declare.provenance.Source; slices: weight matrices of an expert.
    """

    name: str
    title: str
    layers: int
    moe_layers: tuple[int, ...]
    experts: int
    top_k: int
    groups: int
    groups_used: int
    shared_experts: int
    hidden: int
    intermediate: int
    weight_bytes: Fraction
    hbm_efficiency: Fraction
    utilisation: tuple[tuple[int | None, Fraction], ...]
    sources: dict[str, sources.Source]
    slices: int = MATRICES

    @property
    def slice_bytes(self) -> int:
        """One of an expert's three matrices, bytes."""
        return int(self.hidden * self.intermediate * self.weight_bytes)

    @property
    def expert_bytes(self) -> int:
        """One expert, bytes: gate, up and down matrices."""
        return self.slices * self.slice_bytes

    @property
    def routed_bytes(self) -> int:
        """All routed experts of all MoE layers."""
        return self.experts * len(self.moe_layers) * self.expert_bytes

    def utilisation_at(self, tokens: int) -> Fraction:
        """Share of peak compute that one expert's GEMMs reach with `tokens` tokens: the first row that covers them."""
        return next(share for most, share in self.utilisation if most is None or tokens <= most)

    def fit(
        self, dies: int, hbm_bytes: int, share: Fraction | int = Fraction(1), experts_per_die: int | None = None
    ) -> Fit:
        """How the routed experts fit `dies` dies of `hbm_bytes` each, of which `share` may be used.

        experts_per_die: experts of one layer on the fullest die; by default as even as whole experts go.
        """
        usable = int(hbm_bytes * Fraction(share))
        fullest = experts_per_die or -(-self.experts // dies)
        smaller = [(name, size) for name, size in DATA_TYPES if self._die_bytes(fullest, size) <= usable]
        most = int(usable // self._die_bytes(1, self.weight_bytes))
        return Fit(
            self.name,
            int(self._die_bytes(fullest, self.weight_bytes)),
            usable,
            tuple(smaller),
            -(-self.experts // most) if most else 0,
        )

    def _die_bytes(self, experts: int, weight_bytes: Fraction) -> Fraction:
        """Bytes of `experts` experts of every MoE layer at `weight_bytes` a weight."""
        return experts * len(self.moe_layers) * MATRICES * self.hidden * self.intermediate * weight_bytes


def names() -> list[str]:
    """The shipped models."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load(name_or_path: str) -> Model:
    """The model of a shipped name, of a YAML file or of a config.json; raises `BadInput` with every fault of the
    file."""
    text = str(name_or_path)
    if text in names():
        return _load(FOLDER / f"{text}.yaml")
    if Path(text).suffix in (".yaml", ".yml"):
        return read(yamlfile.load(Path(text)))
    if Path(text).suffix == ".json":
        like = load("deepseek-v3")  # a config says nothing of GEMMs and HBM: a guess
        return Model(hbm_efficiency=like.hbm_efficiency, utilisation=like.utilisation, **hf_config.load(text))
    raise BadInput(
        Fault(
            f"unknown model {text!r}",
            allowed=", ".join(names()) + ", a .yaml file, or a config.json of Hugging Face",
            nearest=nearest(text, names()),
        )
    )


def with_routing(moe_layers: tuple[int, ...], top_k: int) -> Model | None:
    """The shipped model whose gate picks `top_k` experts in exactly these layers, or None."""
    return next((m for m in map(load, names()) if (m.moe_layers, m.top_k) == (tuple(moe_layers), top_k)), None)


def with_layer_count(layers: int, top_k: int) -> Model | None:
    """The shipped model with `top_k` and this number of layers, MoE layers alone or all, or None."""
    return next((m for m in map(load, names()) if m.top_k == top_k and layers in (m.layers, len(m.moe_layers))), None)


@by_file
def _load(path: Path) -> Model:
    """Read once for each path."""
    return read(yamlfile.load(path))


def read(root: yamlfile.Node) -> Model:
    """A `Model` from the root Node of a YAML file."""
    faults = check_head(root, "model", SCHEMA, KEYS, KEYS)
    nodes: dict[str, yamlfile.Node] = {}
    origins: dict[str, sources.Source] = {}
    for key in KEYS:
        nodes[key], origin = sources.split(root.value[key], faults)
        if origin:
            origins[key] = origin
    facts: dict[str, Any] = {key: _whole(nodes[key], key, least, faults) for key, least in WHOLE.items()}
    facts.update(
        weight_bytes=_fraction(nodes["weight_bytes"], "weight_bytes", 8, faults),
        hbm_efficiency=_fraction(nodes["hbm_efficiency"], "hbm_efficiency", 1, faults),
        utilisation=_utilisation(nodes["utilisation"], faults),
        moe_layers=_moe_layers(nodes["moe_layers"], facts["layers"], faults),
    )
    if facts["top_k"] > facts["experts"]:
        faults.add(
            f"top_k {facts['top_k']} of {facts['experts']} experts", nodes["top_k"].place, f"1 to {facts['experts']}"
        )
    faults.raise_if_any()
    return Model(name=str(nodes["name"].value), title=str(nodes["title"].value), sources=origins, **facts)


def _whole(node: yamlfile.Node | None, key: str, least: int, faults: Faults) -> int:
    """A whole number from `least`; a fault, and a number to go on with, where it is none."""
    if node is None or type(node.value) is not int or not least <= node.value <= LARGEST:
        faults.add(
            f"{key} cannot be {node.shape() if node else 'left out'}",
            node.place if node else Place(),
            f"a whole number, {least} to {LARGEST}",
        )
        return least or 1
    return node.value


def _fraction(node: yamlfile.Node, key: str, most: int, faults: Faults) -> Fraction:
    """An exact number above 0, at most `most`; written as text, so that 0.1 is a tenth."""
    try:
        number = Fraction(node.text)
        if 0 < number <= most:
            return number
    except (ValueError, ZeroDivisionError):
        pass
    faults.add(f"{key} cannot be {node.shape()}", node.place, f"a number above 0, at most {most}")
    return Fraction(1)


def _moe_layers(node: yamlfile.Node, layers: int, faults: Faults) -> tuple[int, ...]:
    """Layer ids of {first, last, every}; last is inclusive."""
    parts = [node.get(key) for key in ("first", "last", "every")]
    if not node.is_map or set(node.value) != {"first", "last", "every"}:
        faults.add("moe_layers must say first, last and every", node.place, "{first: 3, last: 60, every: 1}")
        return ()
    first, last, every = (
        _whole(part, key, least, faults)
        for part, key, least in zip(parts, ("first", "last", "every"), (0, 0, 1), strict=False)
    )
    if not first <= last < layers:
        faults.add(f"moe_layers {first} to {last} of {layers} layers", node.place, "first <= last < layers")
        return ()
    return tuple(range(first, last + 1, every))


def _utilisation(node: yamlfile.Node, faults: Faults) -> tuple[tuple[int | None, Fraction], ...]:
    """Rows (most tokens, share) with rising tokens; the last is for any number, None."""
    rows: list[tuple[int | None, Fraction]] = []
    for row in node.value if node.is_list else ():
        if not row.is_map or set(row.value) != {"tokens", "share"}:
            faults.add("a row of utilisation must say tokens and share", row.place, "{tokens: 128, share: 0.50}")
            continue
        tokens, share = row.value["tokens"], row.value["share"]
        most = None if tokens.value == "any" else _whole(tokens, "tokens", 1, faults)
        rows.append((most, _fraction(share, "share", 1, faults)))
    limits = [most for most, _ in rows]
    bounds = [most for most in limits[:-1] if most is not None]
    if not rows or limits[-1] is not None or limits[:-1] != sorted(set(bounds)):
        faults.add(
            "utilisation must be rows with rising tokens, the last for any",
            node.place,
            "- {tokens: any, share: 0.69} at the end",
        )
    return tuple(rows)
