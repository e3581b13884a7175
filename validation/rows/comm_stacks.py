"""The node that a row was measured on, and the communication stacks with their fitted figures.

Structure and the maker's figures come from the topologies, what was fitted from validation/calibrated/comm.yaml, where
every value names its calibration rows. Stacks are found by kind: `stack("comm.nccl")`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from chipweave import topology
from chipweave.declare import registry, yamlfile
from chipweave.ledger import NotModelled

from .chips import calibrated, structure
from .devices import FILES, node_of, topology_of

CALIBRATED = files("chipweave.validation") / "calibrated" / "comm.yaml"


@cache
def fabric(device: Any) -> Any:
    """The `Fabric` of the node that `device` names, or NotModelled."""
    name = node_of(device)
    if name is None:
        return NotModelled(f"device '{device}' has no NVSwitch node that is described")
    system = topology.load(name)
    if "switch" not in system.parts or "nvlink" not in system.networks:
        return NotModelled(
            f"topology '{name}' describes no NVSwitch node: it has no "
            "part 'switch' or no network 'nvlink', as dgx_h100 has"
        )
    switch: Any = system.parts["switch"]
    return switch.fabric(system.networks["nvlink"], system.parts.get("adapter[0]"))


@cache
def memory(device: Any) -> Any:
    """The stacks' memory parameter for a device: its pin rate, bounded by what a die moves; theirs where only a node is
    described."""
    name = topology_of(device)
    if not name or name.endswith(FILES):
        return {}
    figures = calibrated()
    most = figures["die_memory_bytes_per_s"] / figures["dram_efficiency"]
    return {"memory_bandwidth": f"{int(min(structure(name).dram_bytes_per_s, most))} B/s"}


def fitted() -> Any:
    """{kind: {parameter: Node}} of the calibrated file; {} where it is not written yet."""
    if not CALIBRATED.is_file():
        return {}
    return {kind: node.value for kind, node in yamlfile.load(Path(str(CALIBRATED))).value.items()}


def stack(kind: str, **values: Any) -> Any:
    """The stack of that kind with its fitted figures; `values` take the place of some."""
    return registry.time_models.find(kind)(**{**_fitted().get(kind, {}), **values})


_fitted = cache(fitted)
