"""A sparse matrix in rows times a vector, a thread a row, blocks of 256; the columns of a row lie side by side, so the
vector's lines are met again."""

from __future__ import annotations

from ..waves import Access, Action, Step, WaveKernel
from . import numbers


def program(problem: str) -> tuple[Action, ...]:
    """One launch."""
    rows, filled = numbers(problem, r"(\d+)x\1_nnz(\d+)")
    of_row = filled / rows
    lines = min(64.0, 2 * of_row)  # of the 64 rows of a wave, each with its own columns and values
    ends = Step(1, 16, loads=(Access(count=2),))
    first = Step(max(1.0, of_row / 32), 12, loads=(Access(lines=lines, count=2),))
    column = Step(of_row, 12, loads=(Access(lines=lines, count=2, met="unit"),))
    vector = Step(of_row, 6, loads=(Access(lines=3, met="unit"),))
    last = Step(1, 6, stores=(Access(),))
    size = 8.0 * filled + 12.0 * rows
    return (WaveKernel(max(1.0, rows / 256), 256, (ends, first, column, vector, last), size, 4.0 * rows, size),)
