"""hipMemcpy from device to device: a kernel that copies 16 bytes a thread."""

from __future__ import annotations

from ..waves import Access, Action, Step, WaveKernel
from . import numbers


def program(problem: str) -> tuple[Action, ...]:
    """One copy of N MiB."""
    size = numbers(problem, r"(\d+)MB")[0] * 2.0**20
    copy = Step(1, 12, loads=(Access(width=16),), stores=(Access(width=16),))
    return (WaveKernel(size / 4096, 256, (copy,), read=size, written=size, footprint=2 * size),)
