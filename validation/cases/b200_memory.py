"""b200_latency, b200_inflight, b200_l2cross, b200_loadlat: what two dies behind one address space make of reads."""

from __future__ import annotations

from collections.abc import Callable

from chipweave.kernel_models.package import Package
from chipweave.kernel_models.streams import both
from chipweave.kernel_models.two_halves import latency_cycles, lookups, memory_cycles
from chipweave.ledger import Answers, NotModelled, Question, case

from ..rows.blackwell import figures, package
from ..rows.conditions import conditions, whole
from ..rows.units import BYTES_PER_S, Stated, in_unit, stated_x

RING = 2
"""Trips of a stage that is filled, read by its consumer and given back before the next fill: a guess."""


@case("dies", "b200_latency", bar=0.06)
def latency(questions: list[Question]) -> Answers:
    """Load to use over footprint."""
    return {q.id: _with(q, _latency) for q in questions}


@case("dies", "b200_inflight", bar=0.10)
def inflight(questions: list[Question]) -> Answers:
    """Rate from memory over bytes in flight."""
    return {q.id: in_unit(q, _with(q, _inflight), BYTES_PER_S) for q in questions}


@case("dies", "b200_loadlat", bar=0.25)
def loadlat(questions: list[Question]) -> Answers:
    """Latency of cold loads of all units at once: the unloaded one and a page walk, which reads memory once more."""
    return {q.id: _with(q, lambda _, p: 2 * memory_cycles(p)) for q in questions}


@case("dies", "b200_l2cross", bar=lambda q: 0.03 if q.unit == "ratio" else 0.15)
def l2cross(questions: list[Question]) -> Answers:
    """Look-ups and sectors from memory of a requested sector, and the rate."""
    return {q.id: _with(q, _l2cross) for q in questions}


def _with(q: Question, answer: Callable[[Question, Package], Stated]) -> Stated:
    """`answer` of a row and its package; NotModelled where no package is described."""
    found = package(q)
    return found if isinstance(found, NotModelled) else answer(q, found)


def _latency(q: Question, p: Package) -> float | NotModelled:
    """SM cycles from load to use at a footprint."""
    footprint = stated_x(q)
    if isinstance(footprint, NotModelled) or footprint > p.total("capacity"):
        return NotModelled("the row states no footprint, or one beyond the package's memory")
    return latency_cycles(p, footprint)


def _seconds(p: Package, copies: bool) -> float:
    """Load to use from memory, with the set-up of a tile copy where TMA loads."""
    return memory_cycles(p) / float(p.die.clock) + (figures()["tma_setup_s"] if copies else 0.0)


def _inflight(q: Question, p: Package) -> float | NotModelled:
    """Bytes/s by Little's law, bounded by the memory."""
    return _under_way(q, p, _seconds(p, "TMA" in q.quantity), p.total("memory_bandwidth"))


def _under_way(q: Question, p: Package, seconds: float, limit: float) -> float | NotModelled:
    """Bytes/s of all units that have x bytes each under way for `seconds`, at most `limit`."""
    each = stated_x(q)
    return each if isinstance(each, NotModelled) else both(each * p.units / seconds, limit)


def _l2cross(q: Question, p: Package) -> float | NotModelled:
    """Look-ups or sectors for a requested sector, or the rate, when the two dies share an L2."""
    found = conditions(q)
    mode, sharers = found.get("mode", ""), whole(found, "sharers", 1)
    if isinstance(sharers, NotModelled):
        return sharers
    cross = mode == "implicit_l2_cross"
    fetched = 1.0 / sharers if cross else 1.0
    if q.unit == "ratio":
        return lookups(fetched, cross, len(p.compute)) if q.quantity.startswith("L2") else fetched
    shared = sharers if cross or mode in ("explicit_mcast", "implicit_l2_intra") else 1
    limit = min(p.total("memory_bandwidth") * shared, figures()["l2_bytes_per_s"])
    return in_unit(q, _under_way(q, p, RING * _seconds(p, True), limit), BYTES_PER_S)
