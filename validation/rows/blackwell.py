"""What rows of the B200 family need beside their package: matrix units, links of a GPU, fitted values of programs."""

from __future__ import annotations

from functools import cache
from typing import Any

from chipweave import topology
from chipweave.kernel_models.nvlink_calls import Domain
from chipweave.kernel_models.package import Package
from chipweave.kernel_models.package_library import Library
from chipweave.ledger import NotModelled, Question
from chipweave.serving.library import package_figures

from .packages import load, package_named, topology_of
from .units import Stated, first_missing

DOMAIN = "gb200_nvl72"
"""The NVLink domain whose links are taken for every GPU of the family: eighteen of the fifth generation each."""


def figures() -> dict[str, float]:
    """{name: value} of programs on B200, from calibration rows."""
    return package_figures("b200")


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
def links() -> float:
    """Payload of a GPU's links one way, bytes/s."""
    system = topology.load(DOMAIN)
    switch: Any = system.parts["switch"]
    return float(switch.fabric(system.networks["nvlink"]).bandwidth)


@cache
def library_named(name: str) -> Library:
    """Kernels on the package of a topology with matrix units."""
    found = load(name)
    assert isinstance(found, Package), f"{name} is a package of dies"
    return Library(found, tensor(name), links(), figures())


def library(q: Question) -> Stated:
    """Kernels on the package of a row."""
    missing = first_missing(package(q), tensor_of(q))
    return library_named(str(topology_of(q.device))) if missing is None else missing


def domain() -> Domain:
    """The links of a GPU of the family as calls see them."""
    return library_named("b200").domain


def link_rate() -> float:
    """What a GPU's links carry one way beneath a kernel, bytes/s."""
    return domain().rate
