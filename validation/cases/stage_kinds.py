"""expert_gemm, p2p, stage_gemm: what the case study's stage kinds say of the measurements that they stand for.

`stage_gemm` is a second view of the bfloat16 rows of `gemm`, which the kernel-level model answers: the time that the
study would charge for that matrix, weights from the HBM and utilisation from a table. No bar: it is there to be read.
`expert_gemm_h100` and `stage_gemm_h100` ask the same rows of the die of preset h100, which is the characterised one.
The study's dies are H100 SXM: rows of other devices have no answer here."""

from __future__ import annotations

import re
from typing import Any

from chipweave.component import characterised
from chipweave.ledger import Answers, NotModelled, Question, case

from ..characterise.stage_die import copy_ps, gemm_ps, model, model_of_shape
from ..rows.devices import topology_of

OTHER = NotModelled("the dies of the case study are H100 SXM; no stage kind stands for another device")
SHAPE = re.compile(r"\bN=(\d+) K=(\d+)")
EXPERT = re.compile(r"one expert \(3 GEMMs\), (\S+)")


@case("h100", "expert_gemm")
def expert_gemm(questions: list[Question]) -> Answers:
    """Microseconds of an expert's three slices."""
    return {q.id: _expert(q) for q in questions}


@case("h100", "expert_gemm_h100")
def expert_gemm_h100(questions: list[Question]) -> Answers:
    """Microseconds of an expert's three slices, preset h100."""
    return {q.id: _expert(q, "h100") for q in questions}


def _expert(q: Any, preset: str = "paper") -> Any:
    if topology_of(q.device) != "h100_sxm":
        return OTHER
    named = EXPERT.search(q.quantity)
    found = named and model(named[1])
    if not found or q.x_name != "tokens" or not q.x or q.x < 1:
        return NotModelled("model or number of tokens not recognised in the row")
    return gemm_ps(found, int(q.x), found.hidden, found.intermediate, found.slices, preset) / 1e6


@case("h100", "stage_gemm")
def stage_gemm(questions: list[Question]) -> Answers:
    """Microseconds of one matrix."""
    return {q.id: _gemm(q) for q in questions}


@case("h100", "stage_gemm_h100")
def stage_gemm_h100(questions: list[Question]) -> Answers:
    """Microseconds of one matrix, preset h100."""
    return {q.id: _gemm(q, "h100") for q in questions}


def _gemm(q: Any, preset: str = "paper") -> Any:
    if topology_of(q.device) != "h100_sxm":
        return OTHER
    shape = SHAPE.search(q.conditions)
    if not shape or not q.x or q.x < 1:
        return NotModelled("shape not recognised in the row")
    rows, columns = map(int, shape.groups())
    if preset == "h100" and not characterised.load("h100_sxm").utilisation_of(rows * columns * 2):
        return NotModelled("no expert with a matrix of this size was characterised")
    return gemm_ps(model_of_shape(rows, columns), int(q.x), rows, columns, preset=preset) / 1e6


@case("h100", "p2p")
def p2p(questions: list[Question]) -> Answers:
    """GB/s, or microseconds where the row asks for a time."""
    return {q.id: _copy(q) for q in questions}


def _copy(q: Any) -> Any:
    if topology_of(q.device) != "h100_sxm":
        return OTHER
    if q.x_name != "B" or not q.x or q.x < 1 or q.unit not in ("GB/s", "us"):
        return NotModelled("size or unit not recognised in the row")
    time = copy_ps(int(q.x))
    return time / 1e6 if q.unit == "us" else 1e3 * q.x / time
