"""Run files: a topology, a model, a workload, policies, a seed and overrides, as YAML.

    schema: chipweave.run/1
    topology: wafer_5x5
    preset: artifact
    model: deepseek-v2-lite
    trace: esft-law
    batch: 4096
    steps: 32
    strategies: [base, ep, allo, pred, allo+pred]     # for compare; `strategy: base` for run
    set: ["die.hbm.bandwidth=4 TB/s"]

A strategy is a name, a file, or the policies written out (chipweave/policy/strategy.py). Relative paths start at the
file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chipweave import trace
from chipweave.chain.rules import ADMISSIONS, WAIT_QUEUES
from chipweave.declare import registry, yamlfile
from chipweave.declare.params import Declared, Param, read_all
from chipweave.declare.user_code import FILE, Gate
from chipweave.errors import BadInput, Fault, Faults, nearest
from chipweave.io import shipped as topology_files
from chipweave.policy import strategy
from chipweave.run.spec import MOST, PRESET, STRATEGIES, RunSpec
from chipweave.trace import models

SCHEMA = "chipweave.run/1"


class RunFile(Declared):
    """The plain keys of a run file."""

    topology = Param("str", default="wafer_5x5", doc="name of a shipped topology, or a file")
    preset = Param("str", default=PRESET, doc="preset of behaviour laid over the topology")
    model = Param("str", default="deepseek-v3", doc="name of a shipped model, or a file")
    trace = Param(
        "str", default=None, doc="routing trace: a file or a shipped name; generated for the model where left out"
    )
    batch = Param("count", default=4096, low=1, high=MOST, doc="requests decoded together")
    steps = Param("count", default=128, low=1, high=MOST, doc="steps of the trace, the prefill counts as one")
    link_model = Param(
        "choice",
        default=None,
        choices=registry.link_models.kinds,
        doc="how links are shared; the topology's where left out",
    )
    admission = Param(
        "choice", default=None, choices=ADMISSIONS, doc="how held resources are granted; the preset's where left out"
    )
    wait_queue = Param("choice", default=None, choices=WAIT_QUEUES, doc="order of waiters; the preset's where left out")
    seed = Param("count", default=1, high=2**63 - 1, doc="of generated traces")


FILES = ("topology", "trace", "model", "preset")
LISTS = {"strategies": lambda: STRATEGIES, "link_models": registry.link_models.kinds, "set": tuple}
OTHER = ("schema", "strategy", *LISTS)


def shipped() -> dict[str, Path]:
    """name -> path of the run files of a checkout's examples: `demo`, `dead_die`, ..."""
    folder = Path(__file__).resolve().parents[2] / "examples"
    return {
        p.parent.name if p.stem == "run" else p.stem: p
        for p in sorted([*folder.glob("*.yaml"), *folder.glob("*/run.yaml")])
    }


def find(name: Any) -> Any:
    """The path of a run file: a file that is there, else one of shipped(); BadInput with the nearest name."""
    names, path = shipped(), Path(name)
    if path.is_file() or name not in names and path.exists() and not path.is_dir():
        return path
    if name not in names:
        what = f"{name} is a folder" if name and path.is_dir() else f"no run file {name!r}"
        raise BadInput(
            Fault(what, allowed="a path" + (", or " + ", ".join(names) if names else ""), nearest=nearest(name, names))
        )
    return names[name]


def load(
    path: str | Path, single: bool = False, options: Mapping[str, Any] | None = None
) -> tuple[RunSpec, list[str] | None, list[str] | None]:
    """(RunSpec, strategies or None, link models or None) of a run file; raises BadInput with every fault of it.

    single: the file is to say one run: what only a list says must be a list of one, unless it is in `options`.
    """
    root = yamlfile.load(Path(path))
    faults = Faults()
    if not root.is_map:
        raise BadInput(Fault(f"a run file is a mapping, not {root.shape()}", root.place))
    lists = {key: _texts(root.get(key), key, faults) for key in LISTS}
    schema = root.get("schema")
    if schema is None or schema.value != SCHEMA:
        faults.add("a run file says its schema", root.place, f"schema: {SCHEMA}")
    known = [*RunFile.params, *OTHER]
    for key in root.value:
        if key not in known:
            faults.add(f"a run file has no key {key!r}", root.keys[key], ", ".join(known), nearest(key, known))
    plain = type(root)({k: v for k, v in root.value.items() if k in RunFile.params}, root.place, keys=root.keys)
    values, _ = read_all(RunFile.params, plain, faults, "a run file")
    faults.raise_if_any()
    folder = Path(path).resolve().parent
    _check_names(root, values, folder, faults)
    faults.raise_if_any()
    _check_lists(root, lists, faults)
    faults.raise_if_any()
    _check_written_out(root.get("strategy"), folder, faults)
    options = options or {}
    given = root.get("strategy") or (
        _only(root, "strategies", faults) if single and not options.get("strategy") else None
    )
    model = root.get("link_model") or (
        _only(root, "link_models", faults) if single and not options.get("link_model") else None
    )
    faults.raise_if_any()
    values["link_model"] = model.text if model else values["link_model"]
    values["strategy"] = (
        "base" if given is None else _beside(given.text, folder) if given.is_scalar else _frozen(given.plain())
    )
    strategies = lists["strategies"] and [_beside(name, folder) for name in lists["strategies"]]
    for key in FILES:
        values[key] = _beside(values[key], folder)
    spec = RunSpec(**values, sets=tuple(_set_beside(text, folder) for text in lists["set"] or ()), folder=str(folder))
    return spec, strategies, lists["link_models"]


