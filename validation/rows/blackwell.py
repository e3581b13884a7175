"""The packages of the B200 family as rows name them, with their matrix units and the links they stand on."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from chipweave import topology
from chipweave.errors import nearest
from chipweave.kernel_models.package import Package
from chipweave.ledger import NotModelled, Question

from .packages import load

NAMES = ("gb300", "gb200", "b300", "b200")
FIGURES = files("chipweave.validation") / "calibrated" / "b200.yaml"


@cache
def figures() -> dict[str, float]:
    """{name: value} of programs on B200, from calibration rows."""
    return {k: v["value"] for k, v in yaml.safe_load(FIGURES.read_text(encoding="utf-8")).items()}


@cache
def named(device: str) -> str | None:
    """The topology that a device's first word names, or None."""
    if device.endswith((".yaml", ".yml")):
        return device
    words = device.lower().split()
    return words[0] if words and words[0] in NAMES else None


def package(q: Question) -> Package | NotModelled:
    """The package of a row."""
    name = named(q.device)
    if name is None:
        near = nearest(q.device.lower(), NAMES)
        return NotModelled(f"device '{q.device}' is not described{f'; nearest: {near}' if near else ''}")
    return load(name)


@cache
def tensor(name: str) -> Any:
    """The matrix units of a topology."""
    return topology.load(name).of_kind("gpu.tensor_units")[0]


def tensor_of(q: Question) -> Any | NotModelled:
    """The matrix units of a row's device."""
    found = package(q)
    return found if isinstance(found, NotModelled) else tensor(str(named(q.device)))


def peak(units: Any, dtype: str) -> float:
    """Dense peak for operands of a type, FLOP/s."""
    if "fp4" in dtype:
        return float(units.flops_4)
    return float(units.flops_8 if "8" in dtype else units.flops_16)
