"""latcurve: pointer chase over the working set, one block, SM cycles a hop.

The H100 PCIe log of te42kyfo/gpu-benches was taken with the program of January 2023: elements 64 B apart, two warps on
the same chain; later logs with lines of 128 B and one thread (their sources at those commits). kB is KiB, as the
programs print it."""

from __future__ import annotations

from typing import Any

from chipweave.ledger import case

from ..bench import chase
from ..bench.parallel import answers
from ..rows.devices import device_of, topology_of
from ..rows.units import first_missing, in_cycles, size


def program_of(device: str) -> chase.Program:
    """The version of the benchmark with which a device's log was taken."""
    return chase.PROGRAM_2023 if topology_of(device) == "h100_pcie" else chase.PROGRAM_2024


def point(question: Any) -> Any:
    """(device, bytes of the working set, program) of a row."""
    found = device_of(question), size(question)
    return first_missing(*found) or (*found, program_of(question.device))


@case("h100", "latcurve", bar=0.05)
def predict(questions: list[Any]) -> dict[str, Any]:
    """Cycles a hop, or the time of one, at each working set."""
    return answers(questions, point, chase.cycles, lambda q, at, cycles: in_cycles(q, cycles, at[0].clock_hz))
