"""The dies of the topologies as the kernel-level models see them: structure and datasheet values, read from there.

SMs, clock, memory's peak and the size of L2 stand once, in topologies/*.yaml; what is fitted in
calibrated/kernels.yaml."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from chipweave.kernel_models.chip import FITTED, Chip, chip_of_parts
from chipweave.ledger import NotModelled

from . import figures as fitted
from .devices import device_of, parts, topology_of
from .units import Stated

CALIBRATED = files("chipweave.validation") / "calibrated" / "kernels.yaml"


def calibrated() -> dict[str, float]:
    """{figure: value} of validation/calibrated/kernels.yaml."""
    return fitted.figures("kernels")


@cache
def structure(name: str) -> Chip:
    """The die of a topology, without what is fitted."""
    return chip_of_parts(name, parts(name))


def chip_named(device: str, figures: dict[str, float]) -> Chip:
    """The die that a device's words name, with the calibrated `figures`."""
    return structure(topology_of(device)).with_fit(**{k: figures[k] for k in FITTED if k in figures})


def chip_of(question: Any, figures: dict[str, float]) -> Stated:
    """The die of a row with the calibrated `figures`, at the row's clock where it states one; or NotModelled."""
    device = device_of(question)
    if isinstance(device, NotModelled):
        return device
    return chip_named(device.topology, figures).with_fit(clock_hz=device.clock_hz)


def streaming(chip: Stated) -> Stated:
    """`Chip.streaming` of what `chip_of` found."""
    return chip if isinstance(chip, NotModelled) else chip.streaming()
