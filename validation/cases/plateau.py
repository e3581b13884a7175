"""plateau: levels of the latency curve, by the working set that the row names (a range stands for its geometric
mean)."""

from __future__ import annotations

import math
import re
from typing import Any

from chipweave.ledger import Answers, NotModelled, Question, case

from ..bench import chase
from ..bench.parallel import answers
from ..rows.devices import device_of
from ..rows.units import first_missing, in_cycles
from .latcurve import program_of

SIZE = re.compile(r"(?P<low>[\d.]*\d)(?:\s*-\s*(?P<high>[\d.]*\d))?\s*(?P<unit>[kKMG])i?B")
KIB_OF = {"k": 1, "K": 1, "M": 1000, "G": 1000_000}  # thousands of the KiB that the curves have


def working_set(text: Any) -> Any:
    """Bytes of the working set that a row's words name, or NotModelled."""
    found = SIZE.search(text)
    if not found:
        return NotModelled("the row names no working set")
    low, high = float(found["low"]), float(found["high"] or found["low"])
    return chase.working_set(math.sqrt(low * high) * KIB_OF[found["unit"]])


def point(question: Any) -> Any:
    """(device, bytes of the working set, program) of a row."""
    named = f"{question.quantity} {question.conditions}" if not SIZE.search(question.quantity) else question.quantity
    found = device_of(question), working_set(named)
    return first_missing(*found) or (*found, program_of(question.device))


@case("h100", "plateau", bar=0.05)
def predict(questions: list[Question]) -> Answers:
    """Cycles a hop, or the time of one, at each level."""
    return answers(questions, point, chase.cycles, lambda q, at, cycles: in_cycles(q, cycles, at[0].clock_hz))
