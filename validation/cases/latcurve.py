"""latcurve: pointer chase over the working set, one block, SM cycles a hop.

The H100 PCIe log of te42kyfo/gpu-benches was taken with the program of January 2023: elements 64 B apart, two warps on the same
chain; later logs with lines of 128 B and one thread (their sources at those commits). kB is KiB, as the programs print it.
"""

from chipweave.ledger import NotModelled, case
from chipweave.validation import chase
from chipweave.validation.die import topology_of
from chipweave.validation.points import measure


def program_of(device):
    """The version of the benchmark with which a device's log was taken."""
    return chase.PROGRAM_2023 if device == "H100 PCIe" else chase.PROGRAM_2024


@case("h100", "latcurve", bar=0.05)
def predict(questions):
    """Cycles a hop at each working set."""
    points = {q.id: (topology_of(q.device), chase.working_set(q.x), program_of(q.device)) for q in questions if topology_of(q.device) and q.x}
    found = measure(chase.cycles, points.values())
    return {q.id: found[points[q.id]] if q.id in points else NotModelled("device or working set not recognised") for q in questions}
