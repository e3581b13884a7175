"""A ring collective of a library that chooses among protocols: latency a step, share of the bus, one call's floor.

    time = base + steps x latency + bytes on the bus / (bandwidth x share), the least over the protocols

which is the estimate that NCCL and RCCL make themselves when they choose (src/graph/tuning.cc, ncclTopoTuneModel).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Protocol:
    """One protocol of a ring: seconds before its first step beyond the call's own, seconds a step, share of the bus."""

    name: str
    base: float
    step: float
    share: float


BUS = {"all_reduce": 2, "all_gather": 1, "reduce_scatter": 1}
"""Collective -> bytes that a rank puts on the bus, in units of (ranks - 1) / ranks of the message (nccl-tests)."""


def call_seconds(steps: int, on_bus: float, bandwidth: float, call: float, protocols: tuple[Protocol, ...]) -> float:
    """Seconds of one call of `steps` that puts `on_bus` bytes on a rank's links, by the cheapest protocol.

    Args:
        bandwidth: bytes/s of a rank's links that the bulk protocol sustains.
        call: seconds of a call before its first step.
    """
    return call + min(p.base + steps * p.step + on_bus / (bandwidth * p.share) for p in protocols)


def ring_seconds(
    collective: str, ranks: int, message: float, bandwidth: float, call: float, protocols: tuple[Protocol, ...]
) -> float:
    """Seconds of one ring collective of `message` bytes, as nccl-tests counts them; the rest as in `call_seconds`."""
    steps = BUS[collective] * (ranks - 1)
    return call_seconds(steps, steps / ranks * message, bandwidth, call, protocols)
