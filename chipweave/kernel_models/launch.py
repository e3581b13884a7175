"""What it costs to start a kernel, and to do without starting one: the command processor's paths on small copies.

The workload is a repeated SCALE kernel, `A[i] = B[i] * s` in double precision, one element a thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

THREADS_PER_SM = 2048
BYTES_PER_THREAD = 16
"""One double read, one written."""

READ_SHARE = 0.5
"""Of the bytes that a copy moves, those that are read."""


@dataclass(frozen=True)
class LaunchPath:
    """Calibrated times of the command processor and of what a block does besides moving data, in seconds.

    gap_s         mode -> from the last store of a kernel to the first block of the next ("stream", "graph")
    turnaround_s  dispatch, first instruction, store and exit of a block
    l1_s         L1 hit
    l2_near_s, l2_hop_s  near hit and what a far one costs more
    dram_efficiency      share of the pin rate that saturated accesses of one direction reach
    turn_efficiency      share of that which is left where reads and writes take turns
    """

    gap_s: dict
    turnaround_s: float
    l1_s: float
    l2_near_s: float
    l2_hop_s: float
    dram_efficiency: float
    turn_efficiency: float

    @property
    def l2_mean_s(self) -> float:
        """A hit of unknown home: half are far."""
        return self.l2_near_s + self.l2_hop_s / 2


def resident_share(chip: Any, moved_bytes: float) -> float:
    """Share of a repeated copy's bytes that L2 keeps from one pass to the next.

    Home lines of both arrays and, of the array that is read, a copy in the reader's partition where that is not the
    home (half of it) share one pool. It holds all until 1.25 times the data fills it, and nothing of a cyclic sweep
    once the home lines alone do; between, the share falls with the overflow.
    """
    all_fits = chip.l2_bytes / (1 + READ_SHARE / 2)
    return min(1.0, max(0.0, (chip.l2_bytes - moved_bytes) / (chip.l2_bytes - all_fits)))


def moving_seconds(chip: Any, path: LaunchPath, moved_bytes: float) -> float:
    """Time that the data itself needs: through L2 what it holds, through memory the rest."""
    kept = resident_share(chip, moved_bytes)
    memory = chip.memory_bytes_per_s(path.dram_efficiency) * path.turn_efficiency
    return moved_bytes * (kept / chip.l2_bytes_per_s + (1 - kept) / memory)


def waves(chip: Any, moved_bytes: float) -> int:
    """Whole waves of blocks before the last: a thread an element, all SMs full."""
    threads = max(1, round(moved_bytes / BYTES_PER_THREAD))
    return (threads - 1) // (chip.sms * THREADS_PER_SM)


def copy_seconds(chip: Any, path: LaunchPath, moved_bytes: float) -> float:
    """Execution of one SCALE kernel: a block's life, the data, and one more block's life where a second wave starts."""
    life = path.turnaround_s + path.l2_mean_s
    return life * (1 + min(1, waves(chip, moved_bytes))) + moving_seconds(chip, path, moved_bytes)


def launched_seconds(chip: Any, path: LaunchPath, moved_bytes: float, mode: str) -> float:
    """Time per kernel of a train of dependent launches; mode: "stream" or "graph"."""
    return path.gap_s[mode] + copy_seconds(chip, path, moved_bytes)


def barrier_seconds(chip: Any, path: LaunchPath, sync_cycles: int = 30) -> float:
    """A barrier of all blocks through one counter in L2: fence, atomic, the poll that sees the last arrival.

    The slowest block decides, and to it the counter is far. Polls repeat: it has just missed the last arrival and
    needs the rest of that round trip and a whole one more.
    """
    far = path.l2_near_s + path.l2_hop_s
    fence, atomic, poll = far, far, 1.5 * far
    return fence + atomic + poll + 2 * sync_cycles / chip.clock_hz


def persistent_seconds(chip: Any, path: LaunchPath, moved_bytes: int, cooperative: bool) -> float:
    """Time per pass of threads that stay: load, store, barrier.

    cooperative  grid.sync(): one more fence behind the barrier; nothing is outstanding there, it only empties L1
    """
    load = path.l2_near_s + path.l2_hop_s
    fence = path.l1_s if cooperative else 0.0
    return load + moving_seconds(chip, path, moved_bytes) + barrier_seconds(chip, path) + fence
