"""l1l2bw: read bandwidth of all SMs, one block of 256 threads each, all reading the same buffer (gpu-cache)."""

from chipweave.ledger import NotModelled, case
from chipweave.validation import bandwidth
from chipweave.validation.chase import working_set
from chipweave.validation.die import topology_of
from chipweave.validation.points import measure


@case("h100", "l1l2bw", bar=0.10)
def predict(questions):
    """GB/s at each buffer size."""
    points = {q.id: (topology_of(q.device), working_set(q.x)) for q in questions if topology_of(q.device) and q.x}
    found = measure(bandwidth.same_buffer, points.values())
    return {q.id: found[points[q.id]] / 1e9 if q.id in points else NotModelled("device or size not recognised") for q in questions}
