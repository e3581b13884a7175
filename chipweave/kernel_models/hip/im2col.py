"""Windows of an image as columns, a thread a window, blocks of 256; its loop divides by the edges of the window."""

from __future__ import annotations

from ..waves import Access, Action, Step, WaveKernel
from . import DIVIDE, DIVIDE_AGAIN, numbers


def columns(edge: int, mask: int) -> WaveKernel:
    """The launch for an image of edge x edge and windows of mask x mask, no border."""
    windows, taps = float((edge - mask + 1) ** 2), mask * mask
    if edge < mask:
        raise ValueError(f"a window of {mask} does not fit an image of {edge}")
    first = Step(1, 40 + 4 * DIVIDE, loads=(Access(lines=3),))
    tap = Step(taps, 4 * DIVIDE_AGAIN + 24, loads=(Access(lines=3, met="unit"),), stores=(Access(),))
    out = 4.0 * windows * taps
    return WaveKernel(max(1.0, windows / 256), 256, (first, tap), 4.0 * edge * edge, out, 4.0 * edge * edge + out)


def program(problem: str) -> tuple[Action, ...]:
    """One launch; one image of one channel."""
    edge, mask = numbers(problem, r"N1_C1_(\d+)x\1_k(\d+)x\2")
    return (columns(edge, mask),)
