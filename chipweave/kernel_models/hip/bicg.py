"""q = A p and s = A' r of N x N floats: the launches of atax without its fills."""

from __future__ import annotations

from ..waves import Action
from . import side
from .atax import by_column, by_row


def program(problem: str) -> tuple[Action, ...]:
    """Two launches."""
    n = side(problem)
    return by_row(n), by_column(n)
