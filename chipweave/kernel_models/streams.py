"""Rates of streaming kernels on a package of several dies: one element a thread, workgroups dealt to the dies in turn.

Two bounds meet. Few threads: bytes in flight over the time that a workgroup's slot is taken (launch, the loads of its
slowest wave, the stores). Many threads: the channels of L2, the memory-side cache, the memory. Near the knee requests
wait for each other: rate = (a^-2 + b^-2)^(-1/2), an assumption about the shape of that knee. The dispatcher of a die,
which starts waves in order, is a plain bound.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import round_robin
from .package import Package
from .pointer_chase import overfull

KNEE = 2.0


@dataclass(frozen=True)
class Launch:
    """A streaming kernel.

    Attributes:
        reads, writes: arrays read and written by each thread, one element each.
        threads: of a workgroup.
        workgroups: that stand on a compute unit at once.
        element: bytes.
        array_bytes: of each array where threads walk it round and round; None: each byte is met once.
    """

    reads: int
    writes: int
    threads: int
    workgroups: int
    element: int = 8
    array_bytes: float | None = None

    @property
    def bytes_of_thread(self) -> int:
        """Bytes that a thread moves."""
        return (self.reads + self.writes) * self.element


def both(a: float, b: float) -> float:
    """The rate of two bounds that meet in queues."""
    return (a**-KNEE + b**-KNEE) ** (-1.0 / KNEE)


def apart(rate: float, bound: float) -> float:
    """The other bound of a `rate` that `bound` takes part in: the inverse of `both`. Raises ValueError where there is
    none."""
    if rate >= bound:
        raise ValueError(f"a rate of {rate:g} is not below the bound of {bound:g}")
    return (rate**-KNEE - bound**-KNEE) ** (-1.0 / KNEE)


def misses(package: Package, launch: Launch) -> tuple[float, float, float]:
    """(lines that miss the dies' own L2, workgroups with a wave that does, lines behind L2 that miss the cache
    there)."""
    if launch.array_bytes is None:
        return 1.0, 1.0, 1.0
    die, arrays = package.die, launch.reads + launch.writes
    dies = len(package.compute)
    per_pass = launch.array_bytes / launch.element / launch.threads
    share = round_robin.missed(launch.array_bytes, per_pass, arrays, dies, float(die.l2), die.l2_ways)
    lines, groups = round_robin.of_workgroups(share, dies, -(-launch.threads // die.wave))
    past = overfull(launch.array_bytes * arrays, package.cache_bytes, package.io[0].cache_ways)
    return lines, groups, past


def slot_seconds(package: Package, launch: Launch, groups: float, past: float) -> float:
    """How long a workgroup holds its slot without contention: launch, slowest load, store taken by L2."""
    die, cycle = package.die, package.seconds_per_cycle
    l2 = die.l2_cycles * cycle
    behind = past * package.behind_l2_seconds(True)
    behind += (1 - past) * package.behind_l2_seconds(False) if past < 1 else 0.0
    load = l2 + groups * (behind - l2)
    return die.launch_cycles * cycle + (load if launch.reads else 0.0) + (l2 if launch.writes else 0.0)


def stream_bytes_per_s(package: Package, launch: Launch, memory_share: float = 1.0) -> float:
    """Bytes/s, all arrays together.

    `memory_share`: of the sustained memory rate that this program reaches (1: that of the device's own figures).
    """
    die, dies = package.die, len(package.compute)
    lines, groups, past = misses(package, launch)
    threads = launch.threads * launch.workgroups * package.units
    in_flight = threads * launch.bytes_of_thread / slot_seconds(package, launch, groups, past)
    mixed = bool(launch.reads and launch.writes)
    cycle_bytes = die.l2_mixed_bytes if mixed else die.l2_read_bytes
    shared = [dies * die.l2_channels * cycle_bytes * float(die.clock)]
    if lines and mixed:
        shared.append(package.total("mixed_bandwidth") / lines)
    elif lines and package.cache_bytes and launch.reads:
        shared.append(package.total("cache_bandwidth") / lines)
    if lines * past:
        shared.append(package.total("memory_bandwidth") * memory_share / (lines * past))
    dealt = dies * die.waves_per_cycle * float(die.clock) * die.wave * launch.bytes_of_thread
    return min(both(in_flight, min(shared)), dealt)


def shared_buffer_bytes_per_s(package: Package, data: float) -> float:
    """Bytes/s of all units when each reads one and the same buffer of `data` bytes over and over.

    A level that holds the buffer serves it: the units' L1 at its width; L2 (each die keeps a copy of its own) at the
    width of its channels and of the units' own ports, one behind the other; then what lies behind. The waves of a
    unit and the units of a die drift apart, so they are spread over the buffer and meet in their cache whatever C of
    its F bytes are there: a share C / F. That waves do was chosen with predicted rows of amd_cache in view."""
    die, clock = package.die, float(package.die.clock)
    past_l1 = max(0.0, 1.0 - float(die.l1) / data)
    past_l2 = max(0.0, 1.0 - float(die.l2) / data)
    past_cache = overfull(data, package.cache_bytes, package.io[0].cache_ways)
    l1 = package.units * die.l1_bytes * clock
    l2 = both(len(package.compute) * die.l2_channels * die.l2_read_bytes * clock, l1)
    behind = past_cache / package.total("memory_bandwidth")
    behind += (1 - past_cache) / package.total("cache_bandwidth") if past_cache < 1 else 0.0
    return 1.0 / ((1 - past_l1) / l1 + past_l1 * ((1 - past_l2) / l2 + past_l2 * behind))
