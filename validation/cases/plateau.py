"""plateau: levels of the latency curve, by the working set that the row names (a range stands for its geometric mean)."""

import math
import re

from chipweave.ledger import NotModelled, case
from chipweave.validation import chase
from chipweave.validation.cases.latcurve import program_of
from chipweave.validation.die import topology_of
from chipweave.validation.points import measure

SIZE = re.compile(r"(?P<low>[\d.]+)(?:\s*-\s*(?P<high>[\d.]+))?\s*(?P<unit>[kMG])B")
KIB_OF = {"k": 1, "M": 1000, "G": 1000_000}  # thousands of the KiB that the curves have


def working_set(text):
    """Bytes of the working set that a row's words name, or None."""
    found = SIZE.search(text)
    if not found:
        return None
    low, high = float(found["low"]), float(found["high"] or found["low"])
    return chase.working_set(math.sqrt(low * high) * KIB_OF[found["unit"]])


@case("h100", "plateau", bar=0.05)
def predict(questions):
    """Cycles a hop at each level."""
    points = {q.id: (topology_of(q.device), working_set(q.quantity), program_of(q.device)) for q in questions
              if topology_of(q.device) and working_set(q.quantity) and q.unit == "cycles"}
    found = measure(chase.cycles, points.values())
    return {q.id: found[points[q.id]] if q.id in points else NotModelled("the row names no working set that is understood") for q in questions}
