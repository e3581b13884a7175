"""amd_cache, amd_stream, amd_partition, amd_roofline: rates of streaming kernels on packages of several dies.

One element a thread (chipweave/kernel_models/streams.py), at the threads of a workgroup and the workgroups of a unit
that the row states. `arrays` of the triad are four: a = b + c * d. In amd_cache threads walk the array round and round.
"""

from __future__ import annotations

import re
from dataclasses import replace

from chipweave.kernel_models.package import Package
from chipweave.kernel_models.streams import Launch, both, shared_buffer_bytes_per_s, stream_bytes_per_s
from chipweave.ledger import Answers, NotModelled, Question, case, number

from ..rows.conditions import conditions, whole
from ..rows.figures import figures
from ..rows.packages import clock_hz, package_named, rules, topology_of
from ..rows.units import BYTES_PER_S, Stated, first_missing, in_unit

KERNELS = {
    "read": (1, 0),
    "dot": (2, 0),
    "init": (0, 1),
    "write": (0, 1),
    "scale": (1, 1),
    "copy": (1, 1),
    "mul": (1, 1),
    "add": (2, 1),
    "triad": (3, 1),
}
"""Kernel -> arrays read, arrays written. BabelStream's triad reads two (STREAM), gpu-benches' three."""

FULL = Launch(1, 0, 1024, 2)
"""Full occupancy: 2,048 threads a unit."""

KIB = 1024


@case("dies", "amd_cache", bar=0.06)
def cache(questions: list[Question]) -> Answers:
    """Rates over the size of an array, over occupancy, and of one buffer that all units read."""
    return {q.id: in_unit(q, _cache(q), BYTES_PER_S) for q in questions}


@case("dies", "amd_stream", bar=0.08)
def stream(questions: list[Question]) -> Answers:
    """Rates from memory over occupancy."""
    return {q.id: in_unit(q, _stream(q), BYTES_PER_S) for q in questions}


@case("dies", "amd_partition", bar=0.15)
def partition(questions: list[Question]) -> Answers:
    """Copies by the dies of a partition mode, together or one alone on its I/O die."""
    return {q.id: in_unit(q, _partition(q), BYTES_PER_S) for q in questions}


@case("dies", "amd_roofline", bar=0.15)
def roofline(questions: list[Question]) -> Answers:
    """Memory rate of reads with FP64 work beside them, at the clock that the row states."""
    return {q.id: in_unit(q, _roofline(q), BYTES_PER_S) for q in questions}


def kernel(q: Question) -> Stated:
    """(arrays read, arrays written) of the kernel that a row names; BabelStream's triad reads two."""
    found = [w for w in re.findall(r"[a-z]+", q.quantity.lower()) if w in KERNELS]
    if not found:
        return NotModelled(f"the row names none of the kernels {', '.join(KERNELS)}")
    return (2, 1) if found[0] == "triad" and "babelstream" in q.quantity.lower() else KERNELS[found[0]]


def launch(q: Question, element: int = 8) -> Stated:
    """The launch of a row; full occupancy (2 workgroups of 1024) where it states none.

    A unit holds 2048 threads (CDNA 3 ISA guide: 4 SIMDs x 8 waves x 64); a row beyond that is not
    modelled.
    """
    arrays, found = kernel(q), conditions(q)
    threads, groups = whole(found, "block", 1024), whole(found, "blocks_per_CU", 2)
    missing = first_missing(arrays, threads, groups)
    if missing:
        return missing
    if threads > 1024 or threads * groups > 2048:
        return NotModelled(f"{groups} workgroups of {threads} threads are more than a unit holds")
    reads, writes = arrays
    return Launch(reads, writes, threads, groups, 4 if "float" in q.conditions else element)


def _cache(q: Question) -> float | NotModelled:
    """Bytes/s of a kernel whose array fits a cache, or lies in memory."""
    package, found = package_named(q.device), conditions(q)
    if isinstance(package, NotModelled):
        return package
    if "same buffer" in q.quantity:
        kb = _positive(q.x_value)
        return shared_buffer_bytes_per_s(package, kb * KIB) if kb else NotModelled("the row states no data set")
    if "whole GPU" in q.quantity:
        return _level(package, q.quantity)
    kb = _positive(q.x_value if q.x_name == "array_kB" else found.get("array_kB", ""))
    shape = launch(q)
    if isinstance(shape, NotModelled) or not kb:
        return shape if not isinstance(shape, Launch) else NotModelled("the row states no size of an array")
    return stream_bytes_per_s(package, replace(shape, array_bytes=kb * KIB), figures("dies")["cyclic_memory_share"])


def _level(package: Package, quantity: str) -> float | NotModelled:
    """The sustained rate of one level, full occupancy, threads that walk an array which it holds."""
    level, _, way = quantity.removesuffix(" bandwidth, whole GPU").rpartition(" ")
    inside = {"L2": package.die.l2 / 2, "Infinity Cache": package.cache_bytes / 2, "HBM": None}
    if level not in inside or way not in ("read", "write"):
        return NotModelled(f"no level and direction in '{quantity}'")
    if level == "L2":
        die = package.die
        width = die.l2_read_bytes if way == "read" else die.l2_mixed_bytes
        rate = len(package.compute) * die.l2_channels * width * float(die.clock)
        return both(rate, package.units * die.l1_bytes * float(die.clock))
    return stream_bytes_per_s(
        package, replace(FULL, reads=way == "read", writes=way == "write", array_bytes=inside[level])
    )


def _stream(q: Question) -> float | NotModelled:
    """Bytes/s of a kernel whose arrays lie in memory."""
    package, shape = package_named(q.device), launch(q)
    return first_missing(package, shape) or stream_bytes_per_s(package, shape)


def _partition(q: Question) -> float | NotModelled:
    """Bytes/s of a copy on the dies of one partition, or of several partitions together.

    Together they cannot exceed what the whole package reaches as one (SPX) with the same memory
    mode.
    """
    mode = conditions(q).get("mode", "")
    package, arrays = package_named(q.device, mode), kernel(q)
    missing = first_missing(package, arrays)
    if missing:
        return missing
    reads, writes = arrays
    full = replace(FULL, reads=reads, writes=writes)
    rate = stream_bytes_per_s(package, full)
    if "alone" in q.quantity:
        return rate
    whole_package = stream_bytes_per_s(package_named(q.device, "SPX/" + mode.partition("/")[2]), full)
    count = re.match(r".*, (\d+) XCDs together", q.quantity)
    alone = rate * int(count[1]) if count and "CPX" in mode else whole_package
    return min(alone, whole_package)


def _roofline(q: Question) -> float | NotModelled:
    """Bytes/s of reads with x FLOP a byte beside them: the lesser of the memory's rate and the units'."""
    package = package_named(q.device)
    if isinstance(package, NotModelled):
        return package
    found, intensity = rules(topology_of(q.device)), _positive(q.x_value)
    if not (intensity and found and found.vector_flops_per_cycle):
        return NotModelled("no intensity, or no vector rate of the device")
    flops = package.units * found.vector_flops_per_cycle * clock_hz(q.clock, package)
    return both(stream_bytes_per_s(package, FULL), flops / intensity)


def _positive(text: str) -> float | None:
    """A finite number above 0, None where the text is none."""
    value = number(text)
    return value if value is not None and value > 0 else None
