"""b200_umma, b200_mainloop: tcgen05 instructions, and the main loop of a tile made of them."""

from __future__ import annotations

import re

from chipweave.kernel_models.package import Package
from chipweave.kernel_models.tensor_pipe import latency, mainloop_flops, mean_time
from chipweave.kernel_models.two_halves import latency_cycles
from chipweave.ledger import Answers, NotModelled, Question, case

from ..rows.blackwell import figures, package, tensor_of
from ..rows.conditions import conditions, whole
from ..rows.packages import MHZ
from ..rows.units import FLOP_PER_S, first_missing, in_unit, stated_x

TILE = re.compile(r"(\d+)x(\d+)x(\d+)")
MAINLOOP_HZ = 1300e6
"""Clock of the rows of main loops: their benchmark states its peaks at 1300 MHz (cutlass_gemm_mainloop/plot_results.py
at the commit of the rows), and the rows name only the 1965 MHz that none exceeds. A row that states a clock runs at
it."""


@case("dies", "b200_umma", bar=0.05)
def umma(questions: list[Question]) -> Answers:
    """Cycles of an instruction."""
    return {q.id: _umma(q) for q in questions}


@case("dies", "b200_mainloop", bar=0.15)
def mainloop(questions: list[Question]) -> Answers:
    """FLOP/s of one SM."""
    return {q.id: in_unit(q, _mainloop(q), FLOP_PER_S) for q in questions}


def _umma(q: Question) -> float | NotModelled:
    """FLOP/s or latency of matrix instructions of a shape, operands from shared or tensor memory."""
    found, units = conditions(q), tensor_of(q)
    rows, x = whole(found, "m"), stated_x(q)
    alone = "latency" in q.quantity
    columns = x if alone else whole(found, "n")
    if (missing := first_missing(units, rows, columns, x)) is not None:
        return missing
    shared, pair = found.get("operands") == "SS", found.get("cta_group") == "2"
    if alone:
        return latency(units, rows, columns, shared, pair)
    return mean_time(units, rows, columns, x, shared, pair)


def _mainloop(q: Question) -> float | NotModelled:
    """FLOP/s of a GEMM's main loop by tile and stages: loads against matrix instructions."""
    found, p, units, stages = conditions(q), package(q), tensor_of(q), stated_x(q, least=0)
    if (missing := first_missing(p, units, stages)) is not None:
        return missing
    assert isinstance(p, Package)
    tile = TILE.fullmatch(found.get("tile", ""))
    if tile is None:
        return NotModelled("no tile of three edges")
    m, n, k = map(int, tile.groups())
    width = 1 if "8" in found.get("dtype", "") else 2
    stated = MHZ.fullmatch(q.clock.strip())
    # the same operands every run: L2 answers what it kept of them; copies pass the L1 by
    inner = whole(found, "k", k)
    if isinstance(inner, NotModelled):
        return inner
    kept = max(float(p.die.l2_cycles), latency_cycles(p, float(m + n) * inner * width))
    load = kept + figures()["tma_setup_s"] * float(p.die.clock)
    return mainloop_flops(units, float(stated[1]) * 1e6 if stated else MAINLOOP_HZ, (m, n, k), width, stages, load)
