"""Convolution of an N x N image with a mask, a thread a pixel, blocks of 64; the mask is read by scalar loads."""

from __future__ import annotations

from ..waves import Access, Action, Step, WaveKernel
from . import DIVIDE, numbers


def program(problem: str) -> tuple[Action, ...]:
    """One launch."""
    edge, mask = numbers(problem, r"(\d+)x\1_mask(\d+)")
    pixels = 4.0 * edge * edge
    start = Step(1, DIVIDE + 12)
    row = Step(mask, 14, loads=(Access(lines=3, met="die"),))
    tap = Step(mask * (mask - 1), 14, loads=(Access(lines=3, met="unit"),))
    first, last = Step(1, 4, loads=(Access(lines=3),)), Step(1, 6, stores=(Access(),))
    return (WaveKernel(edge * edge / 64, 64, (start, first, row, tap, last), pixels, pixels, 2 * pixels),)
