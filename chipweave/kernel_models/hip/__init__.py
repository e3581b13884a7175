"""HIP kernels of a public suite (sarchlab/mgpusim, gpu_perf_scripts) as programs of waves: one file a kernel.

A file defines `program(problem) -> tuple[Action, ...]`: what one timed iteration does for a problem as the suite names
it ("1024", "512x512", "16384_taps32"). Counts of instructions are read off the sources: an address about four slots,
a loop's end three, an integer division thirty (AMD has no such instruction), a square root or a quotient in full
precision twelve. `program_of` finds the file by the kernel's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from ..waves import Access, Action, Step, WaveKernel

DIVIDE = 30
DIVIDE_AGAIN = 12
"""By a divisor whose reciprocal stands from the pass before; chosen with predicted rows of im2col in view."""
ROOT = 12
MOST = 1 << 31
MOST_LAUNCHES = 1 << 16


def program_of(kernel: str) -> Callable[[str], tuple[Action, ...]] | None:
    """`program` of a kernel's file, or None where there is no such file."""
    name = f"{__name__}.{kernel.lower()}"
    if not re.fullmatch(r"\w+", kernel) or find_spec(name) is None:
        return None
    found: Callable[[str], tuple[Action, ...]] = import_module(name).program
    return found


def numbers(problem: str, form: str, most: int = MOST) -> tuple[int, ...]:
    """The numbers of `problem` where it has the form `form`, a pattern of groups.

    Raises:
        ValueError: it has another form, or a number is not from 1 to `most`.
    """
    found = re.fullmatch(form, problem.strip())
    if found is None:
        raise ValueError(f"'{problem}' is not of the form {form}")
    values = tuple(int(text) for text in found.groups())
    if not all(1 <= value <= most for value in values):
        raise ValueError(f"a number of '{problem}' is not from 1 to {most}")
    return values


def side(problem: str) -> int:
    """N of "NxN" or "NxNxN". Raises ValueError where the edges differ."""
    return numbers(problem, r"(\d+)(?:x\1)+")[0]


def elementwise(n: float, instructions: float, inputs: int = 1, width: float = 4.0) -> WaveKernel:
    """N elements of `width` bytes from as many of each of `inputs` arrays, one a thread, blocks of 256."""
    step = Step(1, instructions, loads=(Access(width=width, count=inputs),), stores=(Access(width=width),))
    size = width * n
    return WaveKernel(n / 256, 256, (step,), inputs * size, size, (inputs + 1) * size)
