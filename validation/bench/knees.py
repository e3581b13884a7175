"""Knees of latency curves: where a chase leaves the level of L1, and where that of the near L2, measured and simulated.

A knee is the working set at which the latency has risen a tenth of the way from its level to the next, read off between
the two rows around it. A level is the median of its rows: L1 up to 128 KiB, L2 from 512 KiB to a quarter of its size,
memory from twice its size. All rows of a curve count, also those that repeat a calibration row: a level needs them."""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from chipweave.ledger import Result

from ..rows.devices import parts, topology_of
from ..rows.units import PRINTED_BYTES

GROUP, BAR, RISE = "latcurve", 0.10, 0.1
FEWEST = 3  # rows of a level
L1_LEVEL, L2_LEVEL = 128 << 10, 512 << 10


@dataclass(frozen=True)
class Knee:
    """Sizes in bytes; error = simulated / reference - 1."""

    device: str
    level: str
    reference: float
    simulated: float
    error: float


def knees(results: list[Result]) -> list[Knee]:
    """Every `Knee` that the rows of `results` show, by device."""
    curves: dict[str, list[tuple[float, Any, float]]] = {}
    for r in results:
        if r.group == GROUP and r.simulated is not None and r.x_name in PRINTED_BYTES:
            curves.setdefault(r.device, []).append(
                (float(r.x_value) * PRINTED_BYTES[r.x_name], r.reference, r.simulated)
            )
    return [knee for device, rows in sorted(curves.items()) for knee in _of_curve(device, sorted(rows))]


def _of_curve(device: str, rows: list[tuple[float, Any, float]]) -> list[Knee]:
    """The knees of one device's curve, L1 to L2 and L2 to memory, measured and simulated by the same rule."""
    llc = parts(topology_of(device))["llc"]
    l2 = llc.slices * llc.slice_capacity
    ranges = {"L1": (0, L1_LEVEL), "L2": (L2_LEVEL, l2 / 4), "memory": (2 * l2, float("inf"))}
    found = []
    for low, high in (("L1", "L2"), ("L2", "memory")):
        measured = _crossing([(x, y) for x, y, _ in rows], ranges[low], ranges[high])
        simulated = _crossing([(x, y) for x, _, y in rows], ranges[low], ranges[high])
        if measured is not None and simulated is not None:
            found.append(Knee(device, low, measured, simulated, simulated / measured - 1))
    return found


def _crossing(points: list[tuple[float, float]], low: tuple[float, float], high: tuple[float, float]) -> float | None:
    """Size at which the curve has risen by RISE from one level to the next, or None where it does not show both."""
    below, above = ([y for x, y in points if begin <= x <= end] for begin, end in (low, high))
    if min(len(below), len(above)) < FEWEST:
        return None
    wanted = (1 - RISE) * median(below) + RISE * median(above)
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if y0 < wanted <= y1 and x1 > low[0]:
            return x0 + (x1 - x0) * (wanted - y0) / (y1 - y0)
    return None


def as_rows(results: list[Result]) -> list[dict[str, Any]]:
    """The knees as dictionaries, for JSON."""
    return [asdict(knee) for knee in knees(results)]


def sentence(knee: Knee) -> str:
    """One line for a person."""
    kib = f"{knee.reference / 1024:,.0f} KiB measured, {knee.simulated / 1024:,.0f} KiB simulated"
    return f"{GROUP}, {knee.device}: leaves {knee.level} at {kib} ({knee.error:+.1%})"


def missed(results: list[Result]) -> list[str]:
    """A line for every knee that is further off than the bar."""
    return [f"bar missed: {sentence(knee)}, bar {BAR:.0%}" for knee in knees(results) if abs(knee.error) > BAR]
