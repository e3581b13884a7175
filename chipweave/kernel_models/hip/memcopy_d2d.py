"""hipMemcpy from device to device: a kernel that copies 16 bytes a thread."""

from __future__ import annotations

from ..waves import Action
from . import elementwise, numbers


def program(problem: str) -> tuple[Action, ...]:
    """One copy of N MiB."""
    return (elementwise(numbers(problem, r"(\d+)MB")[0] * 2.0**16, 12, width=16.0),)