def _check_names(root: yamlfile.Node, values: dict[str, int | str | None], folder: Path, faults: Faults) -> None:
    """Every name in the file stands for something that is there; what is inside is checked when it is loaded."""
    known = {
        "topology": topology_files.shipped(),
        "preset": topology_files.shipped("presets"),
        "model": models.names(),
        "trace": trace.names(),
        "strategy": strategy.shipped(),
    }
    named = [(key, root.get(key)) for key in ("topology", "preset", "model", "trace", "strategy")]
    listed = root.get("strategies")
    named += [("strategy", item) for item in (listed.value if listed else ())]
    for key, node in named:
        if node is None or not node.is_scalar or node.text in known[key]:
            continue
        if not Path(_beside(node.text, folder)).exists():
            faults.add(
                f"no such {key}: {node.text!r}",
                node.place,
                "a file, or " + ", ".join(known[key]),
                nearest(node.text, known[key]),
            )


def _check_lists(root: yamlfile.Node, lists: dict[Any, Any], faults: Faults) -> None:
    """A list says what to compare: something, and each once."""
    for key in ("strategies", "link_models"):
        names = lists[key]
        if names is None:
            continue
        node = root.value[key]
        if not names:
            faults.add(f"{key} is empty", node.place, "at least one of " + ", ".join(LISTS[key]()))
        for item, name in zip(node.value, names, strict=False):
            if names.count(name) > 1 and item is not node.value[names.index(name)]:
                faults.add(f"{name!r} is there twice", item.place, "each once")


def _check_written_out(node: yamlfile.Node | None, folder: Path, faults: Faults) -> None:
    """Policies written out in the file are held to what they declare here, where their lines are known."""
    if node is None or node.is_scalar:
        return
    try:
        strategy.read(node, "", gate=Gate(), folder=folder, ask_leave=False)
    except BadInput as error:
        faults.found += error.faults


def _only(root: yamlfile.Node, key: str, faults: Faults) -> yamlfile.Node | None:
    """The one entry of a list that stands where the single key might, or None."""
    node = root.get(key)
    if node is not None and len(node.value) > 1:
        faults.add(
            f"{key} has {len(node.value)} entries, and `run` is one simulation",
            root.keys[key],
            "one entry; chipweave compare runs them all",
        )
    return node.value[0] if node is not None else None


def _texts(node: yamlfile.Node | None, key: str, faults: Faults) -> list[str] | None:
    """A list of names, None where it is left out or wrong (with a fault)."""
    if node is None:
        return None
    if not node.is_list or not all(item.is_scalar for item in node.value):
        faults.add(
            f"{key} must be a list of names", node.place, ", ".join(LISTS[key]()) or "[part.parameter=value, ...]"
        )
        return None
    if key == "link_models":
        known = registry.link_models.kinds()
        for item in node.value:
            if item.text not in known:
                what = f"no such link model: {item.text!r}"
                faults.add(what, item.place, ", ".join(known), nearest(item.text, known))
    if key == "set":
        paths = [item.text.partition("=")[0].strip() for item in node.value]
        for number, item in enumerate(node.value):
            if paths[number] in paths[:number]:
                faults.add(f"set: {paths[number]} is set twice", item.place, "each path once")
    return [item.text for item in node.value]


def _beside(name: str, folder: Path) -> str:
    """A file named relative to the run file; names of shipped things stay as they are."""
    if name and ("/" in name or Path(name).suffix) and not Path(name).is_absolute():
        return str(folder / name)
    return name


def _set_beside(text: str, folder: Path) -> str:
    """A setting whose value is a file of code, named relative to the run file."""
    path, equals, value = text.partition("=")
    return f"{path}{equals}{folder / value.strip()}" if FILE.match(value.strip()) else text


def _frozen(mapping: Any) -> Any:
    """A mapping as something hashable that `dict` gives back."""
    return tuple((k, tuple(v.items()) if isinstance(v, dict) else v) for k, v in mapping.items())
