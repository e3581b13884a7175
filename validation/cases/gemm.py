"""gemm: time of one linear layer as a framework runs it, timed in a CUDA graph.

A kernel-level model. Tiles: 16-bit operands as cuBLAS would choose (the fastest of its tiles, clusters and splits of
the inner dimension on the model); FP8 by vLLM's dispatch on rows, with the quantisation kernel in front.
"""

from __future__ import annotations

import re
from typing import Any

from chipweave.ledger import Answers, NotModelled, Question, case

from ..rows.chips import calibrated, chip_of
from ..rows.kernel_software import linear_seconds
from ..rows.units import SECONDS, count, first_missing, in_unit, operand, out_of_range

DTYPE = re.compile(r"^(\w+) ")
SHAPE = {name: re.compile(rf"\b{name}=([1-9]\d*)\b") for name in "NK"}
MOST_ROWS = 1 << 24
FLOORS = {"bfloat16": "linear_bfloat16_floor_s", "float16": "linear_bfloat16_floor_s"}


@case("h100", "gemm", bar=0.13)
def predict(questions: list[Question]) -> Answers:
    """Time of a layer."""
    figures = calibrated()
    return {q.id: in_unit(q, _answer(q, figures), SECONDS) for q in questions}


def _answer(q: Any, figures: dict[str, float]) -> NotModelled | float:
    chip, rows, named = chip_of(q, figures), count(q, "M", most=MOST_ROWS), DTYPE.match(q.conditions)
    n, k = (found and int(found[1]) for found in (SHAPE[name].search(q.conditions) for name in "NK"))
    if not (named and n and k):
        return NotModelled("the conditions name no data type, N and K")
    refused = first_missing(chip, rows, out_of_range(n, k))
    if refused:
        return refused
    dtype = operand(named[1])
    if dtype not in ("bfloat16", "float16", "fp8", "fp8_block"):
        return NotModelled(f"no kernel model for operands of type {dtype}")
    floor = figures[FLOORS.get(dtype, "linear_fp8_floor_s")]
    return floor + linear_seconds(chip, figures, dtype, rows, n, k)
