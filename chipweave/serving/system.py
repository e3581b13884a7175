"""What a server runs on: the GPU's die, the node and its links, how many nodes. `chipweave/data/serving/systems` or a
file.

schema: chipweave.server/1
name: mine
die: h100_sxm        # a topology that has sm, llc and hbm, or a package of several dies
node: dgx_h100       # a topology that has a switch, a network nvlink and adapters
nodes: 2
programs: b200       # where the die is a package: whose figures of kernels (chipweave/data/serving/packages)

Or, in place of node and nodes, a composed system, which simulates the experts and the tokens' way to them:

composed: wafer_5x5  # a topology of dies that compute; the memory of its dies takes the place of that of `die`
fp8_peak: 1979 TFLOPS    # 8-bit rate of a die: of experts in FP8; the tensor rate of `die` is scaled to it
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

from chipweave import topology
from chipweave.declare import provenance, units, yamlfile
from chipweave.declare.params import check_head
from chipweave.errors import BadInput, Fault, Faults, nearest
from chipweave.io.remembered import by_file
from chipweave.kernel_models.chip import FITTED, Chip, chip_of_parts
from chipweave.kernel_models.package import package_of
from chipweave.kernel_models.package_library import Library
from chipweave.serving import library
from chipweave.serving.dies import dies_of
from chipweave.topology.inherited import inherited
from chipweave.topology.system import System

FOLDER = files("chipweave") / "data" / "serving" / "systems"
KEYS = ("schema", "name", "about", "die", "node", "nodes", "programs", "composed", "fp8_peak")
PACKAGE = ("gpu.compute_die", "gpu.io_die", "gpu.tensor_units")
"""Kinds that a package of several dies has."""
MOST_NODES = 4096
DIE_PARTS = ("sm", "llc", "hbm")

DATASHEET_CLOCK, FP8_FLOP = 1.83e9, 8192
"""Clock of NVIDIA's tensor peaks of Hopper SXM (H100: 132 SMs x 8192 flop x 1.83 GHz = 1,979 TFLOPS), 8-bit flop of an
SM and clock."""


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
class Mesh:
    """The links of a composed system where no message is simulated: `ranks` dies, the slowest link, no adapter."""

    ranks: int
    bandwidth: Fraction
    adapter: Fraction = Fraction(0)

    def links(self, ranks: int, exchange: bool = False) -> Any:
        """Messages of a composed system are simulated on its own network."""
        raise NotImplementedError(f"collectives of {ranks} dies, exchange {exchange}")


@dataclass(frozen=True)
class Server:
    """Dies and links of a system that serves.

    gpus_per_node, nodes; memory_bytes of one GPU; chip: its die; fabric: the node's links as collectives see them
    composed: the topology that simulates experts and tokens, "" where kernels are timed alone; fp8_peak: its 8-bit rate
    inherited: other device -> figures of it that its times rest on
    package: kernels on a GPU of several dies, whose `chip` then says SMs, clock and memory alone; None: one die
    die: the topology of a GPU
    """

    name: str
    chip: Chip
    memory_bytes: int
    fabric: Fabric
    nodes: int
    composed: str = ""
    fp8_peak: str = ""
    package: Library | None = None
    die: str = ""
    inherited: Mapping[str, int] = field(default_factory=dict)

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
    faults = check_head(root, "server", "chipweave.server/1", KEYS, ("schema", "name", "die"))
    given: dict[str, yamlfile.Node] = root.value
    if "composed" in given:
        return _composed(given, path.parent, faults)
    faults.raise_if_any()
    if "node" not in given or "fp8_peak" in given:
        what = "fp8_peak without composed" if "fp8_peak" in given else "a server says node or composed"
        raise BadInput(Fault(what, root.place, "node: dgx_h100, or composed: wafer_5x5"))
    nodes = given.get("nodes", root)
    count = nodes.value if "nodes" in given else 1
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST_NODES:
        faults.add(f"nodes cannot be {nodes.shape()}", nodes.place, f"a whole number from 1 to {MOST_NODES}")
    faults.raise_if_any()
    die, node = (topology.load(beside(str(given[k].value), path.parent)) for k in ("die", "node"))
    several = all(die.of_kind(kind) for kind in PACKAGE)
    for system, key, parts in ((die, "die", () if several else DIE_PARTS), (node, "node", ("switch",))):
        _check_parts(system, key, parts, given, faults)
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
        programs = str(given["programs"].value)
        kernels = _package(die, float(fabric.bandwidth), library.package_figures(programs))
        memory_bytes = int(kernels.package.total("capacity"))
        rests = rests_on(die, node, programs.upper(), len(library.package_figures(programs)))
        return Server(
            name, _outline(kernels), memory_bytes, fabric, count, package=kernels, die=written, inherited=rests
        )
    memory: Any = die.parts["hbm"]
    return Server(name, _chip(die), int(memory.capacity), fabric, count, die=written, inherited=rests_on(die, node))


def rests_on(die: System, node: System, fitted: str = "", figures: int = 0) -> dict[str, int]:
    """Other device -> figures of it in the files of die and node, and the fitted ones of kernels: `figures` of them to
    the device `fitted`, by default those of the kernel libraries."""
    found = Counter(inherited(die)) + Counter(inherited(node))
    fitted, figures = (fitted, figures) if fitted else (library.device(), len(library.figures()))
    if die.device != fitted:
        found[fitted] += figures
    return dict(found.most_common())


def _check_parts(
    system: System, key: str, parts: tuple[str, ...], given: dict[str, yamlfile.Node], faults: Faults
) -> None:
    """A fault where a topology lacks parts that serving reads."""
    missing = [p for p in parts if p not in system.parts]
    if missing:
        faults.add(f"{key} {given[key].value} has no part {', '.join(missing)}", given[key].place)


def beside(name: str, folder: Path) -> str:
    """A file named relative to a server's file; names of shipped things stay as they are."""
    there = folder / name
    return str(there) if Path(name).suffix and not Path(name).is_absolute() and there.is_file() else name


