"""Fast Walsh transform of N floats in place: a copy from the host, then a launch for each power of two below N; a
thread a pair, blocks of 256. The pair's place takes a division by the step."""

from __future__ import annotations

from ..waves import Access, Action, Copy, Step, WaveKernel
from . import DIVIDE, numbers


def pairs(n: int, threads: int, instructions: float) -> WaveKernel:
    """A launch that loads a pair, works on it and stores it, N / 2 threads."""
    both = Access(count=2)
    step = Step(1, DIVIDE + instructions, loads=(both,), stores=(both,))
    return WaveKernel(n / 2 / threads, threads, (step,), 4.0 * n, 4.0 * n, 4.0 * n)


def program(problem: str) -> tuple[Action, ...]:
    """A copy and log2 N launches."""
    (n,) = numbers(problem, r"(\d+)")
    return Copy(4.0 * n), *[pairs(n, 256, 24)] * (n.bit_length() - 1)
