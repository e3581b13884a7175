"""What a row's `device` names among packages of several dies: the topology, and the package it describes."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from chipweave import topology
from chipweave.errors import BadInput, nearest
from chipweave.kernel_models.package import Package, package_of
from chipweave.ledger import NotModelled

from .units import Stated

SHIPPED = ("b200", "b200_78_70", "b300", "b300_158", "gb200", "gb300", "mi210", "mi250x", "mi300a", "mi300x")
ONE_DIE = {"b200": "b200_one_die", "mi300x": "mi300x_one_l2", "mi300a": "mi300a_one_l2"}
"""Packages -> what a model of one die with one L2 makes of the same parts."""
DEVICES = {name: name for name in (*SHIPPED, *ONE_DIE.values())} | {"mi250": "mi250x"}
"""First word of a device, lower case -> its topology."""

MODES = {("spx", "nps1"): "", ("spx", "nps4"): "_nps4", ("cpx", "nps1"): "_cpx", ("cpx", "nps4"): "_cpx_nps4"}
"""Partition modes of MI300X -> what its topology's name ends in."""

MHZ = re.compile(r"^(\d+(?:\.\d+)?) MHz$")


VARIANTS = {("b300", "158 sms"): "b300_158"}
"""First word of a device and words that it contains -> the topology of the variant."""


def topology_of(device: str) -> str | None:
    """Name or file of a device's topology, or None."""
    if device.endswith((".yaml", ".yml")):
        return device
    for (first, inside), name in VARIANTS.items():
        if device.lower().startswith(first) and inside in device.lower():
            return name
    words = device.lower().split()
    return DEVICES.get(words[0]) if words else None


def package_named(device: str, mode: str = "") -> Stated:
    """The package of a device, in a partition mode such as "CPX/NPS4" where one is given."""
    name = topology_of(device)
    if name is None:
        near = nearest(device.lower(), tuple(DEVICES))
        return NotModelled(f"device '{device}' is not described{f'; nearest: {near}' if near else ''}")
    if mode:
        partition, _, memory = mode.lower().partition("/")
        ending = MODES.get((partition, memory))
        if ending is None or name != "mi300x":
            return NotModelled(f"partition mode {mode} of {device} is not described")
        name += ending
    return load(name)


@cache
def load(name: str) -> Package | NotModelled:
    """The package of a topology."""
    try:
        return package_of(topology.load(name))
    except (BadInput, ValueError) as error:
        return NotModelled(f"{name} is no package of compute and I/O dies: {error}")


@cache
def rules(name: str | None) -> Any:
    """The `gpu.package` part of a topology, or None."""
    found = topology.load(name).of_kind("gpu.package") if name is not None else ()
    return found[0] if found else None


def clock_hz(text: str, package: Package) -> float:
    """The clock that a row states ("2092 MHz"), or the package's."""
    stated = MHZ.match(text.strip())
    return float(stated[1]) * 1e6 if stated else float(package.die.clock)
