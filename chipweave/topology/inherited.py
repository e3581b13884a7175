"""Figures that a system has from another device: "3 values are H100's".

    device: H200        # in a topology that extends hopper_die, whose figures are H100's

A topology may say which device its figures describe. One that is laid over it and says another keeps of it what it does
not write itself; predictions that rest on such figures say so. Without a `device` of its own a topology describes the
device of what it extends, and nothing is inherited. Defaults of kinds that are a device's figures (`Param.of`) count
likewise, also where a topology names no device at all.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from chipweave.declare import yamlfile
from chipweave.errors import BadInput
from chipweave.io.shipped import find
from chipweave.topology.patterns import bare
from chipweave.topology.system import System

KEY = "device"


def inherited(system: System) -> dict[str, int]:
    """Other device -> how many numbers of the system were written for it; in the order of the most."""
    if system.inherited is not None:  # of a manifest, which names no files
        return system.inherited
    files = Counter(node.place.file for _, node, _ in system.sources) if system.device else Counter()
    devices = Counter(device for device, _, _ in defaults(system) if device != system.device)
    for file, count in files.items():
        device = device_of(file)
        if device and device != system.device:
            devices[device] += count
    return dict(devices.most_common())


def defaults(system: System) -> list[tuple[str, str, str]]:
    """(device, path such as die.hbm.capacity, default as written) of the figures of devices that no file writes and a
    run reads; of equal parts once."""
    found = {}
    for full, part in system.parts.items():
        for name, param in part.params.items():
            replaced = param.behind and getattr(part, param.behind) is not None
            if param.of and name not in part.written and not replaced and not param.outside:
                found[f"{bare(full)}.{name}"] = param.of, str(param.default)
    return [(device, path, text) for path, (device, text) in found.items()]


def in_words(found: dict[str, int]) -> str:
    """`{"H100": 3}` -> "3 values are H100's"; "" of nothing."""
    return ", ".join(f"{n} value{'s are' if n > 1 else ' is'} {device}'s" for device, n in found.items())


def device_of(file: str) -> str:
    """The device that a topology file's figures describe: its own word, or that of what it extends; "" of none."""
    for _ in range(8):
        if not Path(file).is_file():
            return ""
        try:
            root = yamlfile.load(Path(file))
            said, upper = root.get(KEY), root.get("extends")
            if said is not None or upper is None:
                return said.text if said is not None else ""
            file = str(find(upper.text, beside=Path(file).parent, place=upper.place))
        except BadInput:  # reported where the file itself is read
            return ""
    return ""
