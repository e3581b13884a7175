"""out[i] = max(in[i], 0), one element a thread, blocks of 256."""

from __future__ import annotations

from ..waves import Action
from . import elementwise, numbers


def program(problem: str) -> tuple[Action, ...]:
    """One launch over N elements."""
    (n,) = numbers(problem, r"(\d+)")
    return (elementwise(n, 12),)
