"""deepgemm: throughput of DeepGEMM's FP8 kernels, dense and grouped, as its own test reports it (kernel time alone).

A kernel-level model; tiles by the library's rule of the stated release (chipweave/kernel_models/deepgemm.py).
"""

from __future__ import annotations

import re
from typing import Any

from chipweave.kernel_models.deepgemm import RELEASES
from chipweave.ledger import Answers, NotModelled, Question, case

from ..rows.chips import calibrated, chip_of
from ..rows.kernel_software import deepgemm_seconds
from ..rows.units import FLOP_PER_S, SECONDS, first_missing, in_unit, out_of_range

SHAPE = re.compile(
    r"^(?P<kind>dense|contiguous|masked)\b.*?(?:groups=(?P<groups>\d+) "
    r"M/group|\bM)=(?P<m>\d+) N=(?P<n>\d+) K=(?P<k>\d+)"
)

MOST_GROUPS = 1 << 16


@case("h100", "deepgemm", bar=0.13)
def predict(questions: list[Question]) -> Answers:
    """Throughput, or the kernel's time where the row asks for one."""
    figures = calibrated()
    return {q.id: _answer(q, figures) for q in questions}


def _answer(q: Any, figures: dict[str, float]) -> NotModelled | float:
    shape, chip = SHAPE.match(q.conditions), chip_of(q, figures)
    if not shape:
        return NotModelled("the conditions name no kind (dense, contiguous, masked), M, N and K")
    if isinstance(chip, NotModelled):
        return chip
    if "FP8" not in f"{q.quantity} {q.conditions}":
        return NotModelled("only FP8 kernels: no floor of another data type is calibrated")
    m, n, k, groups = (int(shape[g] or 1) for g in ("m", "n", "k", "groups"))
    release = measured_with(next((r for r in RELEASES if r in q.conditions), max(RELEASES)), shape["kind"], m, n, k)
    refused = first_missing(out_of_range(m, n, k), out_of_range(groups, most=MOST_GROUPS))
    if refused:
        return refused
    own = deepgemm_seconds(chip, figures, shape["kind"], m, n, k, groups, release)
    seconds = own + figures["gemm_kernel_floor_s"]
    return (
        in_unit(q, seconds, SECONDS) if q.unit in SECONDS else in_unit(q, 2 * m * groups * n * k / seconds, FLOP_PER_S)
    )


def measured_with(release: str, kind: str, m: int, n: int, k: int) -> str:
    """The release whose kernels a row of the library's own table shows.

    Its table of April 2025 is that of February but for the dense shapes of 4096 rows and the contiguous groups. Those
    were timed again in March, and the dense ones but the last, 7168 x 2048, once more in April; the other lines were
    never changed (history of its README: commits 55ab91f and a9967bc)."""
    if release != "2025-04":
        return release
    if kind == "dense" and m > 128:
        return "2025-03" if (n, k) == (7168, 2048) else "2025-04"
    return "2025-03" if kind == "contiguous" else "2025-02"
