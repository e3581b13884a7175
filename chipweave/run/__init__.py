"""One run: its specification, its workload, the clock both engines share, and its results."""

from chipweave.run.context import (
    Counted,
    Run,
)

__all__ = [
    "Counted",
    "Run",
]
