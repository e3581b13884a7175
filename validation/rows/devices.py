"""What a row's `device` names: the die's topology, the node's topology, the clock. One place for every case.

A device may also be a topology by name or a file of one's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from chipweave import topology
from chipweave.declare import units
from chipweave.ledger import NotModelled

DIES = {"gh200": "gh200", "h200": "h200", "h100": "h100_sxm", "h800": "h800"}
BOARDS = {("h100", "pcie"): "h100_pcie", ("h800", "pcie"): "h800_pcie", ("h100", "nvl"): "h100_nvl"}
NODES = {"h100": "dgx_h100", "h200": "dgx_h100", "h800": "dgx_h800"}
"""Eight SXM boards on NVSwitches; the other boards and GH200 have none that is described."""
OTHERS = {
    "v100",
    "a100",
    "a800",
    "h20",
    "b100",
    "b200",
    "b300",
    "gb200",
    "gb300",
    "a10",
    "a30",
    "a40",
    "l4",
    "l40",
    "l40s",
    "t4",
    "mi250",
    "mi300x",
}
FILES = (".yaml", ".yml")
"""How a topology of one's own ends."""

DIE_PARTS = ("sm", "llc", "hbm")
CLOCK = re.compile(r"^(?P<number>\d+(?:\.\d+)?) ?(?P<unit>[MG]Hz)$")


@dataclass(frozen=True)
class Device:
    """A die as a row has it: its topology, and the SM clock where the row states another ("" if not)."""

    topology: str
    clock: str = ""

    @property
    def sets(self) -> tuple[str, ...]:
        """Overrides that put the die at that clock; the miss path is taken to run with it, as in the topologies."""
        return (f"sm.clock={self.clock}", f"hbm.controller_clock={self.clock}") if self.clock else ()

    @property
    def clock_hz(self) -> float:
        """SM clock, float."""
        return float(units.parse(self.clock, "frequency") if self.clock else boost(self.topology))

    @property
    def sms(self) -> int:
        """SMs of the die."""
        return parts(self.topology)["sm"].sms


def words(device: str) -> list[str]:
    """The words of a device, lower case: what stands in brackets and a count in front of a name are left out."""
    plain = re.sub(r"\([^)]*\)", " ", device.lower())
    return [re.sub(r"^\d+x(?=\D)", "", w) for w in re.findall(r"[a-z0-9]+", plain)]


def family(device: str) -> tuple[str, str] | None:
    """(GPU, board) as DIES and BOARDS name them, or None: none of them, or several that a row does not tell apart."""
    found = words(device)
    gpus = {w for w in found if w in DIES or w in OTHERS}
    if len(gpus) != 1 or not gpus <= set(DIES):
        return None
    gpu = gpus.pop()
    return gpu, next((w for w in found if (gpu, w) in BOARDS), "")


def topology_of(device: str) -> str | None:
    """Name or file of the die's topology, or None for a device that is not described."""
    if device.endswith(FILES):
        return device
    named = family(device)
    return BOARDS.get(named, DIES[named[0]]) if named else None


def node_of(device: str) -> str | None:
    """Name or file of the NVSwitch node's topology, or None where the boards have none."""
    if device.endswith(FILES):
        return device
    named = family(device)
    return NODES.get(named[0]) if named and not named[1] else None


def device_of(question: Any) -> Any:
    """The `Device` of a row, or NotModelled (which `first_missing` finds).

    A clock that is a bound ("<=1755 MHz") or not stated is the topology's.
    """
    name = topology_of(question.device)
    if not name:
        return NotModelled(f"device '{question.device}' names no GPU that is described, or several")
    missing = [part for part in DIE_PARTS if part not in parts(name)]
    if missing:
        return NotModelled(f"device {name} is no die: its topology has no part {', '.join(missing)}")
    stated = CLOCK.match(question.clock.strip())
    clock = f"{stated['number']} {stated['unit']}" if stated else ""
    return Device(name, clock if clock and units.parse(clock, "frequency") != boost(name) else "")


@cache
def parts(name: Any) -> Any:
    """The parts of a die's topology by name."""
    return topology.load(name).parts


def boost(name: str) -> Any:
    """The SM clock of a topology, Fraction of Hz."""
    return parts(name)["sm"].clock
