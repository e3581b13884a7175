"""l1stride: cycles of the load-store unit per warp load, all hits, by stride or by shape of the block (gpu-strides)."""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.ledger import Answers, NotModelled, Question, case
from chipweave.line_rate.sm_program import ORDER, Gather, Jump, Wait

from ..bench.die import Die
from ..bench.parallel import answers
from ..rows.devices import device_of
from ..rows.units import first_missing

OFFSETS = (0, 4, 8, 12, 20, 16, 24, 28)  # elements, as the program's eight loads of a turn
PITCH = 4098  # elements, of the blocked pattern
THREADS, WARPS = 1024, 32
ELEMENTS = {"128-bit": 16, "64-bit": 8, "double": 8, "float4": 16, "float2": 8, "float": 4, "32-bit": 4}
"""Word in a row's quantity -> bytes; the first that occurs counts."""
MOST = 1 << 16
WINDOW = 20_000_000  # ps


def places(pattern: str, x: int) -> np.ndarray:
    """Element number of each thread."""
    thread = np.arange(THREADS)
    if pattern == "stride":
        return thread % 64 * x
    return thread % x % 64 + thread // x % 32 * PITCH + PITCH


def cycles(device: Any, pattern: Any, x: Any, size: Any) -> Any:
    """Cycles a warp load on one SM."""
    die = Die(device, sms=2)
    sm = die.sms[0]
    order = places(pattern, x)
    die.endpoints.attach(sm, ORDER, order)
    sectors = np.unique((order[:, None] + np.array(OFFSETS)) * size // 32) * 32
    die.endpoints.touch([sm], sectors.astype(np.uint64), mask=0)
    ops = [Gather(offset * size, size, 0, 0, 32, 1, size, 32) for offset in OFFSETS]
    die.program(sm, [*ops, Wait(), Jump(0)], THREADS)
    die.launch(sm)
    die.endpoints.run(WINDOW)
    before, lsu = die.endpoints.statistics(sm)["loads"], die.endpoints.now
    die.endpoints.run(2 * WINDOW)
    return (die.endpoints.now - lsu) / die.period_ps / (die.endpoints.statistics(sm)["loads"] - before)


def point(question: Any) -> Any:
    """(device, pattern, stride or block, bytes of an element) of a row."""
    device = device_of(question)
    element = next((size for word, size in ELEMENTS.items() if word in question.quantity), None)
    if first_missing(device):
        return device
    if element is None:
        return NotModelled(f"the row names none of the element types {', '.join(ELEMENTS)}")
    if (
        question.x_name not in ("stride", "block")
        or question.x is None
        or not (question.x_name == "stride") <= question.x + 1 <= MOST
    ):
        return NotModelled(f"x is neither a stride nor a block: {question.x_name or 'no name'} {question.x_value}")
    return device, question.x_name, int(question.x), element


@case("h100", "l1stride", bar=0.10)
def predict(questions: list[Question]) -> Answers:
    """Cycles a warp load."""
    return answers(
        questions,
        point,
        cycles,
        lambda q, at, found: found if q.unit.startswith("cyc") else NotModelled(f"unit '{q.unit}' is not cycles"),
    )
