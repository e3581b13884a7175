"""What a server runs on: the GPU's die, the node and its links, how many nodes. `chipweave/data/serving/systems` or a
file.

schema: chipweave.server/1
name: mine
die: h100_sxm        # a topology that has sm, llc and hbm, or a package of several dies
node: dgx_h100       # a topology that has a switch, a network nvlink and adapters
nodes: 2
programs: b200       # where the die is a package: whose figures of kernels (chipweave/data/serving/packages)
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

from chipweave import topology
from chipweave.declare import yamlfile
from chipweave.declare.params import check_head
from chipweave.errors import BadInput, Fault, nearest
from chipweave.io.remembered import by_file
from chipweave.kernel_models.chip import FITTED, Chip, chip_of_parts
from chipweave.kernel_models.package import package_of
from chipweave.kernel_models.package_library import Library
from chipweave.serving import library
from chipweave.topology.system import System

FOLDER = files("chipweave") / "data" / "serving" / "systems"
KEYS = ("schema", "name", "about", "die", "node", "nodes", "programs")
PACKAGE = ("gpu.compute_die", "gpu.io_die", "gpu.tensor_units")
"""Kinds that a package of several dies has."""
MOST_NODES = 4096


class Fabric(Protocol):
    """A node's links as collectives see them: `ranks` GPUs; bytes/s of a GPU's port, and of its adapter or 0."""

    @property
    def ranks(self) -> int: ...

    @property
    def bandwidth(self) -> Fraction: ...

    @property
    def adapter(self) -> Fraction: ...

    def links(self, ranks: int, exchange: bool = False) -> Any: ...


@dataclass(frozen=True)
class Server:
    """Dies and links of a system that serves.

    gpus_per_node, nodes; memory_bytes of one GPU; chip: its die; fabric: the node's links as collectives see them
    package: kernels on a GPU of several dies, whose `chip` then says SMs, clock and memory alone; None: one die
    die: the topology of a GPU
    """

    name: str
    chip: Chip
    memory_bytes: int
    fabric: Fabric
    nodes: int
    package: Library | None = None
    die: str = ""

    @property
    def gpus(self) -> int:
        return self.fabric.ranks * self.nodes


@by_file
def load(name: str) -> Server:
    """A system by name, or a file.

    Raises:
        BadInput: unknown, or a file with faults, each with its place.
    """
    known = sorted(f.name.removesuffix(".yaml") for f in FOLDER.iterdir() if f.name.endswith(".yaml"))
    path = Path(name if name.endswith((".yaml", ".yml")) else str(FOLDER / f"{name}.yaml"))
    if not path.is_file():
        raise BadInput(
            Fault(
                f"no system '{name}' that serves",
                allowed=", ".join(known) + ", or a file",
                nearest=nearest(name, known),
            )
        )
    root = yamlfile.load(path)
    faults = check_head(root, "server", "chipweave.server/1", KEYS, ("schema", "name", "die", "node"))
    given: dict[str, yamlfile.Node] = root.value
    nodes = given.get("nodes", root)
    count = nodes.value if "nodes" in given else 1
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST_NODES:
        faults.add(f"nodes cannot be {nodes.shape()}", nodes.place, f"a whole number from 1 to {MOST_NODES}")
    faults.raise_if_any()
    die, node = (topology.load(str(given[k].value)) for k in ("die", "node"))
    several = all(die.of_kind(kind) for kind in PACKAGE)
    for system, key, parts in ((die, "die", ("sm", "llc", "hbm")), (node, "node", ("switch",))):
        missing = [p for p in parts if p not in system.parts]
        if missing and not (system is die and several):
            faults.add(f"{key} {given[key].value} has no part {', '.join(missing)}", given[key].place)
    if several != ("programs" in given):
        words = "is a package of dies: programs must say" if several else "is one die: it takes no programs that say"
        faults.add(f"die {given['die'].value} {words} whose figures of kernels are taken", given["die"].place)
    if "nvlink" not in node.networks:
        faults.add(f"node {given['node'].value} has no network nvlink", given["node"].place)
    faults.raise_if_any()
    switch: Any = node.parts["switch"]
    fabric = switch.fabric(node.networks["nvlink"], node.parts.get("adapter[0]"))
    if count > 1 and not fabric.adapter:
        raise BadInput(
            Fault(f"{count} nodes of {given['node'].value}, which has no adapter between nodes", nodes.place)
        )
    name, written = (str(given[key].value) for key in ("name", "die"))
    if several:
        kernels = _package(die, float(fabric.bandwidth), library.package_figures(str(given["programs"].value)))
        return Server(name, _outline(kernels), int(kernels.package.total("capacity")), fabric, count, kernels, written)
    memory: Any = die.parts["hbm"]
    return Server(name, _chip(die), int(memory.capacity), fabric, count, die=written)


def _chip(die: System) -> Chip:
    """The die with its fitted figures; what serves streams reads."""
    return chip_of_parts(die.name, die.parts).with_fit(**{k: library.figures()[k] for k in FITTED}).streaming()


def _package(die: System, links: float, figures: dict[str, float]) -> Library:
    """Kernels on a package of dies; BadInput where its dies do not make one."""
    try:
        return Library(package_of(die), die.of_kind("gpu.tensor_units")[0], links, figures)
    except ValueError as error:
        raise BadInput(f"{die.name} does not serve: {error}") from None


def _outline(kernels: Library) -> Chip:
    """SMs, clock and memory of a package, for what asks a server for them."""
    package = kernels.package
    clock, memory = float(package.die.clock), package.total("memory_bandwidth")
    return Chip("package", package.units, clock, memory, int(package.die.l2) * len(package.compute))
