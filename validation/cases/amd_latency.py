"""amd_latency: cycles of a dependent load over its footprint, and how much nearer a die's own memory is (NPS4).

The program's kB are 1024 bytes. A ratio compares the modes of the driver at a footprint well inside the level.
"""

from __future__ import annotations

from chipweave.kernel_models.package import Package
from chipweave.kernel_models.pointer_chase import chase_seconds
from chipweave.ledger import Answers, NotModelled, Question, case

from ..rows.packages import clock_hz, package_named
from ..rows.units import in_cycles, size

INSIDE = {"infinity cache": 32 << 20, "hbm": 1 << 30}
"""Level of a ratio -> footprint, bytes, that it is measured at: half of one I/O die's cache; four times all of it."""


NAMED = {
    "vector L1 load latency": lambda p: chase_seconds(p, p.die.l1 // 2),
    "L2 load latency": lambda p: chase_seconds(p, p.die.l2 // 2),
    "HBM, cold load latency": lambda p: chase_seconds(p, p.total("capacity") / 2),
    "vector L1 miss penalty": lambda p: chase_seconds(p, p.die.l2 // 2) - chase_seconds(p, p.die.l1 // 2),
    "L2 miss penalty": lambda p: chase_seconds(p, 4 * p.die.l2) - chase_seconds(p, p.die.l2 // 2),
}
"""Rows without a footprint: what is meant, as a chase well inside a level. Cold: neither data nor translations at
hand."""


@case("dies", "amd_latency", bar=0.03)
def predict(questions: list[Question]) -> Answers:
    """Cycles, or the ratio of two modes."""
    return {q.id: _answer(q) for q in questions}


def _answer(q: Question) -> float | NotModelled:
    """Latency of a pointer chase by its footprint, or of a level that the row names."""
    if q.unit == "ratio":
        return _ratio(q)
    package = package_named(q.device)
    if q.quantity in NAMED and isinstance(package, Package):
        clock = clock_hz(q.clock, package)
        return in_cycles(q, NAMED[q.quantity](package) * clock, clock)
    footprint = size(_renamed(q))
    if not q.x_name:
        footprint = NotModelled("scalar caches and LDS are not modelled")
    for found in (package, footprint):
        if isinstance(found, NotModelled):
            return found
    if footprint > package.total("capacity"):
        return NotModelled(f"{footprint} bytes are more than the memory that the device reaches")
    clock = clock_hz(q.clock, package)
    return in_cycles(q, chase_seconds(package, footprint) * clock, clock)


def _renamed(q: Question) -> Question:
    """The question with x named as a size: footprint_kB -> kB."""
    return Question(**{**vars(q), "x_name": q.x_name.removeprefix("footprint_")})


def _ratio(q: Question) -> float | NotModelled:
    """Latency under NPS1 over that under NPS4, at a footprint inside the level."""
    level = q.quantity.rpartition(", ")[2].lower()
    if level not in INSIDE or "NPS1 over NPS4" not in q.quantity:
        return NotModelled(f"no rule for the ratio '{q.quantity}'")
    modes = package_named(q.device), package_named(q.device, "CPX/NPS4")
    for found in modes:
        if not isinstance(found, Package):
            return found
    near, far = (chase_seconds(m, INSIDE[level]) for m in reversed(modes))
    return far / near
