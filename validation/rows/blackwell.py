"""What rows of the B200 family need beside their package: matrix units, links of a GPU, fitted values of programs."""

from __future__ import annotations

from functools import cache
from typing import Any

from chipweave import topology
from chipweave.kernel_models.nvlink_calls import Domain
from chipweave.kernel_models.package import Package
from chipweave.ledger import NotModelled, Question

from . import figures as calibrated
from .packages import package_named, topology_of

DOMAIN = "gb200_nvl72"
"""The NVLink domain whose links are taken for every GPU of the family: eighteen of the fifth generation each."""


def figures() -> dict[str, float]:
    """{name: value} of programs on B200, from calibration rows."""
    return calibrated.figures("b200")


def package(q: Question) -> Package | NotModelled:
    """The package of a row."""
    return package_named(q.device)


@cache
def tensor(name: str) -> Any:
    """The matrix units of a topology, or NotModelled where it has none."""
    found = topology.load(name).of_kind("gpu.tensor_units")
    return found[0] if found else NotModelled(f"{name} has no gpu.tensor_units")


def tensor_of(q: Question) -> Any | NotModelled:
    """The matrix units of a row's device."""
    found = package(q)
    return found if isinstance(found, NotModelled) else tensor(str(topology_of(q.device)))


@cache
def link_rate() -> float:
    """What a GPU's links carry one way beneath a kernel, bytes/s."""
    return links() * figures()["nvlink_share"]


@cache
def links() -> float:
    """Payload of a GPU's links one way, bytes/s."""
    system = topology.load(DOMAIN)
    switch: Any = system.parts["switch"]
    return float(switch.fabric(system.networks["nvlink"]).bandwidth)


def domain() -> Domain:
    """The links of a GPU of the family as calls see them."""
    known = figures()
    return Domain(link_rate(), known["nccl_call_s"], known["nccl_step_s"], known["gemm_floor_bf16_s"])


def peak(units: Any, dtype: str) -> float:
    """Dense peak for operands of a type, FLOP/s."""
    if "fp4" in dtype:
        return float(units.flops_4)
    return float(units.flops_8 if "8" in dtype else units.flops_16)
