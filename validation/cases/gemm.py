"""gemm: time of one linear layer as a framework runs it, timed in a CUDA graph.

A kernel-level model. Tiles: 16-bit operands as cuBLAS would choose (the fastest of its tiles, clusters and splits of
the inner dimension on the model); FP8 by vLLM's dispatch on rows, with the quantisation kernel in front.
"""

import re

from chipweave.ledger import NotModelled, case
from chipweave.validation.chips import calibrated, chip_of
from chipweave.validation.kernel_software import linear_seconds

SHAPE = re.compile(r"^(?P<dtype>\w+) .*N=(?P<n>\d+) K=(?P<k>\d+)")
FLOORS = {"bfloat16": "linear_bfloat16_floor_s", "float16": "linear_bfloat16_floor_s"}


@case("h100", "gemm", bar=0.13)
def predict(questions):
    """Microseconds per layer."""
    figures = calibrated()
    return {q.id: _answer(q, figures) for q in questions}


def _answer(q, figures):
    shape, chip = SHAPE.match(q.conditions), chip_of(q.device, figures)
    if not shape or not chip or not q.x:
        return NotModelled("shape or device not recognised in the row")
    dtype = shape["dtype"]
    if dtype not in ("bfloat16", "float16", "fp8", "fp8_block"):
        return NotModelled(f"no kernel model for operands of type {dtype}")
    floor = figures[FLOORS.get(dtype, "linear_fp8_floor_s")]
    return 1e6 * (floor + linear_seconds(chip, figures, dtype, int(q.x), int(shape["n"]), int(shape["k"])))
