"""l1l2bw: read bandwidth of all SMs, one block of 256 threads each, all reading the same buffer (gpu-cache)."""

from chipweave.validation import bandwidth
from chipweave.validation.cases.l2bw import point
from chipweave.validation.points import answers
from chipweave.validation.rows import BYTES_PER_S, in_unit

from chipweave.ledger import case


@case("h100", "l1l2bw", bar=0.10)
def predict(questions):
    """Bandwidth at each buffer size."""
    return answers(questions, point, bandwidth.same_buffer, lambda q, _, rate: in_unit(q, rate, BYTES_PER_S))
