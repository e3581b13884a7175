"""amd_gemm: rate of a library's 8-bit GEMM on a package of several dies.

floor + work / (matrix peak at the clock that the power limit leaves x share of the units that whole waves of tiles keep
busy). The largest tile that occupies half the units is taken; where none does, the library splits the inner dimension,
and all units are busy (an assumption: hipBLASLt's own choice is a table of measurements).
"""

from __future__ import annotations

import re
from math import ceil

from chipweave.ledger import Answers, NotModelled, Question, case

from ..rows.figures import figures
from ..rows.packages import package_named, rules, topology_of
from ..rows.units import FLOP_PER_S, in_unit

TILES = (256, 128)
"""Edges of the square tiles of hipBLASLt that large problems use, largest first."""

SHAPE = re.compile(r"\bM=(\d+); N=(\d+); K=(\d+)\b")


@case("dies", "amd_gemm", bar=0.20)
def predict(questions: list[Question]) -> Answers:
    """FLOP/s."""
    return {q.id: in_unit(q, _answer(q), FLOP_PER_S) for q in questions}


def busy_share(m: int, n: int, units: int) -> float:
    """Share of the units that whole waves of tiles keep busy."""
    for tile in TILES:
        tiles = ceil(m / tile) * ceil(n / tile)
        if tiles > units // 2:
            return tiles / (ceil(tiles / units) * units)
    return 1.0


def peak_flops(q: Question) -> float | NotModelled:
    """Dense 8-bit peak of a row's device at the clock that its power limit leaves, FLOP/s."""
    package = package_named(q.device)
    if isinstance(package, NotModelled):
        return package
    found = rules(topology_of(q.device))
    if not found or found.matrix_flops is None:
        return NotModelled(f"no matrix rate of {q.device} is described")
    return float(found.matrix_flops) * float((found.throttled_clock or package.die.clock) / package.die.clock)


def _answer(q: Question) -> float | NotModelled:
    """FLOP/s of an FP8 GEMM: call time, then the peak less the units idle in the last wave."""
    shape, peak = SHAPE.search(q.conditions), peak_flops(q)
    if isinstance(peak, NotModelled) or shape is None or "FP8" not in q.quantity:
        return peak if isinstance(peak, NotModelled) else NotModelled("no M, N, K of an FP8 GEMM")
    m, n, k = map(int, shape.groups())
    work = 2.0 * m * n * k
    return work / (figures("dies")["matrix_call_s"] + work / (peak * busy_share(m, n, package_named(q.device).units)))
