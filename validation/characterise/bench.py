"""The transfers of the case study on the line-rate die: slices read from memory and L2, alone and shared, stored, and
GEMMs.

Every transfer begins on an idle die that has been at work before (its refreshes have begun), and ends when the last
byte is there. The SMs of a reader read a slice in chunks of 4 KiB, dealt in turn, without a pause: weights that stream.
Several readers at a time are the SMs in equal parts, one for each."""

from __future__ import annotations

from typing import Any

from chipweave.declare import registry
from chipweave.kernel_models.gemm import CUBLAS_TILES, Gemm, best_of
from chipweave.line_rate.sm_program import Loop, Wait

from ..bench.die import GIB, MIB, Die, load

WARP = 512  # bytes that a warp asks at once: 16 a lane
THREADS = 256
CHUNK = THREADS // 32 * WARP
LOOK_PS = 10_000  # how often the end of a transfer is looked for
DIRTY = 96 * MIB  # stores before a timed one, so that the L2 writes back as fast as it is written
WARM = (
    4 * MIB
)  # read before anything is timed: in the first microseconds of a die no refresh is due, and reads are 15 % faster
SETTLE = 16 * MIB  # of the same train, before the timed slice and after it


class Bench:
    """One die; `readers` are its SMs, `doors` the readers of other dies (none where the topology has no doors)."""

    def __init__(self, topology: Any, seed: int = 1, **options: Any) -> None:
        self.die = Die(topology, seed=seed, **options)
        self.endpoints = self.die.endpoints
        self.doors = self.die.numbers.get("door", [])
        self.regions = 0
        self.read(WARM)

    def region(self) -> Any:
        """Address of memory that nothing has touched yet."""
        self.regions += 1
        return (self.regions - 1) * GIB

    def groups(self, streams: Any) -> Any:
        """The SMs in equal parts, each with as many of either partition."""
        return [[sm for i, sm in enumerate(self.die.sms) if i // 2 % streams == part] for part in range(streams)]

    def run(self, jobs: Any) -> Any:
        """ps until all `jobs` have ended; a job is (units, address, bytes, store)."""
        e, units = self.endpoints, []
        start = e.now
        for members, address, size, store in jobs:
            units += self._launch(members, address, size, store)
        before, total = self._ended(units), len(units)
        while self._ended(units) - before < total:
            e.run(e.now + LOOK_PS)
        return e.now - start

    def _ended(self, units: list[int]) -> int:
        return sum(self.endpoints.statistics(u)["blocks"] for u in units)

    def _launch(self, members: Any, address: Any, size: Any, store: Any) -> Any:
        """Deal the chunks of one job to its units; returns the units that got any."""
        chunks, used = -(-size // CHUNK), []
        for i, unit in enumerate(members[:chunks]):
            turns = -(-(chunks - i) // len(members))
            access = load(
                address,
                block_step=CHUNK,
                warp_step=WARP,
                loop_step=len(members) * CHUNK,
                lane_step=16,
                size=16,
                past_l1=1,
                store=store,
            )
            self.die.program(
                unit,
                [access, Loop(0, turns)] + [Wait()] * (not store),
                THREADS,
                first=i,
                step=len(members),
                blocks=i + 1,
            )
            self.die.launch(unit)
            used.append(unit)
        return used

    def read(self, size: Any, streams: int = 1, doors: int = 0) -> Any:
        """ps of `streams` local readers, and `doors` (0 or 1) remote ones, each with a slice of its own from memory."""
        return self.run(self._readers(size, streams, doors))

    def again(self, size: Any, streams: int = 1, doors: int = 0) -> Any:
        """ps of the same, of slices that each reader read a moment ago."""
        jobs = self._readers(size, streams, doors)
        self.run(jobs)
        return self.run(jobs)

    def _readers(self, size: Any, streams: Any, doors: Any) -> Any:
        members = (self.groups(streams) if streams else []) + [self.doors] * doors
        return [(units, self.region(), size, False) for units in members]

    def store(self, size: Any) -> Any:
        """ps that a slice more takes in a train of stores, which memory and not the L2 paces; no transfer waits for a
        store."""
        self.run([(self.die.sms, self.region(), DIRTY, True)])
        self._launch(self.die.sms, self.region(), SETTLE + size + SETTLE, True)
        self._until_stored(SETTLE)
        begin = self.endpoints.now
        self._until_stored(size)
        return self.endpoints.now - begin

    def _until_stored(self, size: Any) -> None:
        """Run until `size` bytes more have gone to the L2."""
        enough = self.stored() + size
        while self.stored() < enough:
            self.endpoints.run(self.endpoints.now + LOOK_PS)

    def stored(self) -> Any:
        """Bytes that the SMs have sent to the L2 so far."""
        return self.endpoints.total(self.die.sms, "stored")


def tile_model(topology_system: Any) -> Any:
    """The `sm.tile` of this die: structure from its topology, calibrated figures as the kind has them."""
    sm, hbm = topology_system.parts["sm"], topology_system.parts["hbm"]
    kind = registry.components.find("sm.tile")
    return kind("sm", sms=sm.sms, clock=f"{int(sm.clock)} Hz", dram_bandwidth=f"{int(hbm.bandwidth)} B/s")


def expert_ps(tiles: Any, hidden: int, intermediate: int, tokens: int) -> int:
    """Time of the three GEMMs of an expert in ps, weights in the L2: two of hidden -> intermediate, one back."""
    up, down = (_resident(tiles, tokens, *shape) for shape in ((intermediate, hidden), (hidden, intermediate)))
    return round((2 * up + down) * 1e12)


def _resident(tiles: Any, m: int, n: int, k: int) -> float:
    floor = tiles.kernel_floor / 1e12
    return best_of(tiles.chip, Gemm(m, n, k, tiles.dtype), CUBLAS_TILES, tiles.dram_efficiency, floor, resident=True)[0]
