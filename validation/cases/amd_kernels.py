"""amd_kernels: times of HIP kernels over their size, from programs of waves (chipweave/kernel_models/hip)."""

from __future__ import annotations

from functools import lru_cache

from chipweave.kernel_models.hip import program_of
from chipweave.kernel_models.waves import seconds
from chipweave.ledger import Answers, NotModelled, Question, case

from ..rows.conditions import conditions
from ..rows.packages import package_named
from ..rows.units import SECONDS, in_unit

PREFIX = "kernel time: "


@case("dies", "amd_kernels", bar=0.25)
def predict(questions: list[Question]) -> Answers:
    """Time of a timed iteration: its copies and launches."""
    return {q.id: in_unit(q, _seconds(q), SECONDS) for q in questions}


def _seconds(q: Question) -> float | NotModelled:
    """Seconds of a row's problem on the package of its device."""
    package = package_named(q.device)
    if isinstance(package, NotModelled):
        return package
    if "masked" in q.conditions:
        return NotModelled("units that are masked out are not described")
    found = conditions(q)
    problem = found.get("problem", "") + (f"_repeat{found['repeat']}" if "repeat" in found else "")
    return _time(q.device, q.quantity.removeprefix(PREFIX), problem)


@lru_cache(maxsize=4096)
def _time(device: str, kernel: str, problem: str) -> float | NotModelled:
    """Seconds of a problem; NotModelled where no program describes the kernel or the problem."""
    program = program_of(kernel)
    if program is None:
        return NotModelled(f"no program of kernel '{kernel}'")
    try:
        return seconds(package_named(device), program(problem))
    except ValueError as error:
        return NotModelled(str(error))
