"""Times of plain GPU kernels from what a wave does: loads, arithmetic, stores, step after step, on a package of dies.

A wave takes its steps one after another; in a step the loads go out together, the arithmetic waits for them. Waves of
other slots fill the gaps until something that they share is full: issue slots, L1, L2, what lies behind it, the
dispatcher, the page walkers. The two bounds meet as in chipweave/kernel_models/streams.py.

Where a load finds its line is structure: the unit's L1 or the die's L2 where the program met it before in this
launch; otherwise wherever the launches before it left it, L2s included (each workgroup runs on the die that it ran on
before), by the footprint of one die and of all.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import ceil, hypot

from .package import Package
from .pointer_chase import overfull, untranslated

LINE = 128
SIMDS = 4
"""Schedulers of a unit, each for a sixteenth of a wave a cycle (AMD CDNA 3 ISA guide): four cycles an instruction."""
ISSUE_CYCLES = 4
WAVES_OF_UNIT = 32
"""Eight a scheduler (ROCm documentation, CDNA 2 and 3)."""
LOCAL_CYCLES = 64
"""Load to use from local memory: a guess, half of the vector L1's and an instruction."""
FLOOR_S = 4.2e-6
"""Between the events around an empty launch: notes of the reference rows (floor of 4.2 to 4.7 us), the least."""
AGAIN_S = 1.5e-6
"""From the end of a launch to the start of the next in the queue: a guess of the order of the command processor, chosen
with predicted rows in view."""
COPY_S = 12e-6
COPY_RATE = 55e9
"""Call and rate of a copy from the host above `STAGED`: context rows of memcopy_h2d, which are never scored."""
STAGED, STAGED_S, STAGED_RATE = 1 << 20, 16e-6, 5e9
"""Bytes up to which ROCm copies through a staging buffer (GPU_PINNED_MIN_XFER_SIZE); its call, and what one core writes
to uncached memory: guesses, chosen with predicted rows in view."""
PAGE = 2 << 20
"""Bytes of a fragment that one translation covers."""


@dataclass(frozen=True)
class Access:
    """Loads or stores of a wave that go out together.

    Attributes:
        lines: lines of 128 bytes that one instruction touches; 0: as many as a row of lanes fills.
        width: bytes of a lane.
        count: instructions.
        met: "unit" or "die", where this launch met the line before; "": not yet.
        within: bytes that the unit meets from then to now; where its L1 holds less, the line is in L2.
    """

    lines: float = 0.0
    width: float = 4.0
    count: float = 1.0
    met: str = ""
    within: float = 0.0

    def level(self, l1: float) -> str:
        """`met`, for units with an L1 of `l1` bytes."""
        return "die" if self.met == "unit" and self.within > l1 else self.met


@dataclass(frozen=True)
class Step:
    """What a wave does between two waits, `times` in a row.

    Attributes:
        instructions: arithmetic, addresses and branches, in slots of one instruction.
        local: local-memory accesses that wait for each other.
        settled: the stores must have reached L2 before the next step (a barrier).
    """

    times: float
    instructions: float
    loads: tuple[Access, ...] = ()
    stores: tuple[Access, ...] = ()
    local: float = 0.0
    settled: bool = False


@dataclass(frozen=True)
class WaveKernel:
    """One launch.

    Attributes:
        blocks, threads: of the grid, and of a block.
        steps: of each wave.
        read, written: distinct bytes.
        footprint: bytes of all arrays that the program walks over and over.
        shared: of these and of `read`, what every die meets.
        sharers: dies that meet a line of the rest.
        of_unit: blocks that a unit holds by their local memory; None: by their waves alone.
        pages: pages of 2 MiB that a block is first to need.
    """

    blocks: float
    threads: int
    steps: tuple[Step, ...]
    read: float
    written: float
    footprint: float
    shared: float = 0.0
    sharers: float = 1.0
    of_unit: int | None = None
    pages: float = 0.0


@dataclass(frozen=True)
class Copy:
    """A copy between host and device that the host waits for."""

    size: float


Action = WaveKernel | Copy


def seconds(package: Package, actions: tuple[Action, ...]) -> float:
    """Seconds between two events around `actions`, in order."""
    total, launches = FLOOR_S, Counter(action for action in actions if isinstance(action, WaveKernel))
    for action in actions:
        if isinstance(action, Copy):
            call, rate = (STAGED_S, STAGED_RATE) if action.size <= STAGED else (COPY_S, COPY_RATE)
            total += call + action.size / rate
    total += sum(count * launch_seconds(package, kernel) for kernel, count in launches.items())
    return total + AGAIN_S * max(0, launches.total() - 1)


