"""The node that a row was measured on, and the communication stacks with their fitted figures.

Structure and the maker's figures come from the topologies, what was fitted from validation/calibrated/comm.yaml, where every
value names its calibration rows. Stacks are found by kind: `stack("comm.nccl")`.
"""

from functools import cache
from importlib.resources import files

from chipweave import registry, topology, yamlfile

CALIBRATED = files("chipweave.validation") / "calibrated" / "comm.yaml"
TOPOLOGIES = (("H800 PCIe", None), ("H100 PCIe", None), ("H800", "dgx_h800"), ("H100", "dgx_h100"), ("H200", "dgx_h100"), ("GH200", None))
"""First word of a device that fits; None: the board has no NVSwitch node that is described."""


@cache
def fabric(device):
    """The `Fabric` of the node that `device` names, or None where no topology describes it."""
    name = next((name for word, name in TOPOLOGIES if device.startswith(word)), None)
    if name is None:
        return None
    system = topology.load(name)
    return system.parts["switch"].fabric(system.networks["nvlink"], system.parts.get("adapter[0]"))


def fitted():
    """{kind: {parameter: Node}} of the calibrated file; {} where it is not written yet."""
    if not CALIBRATED.is_file():
        return {}
    return {kind: node.value for kind, node in yamlfile.load(str(CALIBRATED)).value.items()}


def stack(kind, **values):
    """The stack of that kind with its fitted figures; `values` take the place of some."""
    return registry.components.find(kind)(**{**_fitted().get(kind, {}), **values})


_fitted = cache(fitted)