def _composed(given: dict[str, yamlfile.Node], folder: Path, faults: Faults) -> Server:
    """A server whose experts and tokens are simulated on a composed system."""
    for key in ("node", "nodes"):
        if key in given:
            faults.add(f"{key} beside composed", given[key].place, "composed alone: its network joins its dies")
    peak, where = _flop_rate(given, faults), beside(str(given["composed"].value), folder)
    faults.raise_if_any()
    written = beside(str(given["die"].value), folder)
    die, dies = topology.load(written), dies_of(where)
    _check_parts(die, "die", DIE_PARTS, given, faults)
    faults.raise_if_any()
    chip = replace(_chip(die), name=str(given["name"].value), dram_bytes_per_s=dies.memory_rate)
    if peak:
        scale = float(peak) / (chip.sms * FP8_FLOP * DATASHEET_CLOCK)
        chip = chip.with_fit(flop_per_clk=chip.flop_per_clk * scale)
    fabric = Mesh(dies.count, Fraction(dies.link))
    text = f"{peak} flop/s" if peak else ""
    rests = rests_on(die, topology.load(where))
    return Server(
        str(given["name"].value), chip, dies.memory_bytes, fabric, 1, where, text, die=written, inherited=rests
    )


def _flop_rate(given: dict[str, yamlfile.Node], faults: Faults) -> int:
    """fp8_peak in flop/s; 0 where it is left out or wrong (with a fault)."""
    node = given.get("fp8_peak")
    if node is None:
        return 0
    bare, _ = provenance.split(node, faults)
    try:
        rate = int(units.parse(bare.text, "compute"))
    except BadInput as error:
        rate, faults.found = 0, [*faults.found, *error.faults]
    if rate < 1:
        faults.add(f"fp8_peak cannot be {bare.shape()}", bare.place, "such as 1979 TFLOPS")
    return rate


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