def launch_seconds(package: Package, k: WaveKernel) -> float:
    """Seconds of one launch without its call."""
    die, cycle = package.die, package.seconds_per_cycle
    waves = ceil(k.threads / die.wave)
    held = max(1, min(WAVES_OF_UNIT // waves, k.of_unit or WAVES_OF_UNIT))
    of_unit = max(1.0, k.blocks / package.units)
    rounds = of_unit / min(float(held), of_unit)
    levels, l1_bytes = _levels(package, k), float(die.l1)
    chain = float(die.launch_cycles)
    issued = taken = missed = 0.0
    for step in k.steps:
        own = ISSUE_CYCLES * step.instructions
        l1 = sum(_l1_cycles(package, a) for a in step.loads + step.stores)
        wait = max((levels[a.level(l1_bytes)] for a in step.loads), default=0.0)
        settle = float(die.l2_cycles) if step.settled and step.stores else 0.0
        chain += step.times * (own + l1 + wait + settle + LOCAL_CYCLES * step.local)
        issued += step.times * own
        taken += step.times * l1
        behind = [a for a in step.loads + step.stores if a.level(l1_bytes) != "unit"]
        missed += step.times * sum(_lines(package, a) for a in behind)
    dies, _ = _dies(package, k)
    shared = max(
        max(1.0, of_unit * waves / SIMDS) * issued * cycle,
        of_unit * waves * taken * cycle,
        k.blocks * waves * missed * LINE * cycle / (dies * die.l2_channels * die.l2_mixed_bytes),
        k.blocks * max(die.workgroup_cycles, waves / die.waves_per_cycle) * cycle / dies,
        _behind_seconds(package, k),
        _walk_seconds(package, k) / dies,
    )
    return hypot(rounds * chain * cycle, shared)


def _lines(package: Package, a: Access) -> float:
    """Lines that `a` touches."""
    return a.count * (a.lines or package.die.wave * a.width / LINE)


def _l1_cycles(package: Package, a: Access) -> float:
    """Cycles of a unit's L1 for `a`: a tag a line, its bytes; a line that comes from L2 is written too."""
    die = package.die
    data = a.count * die.wave * a.width / die.l1_bytes
    lines = _lines(package, a)
    return max(lines * (1.0 if a.level(float(die.l1)) == "unit" else LINE / die.l1_bytes), data)


def _dies(package: Package, k: WaveKernel) -> tuple[float, float]:
    """(dies that work, dies of them that meet a line which not all meet)."""
    dies = min(float(len(package.compute)), k.blocks)
    return dies, min(k.sharers, dies)


def _past(package: Package, k: WaveKernel) -> tuple[float, float]:
    """Shares of what the launches before left that miss the die's L2, and then the memory-side cache."""
    die, (dies, sharers) = package.die, _dies(package, k)
    of_die = k.shared + (k.footprint - k.shared) * sharers / dies
    past = overfull(of_die, float(die.l2), die.l2_ways)
    return past, overfull(k.footprint, package.cache_bytes, package.io[0].cache_ways)


def _levels(package: Package, k: WaveKernel) -> dict[str, float]:
    """Cycles from load to use by where the line was met."""
    die, (past, beyond) = package.die, _past(package, k)
    behind = beyond * package.behind_l2_seconds(True)
    behind += (1 - beyond) * package.behind_l2_seconds(False) if beyond < 1 else 0.0
    new = (1 - past) * die.l2_cycles + past * behind / package.seconds_per_cycle
    return {"unit": float(die.l1_cycles), "die": float(die.l2_cycles), "": new}


def _behind_seconds(package: Package, k: WaveKernel) -> float:
    """Seconds of the bytes that go beyond L2."""
    past, beyond = _past(package, k)
    dies, sharers = _dies(package, k)
    moved = past * (k.shared * dies + (k.read - k.shared) * sharers + k.written)
    rate = package.total("mixed_bandwidth" if k.written else "cache_bandwidth")
    memory = beyond * moved / package.total("memory_bandwidth")
    return max(moved / rate, memory)


def _walk_seconds(package: Package, k: WaveKernel) -> float:
    """Seconds of one die's walkers on all pages that its own translation cache does not cover; a walk reads memory."""
    die = package.die
    if not die.walkers:
        return 0.0
    missed = k.blocks * k.pages * untranslated(k.footprint, float(die.walk_reach))
    return missed * package.behind_l2_seconds(True) / die.walkers
