"""What the kernel libraries decide and what was fitted, read from YAML: `chipweave/data/serving/`.

A table says what a library does, with its source; `calibrated.yaml` has the fitted figures, each with the calibration
rows it came from. A die of another maker brings a table of its own (`attention_table(path)`)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from chipweave.declare import yamlfile
from chipweave.errors import BadInput, Fault, Place, nearest
from chipweave.io.remembered import by_file
from chipweave.kernel_models.attention import SPLITS, AttentionKernel
from chipweave.kernel_models.fused_moe import TILES, MoeStack

FOLDER = files("chipweave") / "data" / "serving"
CALIBRATED = Path(str(FOLDER / "calibrated.yaml"))
PACKAGES = FOLDER / "packages"
KEYS = ("schema", "about", "sources", "kernels", "instead")


@cache
def figures() -> dict[str, float]:
    """{figure: value} of calibrated.yaml, SI units."""
    tree = yamlfile.load(CALIBRATED).plain()
    return {name: float(entry["value"]) for name, entry in tree["figures"].items()}


@cache
def device() -> str:
    """The device that the figures of calibrated.yaml were fitted to."""
    return str(yamlfile.load(CALIBRATED).value["device"].value)


@cache
def package_figures(name: str) -> dict[str, float]:
    """{figure: value} of the programs of a family of packages, SI units: a file of data/serving/packages.

    Raises:
        BadInput: there is none.
    """
    known = sorted(f.name.removesuffix(".yaml") for f in PACKAGES.iterdir())
    if name not in known:
        raise BadInput(
            Fault(f"no figures of packages '{name}'", allowed=", ".join(known), nearest=nearest(name, known))
        )
    tree = yamlfile.load(Path(str(PACKAGES / f"{name}.yaml"))).plain()
    return {figure: float(entry["value"]) for figure, entry in tree.items()}


@cache
def fitted_stacks() -> dict[str, dict[str, str]]:
    """{kind: {parameter: text}} of the communication stacks that are fitted."""
    return yamlfile.load(CALIBRATED).value["stacks"].plain()


@by_file
def attention_table(path: str = "") -> tuple[dict[str, AttentionKernel], dict[str, str]]:
    """({name: kernel}, {framework-form: framework-form taken instead}) of a table of attention kernels.

    Raises:
        BadInput: a key or value that a kernel does not have, with its place.
    """
    tree = yamlfile.load(Path(path or str(FOLDER / "attention.yaml")))
    faults = [
        Fault(f"unknown key {k!r}", tree.keys[k], ", ".join(KEYS), nearest(k, KEYS))
        for k in tree.value
        if k not in KEYS
    ]
    kernels = _read(tree.value["kernels"], AttentionKernel, "splits", SPLITS, faults)
    return kernels, tree.value["instead"].plain() or {}


@by_file
def moe_stacks(path: str = "") -> dict[str, MoeStack]:
    """{name: stack} of a table of fused MoE stacks; BadInput as `attention_table`."""
    tree = yamlfile.load(Path(path or str(FOLDER / "moe.yaml")))
    return _read(tree.value["stacks"], MoeStack, "tiles", TILES, [])


def moe_stack(name: str) -> MoeStack:
    """The stack with its fitted figures, such as "sglang-triton".

    Raises:
        BadInput: there is none.
    """
    stacks = moe_stacks()
    if name not in stacks:
        raise BadInput(Fault(f"no MoE stack {name}", allowed=", ".join(stacks), nearest=nearest(name, stacks)))
    return replace(stacks[name], kernel_s=figures()[f"{name}.kernel_s"])


def _read(
    entries: yamlfile.Node, kind: type[Any], choice: str, allowed: Collection[str], faults: list[Fault]
) -> dict[str, Any]:
    """{name: kind(...)} of a mapping Node; `choice` is the field that names one of `allowed`."""
    types = {
        f.name: {"int": int, "bool": bool, "float": float, "str": str}[str(getattr(f.type, "__name__", f.type))]
        for f in fields(kind)
    }
    made: dict[str, Any] = {}
    for name, node in entries.value.items():
        for key, value in node.value.items():
            faults += _wrong(name, key, value, node.keys[key], types, choice, allowed)
        made[name] = None if faults else kind(**node.plain())
    if faults:
        raise BadInput(faults)
    return made


def _wrong(
    name: str,
    key: str,
    node: yamlfile.Node,
    place: Place,
    known: dict[str, type[Any]],
    choice: str,
    allowed: Collection[str],
) -> list[Fault]:
    if key not in known:
        return [Fault(f"{name} has no {key!r}", place, ", ".join(known), nearest(key, known))]
    kind = known[key]
    right = isinstance(node.value, (int, float)) if kind is float else isinstance(node.value, kind)
    if kind is not bool and isinstance(node.value, bool):
        right = False
    if not right:
        return [Fault(f"{name}.{key} cannot be {node.shape()}", node.place, kind.__name__)]
    if key == choice and node.value not in allowed:
        return [
            Fault(
                f"{name}.{key} cannot be {node.value!r}", node.place, ", ".join(allowed), nearest(node.value, allowed)
            )
        ]
    return []


def attention_kernel(framework: str, form: str, phase: str, kv: str) -> AttentionKernel:
    """The kernel with its fitted figures.

    Args:
        framework: "vllm", "sglang" or "trtllm".
        form: "gqa" or "mla".
        phase: "decode" or "prefill".
        kv: type of the cache, "bfloat16" or "fp8".

    Raises:
        BadInput: there is none.
    """
    kernels, instead = attention_table()
    name = f"{instead.get(f'{framework}-{form}', f'{framework}-{form}')}-{phase}-{kv}"
    if name not in kernels:
        raise BadInput(Fault(f"no attention kernel {name}", allowed=", ".join(kernels), nearest=nearest(name, kernels)))
    fitted = figures()
    return replace(
        kernels[name],
        floor_s=fitted[f"{name}.floor_s"],
        sync_s=fitted[f"{name}.sync_s"],
        helper_s=fitted["graph_kernel_s"],
    )
