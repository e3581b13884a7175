"""The dies of a composed system, as serving sees them before anything is simulated."""

from __future__ import annotations

from dataclasses import dataclass

from chipweave import topology
from chipweave.component.replicas import gather
from chipweave.errors import BadInput, Fault
from chipweave.run import simulate


@dataclass(frozen=True)
class Dies:
    """What serving needs to know of a composed system's dies: how many compute, and of those the least memory, bytes,
    and memory rate, bytes/s; of its links the slowest, bytes/s."""

    count: int
    memory_bytes: int
    memory_rate: float
    link: float


def dies_of(name: str) -> Dies:
    """The dies of a topology that compute.

    Raises:
        BadInput: no such topology, or none of dies that compute experts.
    """
    system = topology.load(name)
    facts = simulate.facts_of(gather(system.parts.values()))
    simulate.check_facts(facts, system)
    works = [die for die, rate in enumerate(facts["compute"]) if rate]
    links = simulate.mesh_of(system).bandwidth
    if not works or any(not facts["hbm_bytes"][die] for die in works):
        raise BadInput(Fault(f"{name}: no dies that compute beside memory of their own", allowed="such as wafer_5x5"))
    return Dies(
        len(works),
        min(int(facts["hbm_bytes"][die]) for die in works),
        min(float(facts["hbm_bandwidth"][die]) for die in works),
        float(min(links)),
    )
