"""amd_collective: bus bandwidth of RCCL's collectives on a node whose GPUs are joined to each other.

Bus bandwidth is nccl-tests': bytes on the bus over time.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from chipweave import topology
from chipweave.kernel_models.ring_protocols import BUS, Protocol, ring_seconds
from chipweave.ledger import Answers, NotModelled, Question, case

from ..rows.conditions import conditions, whole
from ..rows.packages import topology_of
from ..rows.units import BYTES_PER_S, first_missing, in_unit, stated_x


@case("dies", "amd_collective", bar=0.15)
def predict(questions: list[Question]) -> Answers:
    """Bus bandwidth over the size of the message."""
    return {q.id: in_unit(q, _answer(q), BYTES_PER_S) for q in questions}


@cache
def port_of(name: str) -> Any:
    """A GPU's xGMI port in the node's topology, or None."""
    if name == "mi300x":
        name = "mi300x_node"
    found = topology.load(name).of_kind("node.xgmi_port") if name.endswith(("_node", ".yaml", ".yml")) else []
    return found[0] if found else None


def _answer(q: Question) -> float | NotModelled:
    """Bus bandwidth of a collective between GPUs that are joined pairwise: a ring over each link."""
    device, ranks, size = topology_of(q.device), whole(conditions(q), "GPUs"), stated_x(q)
    port = port_of(device) if device else None
    if port is None:
        return NotModelled(f"no node of '{q.device}' is described")
    collective = next((c for c in BUS if re.search(rf"\b{c}\b", q.quantity)), None)
    if (missing := first_missing(ranks, size)) is not None:
        return missing
    if collective is None or not 2 <= ranks <= port.link_count + 1:
        return NotModelled("the row names no collective, or no number of GPUs of the node")
    bandwidth = float((ranks - 1) * port.link_bandwidth * port.ring_share)
    protocols = tuple(
        Protocol(p["name"], p["base"] * 1e-12, p["step"] * 1e-12, float(p["share"])) for p in port.protocols
    )
    seconds = ring_seconds(collective, ranks, size, bandwidth, port.call * 1e-12, protocols)
    return BUS[collective] * (ranks - 1) / ranks * size / seconds
