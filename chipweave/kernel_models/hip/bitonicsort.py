"""Bitonic sort of N integers in place: a copy from the host, then a launch for each pass of each stage; a thread a
pair, blocks of 64."""

from __future__ import annotations

from ..waves import Action, Copy
from . import numbers
from .fastwalshtransform import pairs


def program(problem: str) -> tuple[Action, ...]:
    """A copy and s (s + 1) / 2 launches, s = log2 N."""
    (n,) = numbers(problem, r"(\d+)")
    stages = n.bit_length() - 1
    return Copy(4.0 * n), *[pairs(n, 64, 40)] * (stages * (stages + 1) // 2)
