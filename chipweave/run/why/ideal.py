"""A layout in which one class of resources is infinitely fast: what a run is bounded by is found by running without it.

Holds of the class take no time (rates and latencies alike), and links carry 2^60 B/s without latency. Plans stay those
of the real system: policies see its figures. Who waits for whom is worked out anew.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from chipweave.chain.nouns import Constant, Take
from chipweave.chain.stage import INSTANT
from chipweave.run.why.recorded import class_of, classes_of

LINKS = "links"
ENDLESS = Fraction(2**60)  # bytes/s


class Without:
    """What `assemble` does to a layout before it is built; `cause`: the class that takes no time."""

    def __init__(self, cause: str) -> None:
        self.cause = cause

    def link(self, latency_ps: int, rate: Fraction) -> tuple[int, Fraction]:
        """Latency and rate of a link."""
        return (0, ENDLESS) if self.cause == LINKS else (latency_ps, rate)

    def layout(self, layout: Any, groups: Any) -> None:
        """Make the holds of the class last no time, whatever instant settles how long they do."""
        classes = classes_of(groups)
        for chain in layout.chains.values():
            for name, stage in list(chain.stages.items()):
                takes = [t for t in stage.take if isinstance(t, Take)]
                if takes and class_of(takes[0].resources.name, classes) == self.cause:
                    timeless(chain, name, set())


def timeless(chain: Any, name: str, seen: set[str]) -> None:
    """A hold, and the instants after it, last no time."""
    stage = chain.stages[name]
    if name in seen:
        return
    seen.add(name)
    if stage.lasts is not None:
        chain.stages[name] = replace(stage, lasts=Constant(0))
    for then in stage.branches or (stage.then,):
        if then in chain.stages and chain.stages[then].kind in INSTANT:
            timeless(chain, then, seen)
