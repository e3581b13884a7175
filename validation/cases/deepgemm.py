"""deepgemm: throughput of DeepGEMM's FP8 kernels, dense and grouped, as its own test reports it (kernel time alone).

A kernel-level model; tiles by the library's rule of the stated release (chipweave/kernels/deepgemm.py).
"""

import re

from chipweave.kernels.deepgemm import RELEASES
from chipweave.ledger import NotModelled, case
from chipweave.validation.chips import calibrated, chip_of
from chipweave.validation.kernel_software import deepgemm_seconds
from chipweave.validation.rows import FLOP_PER_S, SECONDS, in_unit

SHAPE = re.compile(r"^(?P<kind>dense|contiguous|masked)\b.*?(?:groups=(?P<groups>\d+) M/group|\bM)=(?P<m>\d+) N=(?P<n>\d+) K=(?P<k>\d+)")


@case("h100", "deepgemm", bar=0.13)
def predict(questions):
    """Throughput, or the kernel's time where the row asks for one."""
    figures = calibrated()
    return {q.id: _answer(q, figures) for q in questions}


def _answer(q, figures):
    shape, chip = SHAPE.match(q.conditions), chip_of(q, figures)
    if not shape:
        return NotModelled("the conditions name no kind (dense, contiguous, masked), M, N and K")
    if isinstance(chip, NotModelled):
        return chip
    if "FP8" not in f"{q.quantity} {q.conditions}":
        return NotModelled("only FP8 kernels: no floor of another data type is calibrated")
    m, n, k, groups = (int(shape[g] or 1) for g in ("m", "n", "k", "groups"))
    release = next((r for r in RELEASES if r in q.conditions), max(RELEASES))
    own = deepgemm_seconds(chip, figures, shape["kind"], m, n, k, groups, release)
    seconds = own + figures["gemm_kernel_floor_s"]
    return in_unit(q, seconds, SECONDS) if q.unit in SECONDS else in_unit(q, 2 * m * groups * n * k / seconds, FLOP_PER_S)
