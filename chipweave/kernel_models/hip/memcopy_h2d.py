"""hipMemcpy from the host."""

from __future__ import annotations

from ..waves import Action, Copy
from . import numbers


def program(problem: str) -> tuple[Action, ...]:
    """One copy of N MiB."""
    return (Copy(numbers(problem, r"(\d+)MB")[0] * 2.0**20),)
