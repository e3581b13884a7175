"""l1l2bw: read bandwidth of all SMs, one block of 256 threads each, all reading the same buffer (gpu-cache)."""

from __future__ import annotations

from chipweave.ledger import Answers, Question, case

from ..bench import bandwidth
from ..bench.parallel import answers
from ..rows.units import BYTES_PER_S, in_unit
from .l2bw import point


@case("h100", "l1l2bw", bar=0.10)
def predict(questions: list[Question]) -> Answers:
    """Bandwidth at each buffer size."""
    return answers(questions, point, bandwidth.same_buffer, lambda q, _, rate: in_unit(q, rate, BYTES_PER_S))
