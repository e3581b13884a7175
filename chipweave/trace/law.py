"""The law of a model's made-up traces: one YAML file of numbers, each with where it comes from.

`chipweave/data/laws/MODEL.yaml` holds the law of a shipped model; `--law FILE` names another.
chipweave/trace/popularity.py and chipweave/trace/generate.py say what each number does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chipweave.declare import yamlfile
from chipweave.declare.params import check_head
from chipweave.declare.provenance import Source, split
from chipweave.errors import BadInput, Fault, nearest
from chipweave.io.remembered import by_file

SCHEMA = "chipweave.law/1"
FOLDER = Path(__file__).parent.parent / "data" / "laws"
FAMILIES = ("lognormal", "weibull")
# name -> (least, most, default or None where it must be stated, what it is)
NUMBERS: dict[str, tuple[float, float, float | None, str]] = {
    "decode_shape": (0.01, 5, None, "sigma (lognormal) or shape k (weibull) of a layer's loads in the answers, median"),
    "decode_spread": (0, 2, 0, "its standard deviation over layers"),
    "prefill_shape": (0.01, 5, None, "the same for prompts"),
    "prefill_spread": (0, 2, 0, "its standard deviation over layers"),
    "ceiling": (0, 1000, 0, "soft bound of an expert's load over the mean; 0: none"),
    "group_variance": (0, 0.99, 0, "share of log-popularity's variance that a whole group of experts has in common"),
    "phase_correlation": (-1, 1, 0.8, "rank correlation of prompt and answer loads, median over layers"),
    "phase_spread": (0, 0.5, 0, "its standard deviation over layers"),
    "request_concentration": (
        0.5,
        1e6,
        1e6,
        "Dirichlet concentration of a request's own popularity around the layer's",
    ),
    "topics": (0, 256, 0, "latent topics that tie the layers of a token, and its experts within a layer, together"),
    "topic_share": (0, 1, 0, "share of fresh draws that follow the topic"),
    "topic_concentration": (0.5, 1e6, 100, "Dirichlet concentration of a topic's popularity around the layer's"),
    "topics_of_a_request": (0.01, 1e6, 4, "Dirichlet concentration of a request's topics"),
    "topic_stays": (0, 1, 0.5, "probability that the next token keeps the topic"),
    "kept_first": (0, 1, 0, "share of experts the next token keeps (token overlap), first MoE layer"),
    "kept_second": (0, 1, 0, "the same, second MoE layer"),
    "kept_middle": (0, 1, 0, "the same, from a tenth of the depth on"),
    "kept_last": (0, 1, 0, "the same, last MoE layer"),
    "prompt_mean": (2, 1e5, 100, "mean tokens of a prompt"),
    "prompt_sigma": (0, 3, 0.6, "sigma of the prompts' lognormal lengths"),
    "task_correlation": (0, 1, 0.4, "rank correlation of the loads of two tasks"),
    "language_correlation": (0, 1, 0.2, "the same of two languages"),
}
WORDS = ("schema", "name", "title", "family", "targets")


@dataclass(frozen=True)
class Law:
    """A law's numbers.

    numbers: name -> value; targets: statistic of `trace stats` -> (least, most); sources: name -> where it is from.
    """

    name: str
    title: str
    family: str
    numbers: dict[str, float]
    targets: dict[str, tuple[float, float]] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)

    def __getattr__(self, name: str) -> float:
        """law.NAME is its number of that name."""
        numbers = self.__dict__.get("numbers", {})
        if name in numbers:
            return numbers[name]
        raise AttributeError(name)

    def __hash__(self) -> int:
        return hash(tuple(self.key().items()))

    def key(self) -> dict[str, float | str]:
        """What a trace made by this law depends on."""
        return {"name": self.name, "family": self.family, **self.numbers}


def names() -> list[str]:
    """The laws that ship."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load(name_or_path: str) -> Law:
    """The law of a shipped name or of a YAML file; raises `BadInput` with every fault of the file."""
    text = str(name_or_path)
    if text in names():
        return _load(FOLDER / f"{text}.yaml")
    if Path(text).suffix in (".yaml", ".yml"):
        return read(yamlfile.load(Path(text)))
    raise BadInput(
        Fault(f"unknown law {text!r}", allowed=", ".join(names()) + ", or a .yaml file", nearest=nearest(text, names()))
    )


def of_model(model: Any) -> Law:
    """The law of a Model: its own, else that of the shipped model whose gate is most like it.

    A guess where the model has no law of its own: groups like DeepSeek-V3's, top-1 like Llama 4's, else Qwen3's.
    """
    if model.name in names():
        return load(model.name)
    if model.groups_used < model.groups:
        return load("deepseek-v3")
    return load("llama4-maverick" if model.top_k == 1 else "qwen3-235b")


@by_file
def _load(path: Path) -> Law:
    """The law of a shipped file, read once."""
    return read(yamlfile.load(path))


def read(root: yamlfile.Node) -> Law:
    """A `Law` from the root Node of a YAML file."""
    known = (*WORDS, *NUMBERS)
    needed = ("schema", "name", "family", *(key for key, (_, _, default, _) in NUMBERS.items() if default is None))
    faults = check_head(root, "law", SCHEMA, known, needed)
    numbers: dict[str, float] = {}
    origins: dict[str, Source] = {}
    for key, (least, most, default, words) in NUMBERS.items():
        node = root.get(key)
        if node is None:
            numbers[key] = 0 if default is None else default  # one without a default is there: `needed`
            continue
        node, origin = split(node, faults)
        if origin:
            origins[key] = origin
        numbers[key] = _number(node, key, least, most, words, faults)
    family, origin = split(root.value["family"], faults)
    if family.value not in FAMILIES:
        faults.add(
            f"family cannot be {family.shape()}", family.place, ", ".join(FAMILIES), nearest(family.text, FAMILIES)
        )
    targets = _targets(root.get("targets"), faults)
    faults.raise_if_any()
    numbers["topics"] = int(numbers["topics"])
    title = root.get("title")
    return Law(root.value["name"].text, title.text if title else "", family.text, numbers, targets, origins)


def _number(node: yamlfile.Node, key: str, least: float, most: float, words: str, faults: Any) -> float:
    """A number from `least` to `most`, or one to go on with after a fault."""
    try:
        value = float(node.text)
        if least <= value <= most:
            return value
    except (ValueError, TypeError):
        pass
    faults.add(f"{key} cannot be {node.shape()}: {words}", node.place, f"a number, {least} to {most}")
    return least or 1.0


def _targets(node: Any, faults: Any) -> Any:
    """{statistic: (least, most)} of what traces by this law should show; used by tests and by `trace stats`."""
    found = {}
    for name, bounds in node.value.items() if node is not None and node.is_map else ():
        bounds, _ = split(bounds, faults)
        try:
            least, most = (float(each.text) for each in bounds.value)
            found[name] = (least, most)
        except (ValueError, TypeError, AttributeError):
            faults.add(f"target {name} must be two numbers", bounds.place, "[least, most]")
    return found
