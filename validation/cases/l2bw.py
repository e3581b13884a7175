"""l2bw: read bandwidth of all SMs, every block its own 512 KiB chunk, against the size of all chunks (gpu-l2-cache)."""

from __future__ import annotations

from typing import Any

from chipweave.ledger import Answers, Question, case

from ..bench import bandwidth
from ..bench.parallel import answers
from ..rows.devices import device_of
from ..rows.units import BYTES_PER_S, first_missing, in_unit, size


def point(question: Any) -> Any:
    """(device, bytes of all chunks) of a row."""
    found = device_of(question), size(question)
    return first_missing(*found) or found


@case("h100", "l2bw", bar=0.10)
def predict(questions: list[Question]) -> Answers:
    """Bandwidth at each data set."""
    return answers(questions, point, bandwidth.private_chunks, lambda q, _, rate: in_unit(q, rate, BYTES_PER_S))
