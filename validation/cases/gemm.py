"""gemm: time of one linear layer as a framework runs it, timed in a CUDA graph.

A kernel-level model. Tiles: 16-bit operands as cuBLAS would choose (the fastest of its tiles, clusters and splits of
the inner dimension on the model); FP8 by vLLM's dispatch on rows, with the quantisation kernel in front.
"""

import re

from chipweave.ledger import NotModelled, case
from chipweave.validation.chips import calibrated, chip_of
from chipweave.validation.kernel_software import linear_seconds
from chipweave.validation.rows import SECONDS, count, first_missing, in_unit, out_of_range

SHAPE = re.compile(r"^(?P<dtype>\w+) .*\bN=(?P<n>[1-9]\d*),? K=(?P<k>[1-9]\d*)")
MOST_ROWS = 1 << 24
FLOORS = {"bfloat16": "linear_bfloat16_floor_s", "float16": "linear_bfloat16_floor_s"}


@case("h100", "gemm", bar=0.13)
def predict(questions):
    """Time of a layer."""
    figures = calibrated()
    return {q.id: in_unit(q, _answer(q, figures), SECONDS) for q in questions}


def _answer(q, figures):
    shape, chip, rows = SHAPE.match(q.conditions), chip_of(q, figures), count(q, "M", most=MOST_ROWS)
    if not shape:
        return NotModelled("the conditions name no data type, N and K")
    n, k = int(shape["n"]), int(shape["k"])
    refused = first_missing(chip, rows, out_of_range(n, k))
    if refused:
        return refused
    dtype = shape["dtype"]
    if dtype not in ("bfloat16", "float16", "fp8", "fp8_block"):
        return NotModelled(f"no kernel model for operands of type {dtype}")
    floor = figures[FLOORS.get(dtype, "linear_fp8_floor_s")]
    return floor + linear_seconds(chip, figures, dtype, rows, n, k)
