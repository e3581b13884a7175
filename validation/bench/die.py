"""The line-rate die on the bench: a device's topology with the calibrated figures laid over it, and microbenchmarks on
it.

Each microbenchmark is a program for the SMs (chipweave/line_rate/sm_program.py) that repeats what the published one
does; caches are warmed by touching the lines in the program's own order, then a window of the steady state is run in
time."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from chipweave import topology
from chipweave.line_rate import LineRate
from chipweave.line_rate.sm_program import LAUNCH, PAGES, Load, Op, Program, Store

from ..rows.devices import Device

CALIBRATED = files("chipweave.validation") / "calibrated" / "die.yaml"
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
PAGE = 2 * MIB
REGION = 2048  # pages of 4 GiB: an array of a benchmark lies in one piece, as an allocation on an idle device does
REGIONS = 16


@lru_cache(maxsize=64)
def _system(name: Any, sets: Any, preset: Any) -> Any:
    return topology.load(name, sets=sets, preset=preset)


class Die:
    """A die ready to run. `of`: a topology's name or file, or a `Device`, which may be at a clock of its own. `sms` of
    its SMs take part (all where None): those left out would idle.

    Attributes: system, endpoints, numbers (of endpoints, by part), sms, slices, channels (of these), clock_hz,
    period_ps."""

    def __init__(
        self,
        of: Device,
        sms: int | None = None,
        sets: tuple[Any, ...] = (),
        seed: int = 1,
        preset: str = str(CALIBRATED),
        engine: str = "kernel",
    ) -> None:
        name, own = (of.topology, of.sets) if isinstance(of, Device) else (of, ())
        sets = own + tuple(sets) + ((f"sm.sms={sms}",) if sms else ())
        self.system = _system(name, sets, preset)
        line_rate = LineRate(self.system, seed, engine)
        self.endpoints = line_rate.endpoints
        self.numbers = line_rate.numbers
        self.sms, self.slices, self.channels = (self.numbers[part] for part in ("sm", "llc", "hbm"))
        self.clock_hz = float(self.system.parts["sm"].clock)
        self.period_ps = 1e12 / self.clock_hz
        rng = np.random.default_rng(seed)
        first = rng.permutation(REGIONS) * 2 * REGION + rng.integers(REGION, size=REGIONS)
        pages = (first[:, None] + np.arange(REGION)).ravel()
        for sm in self.sms + self.numbers.get("door", []):
            self.endpoints.attach(sm, PAGES, pages)

    def program(
        self,
        sm: int,
        ops: list[Any],
        threads: int,
        blocks_at_once: int = 1,
        first: int = 0,
        step: int = 1,
        blocks: int = 1,
        count: int = 0,
        place_count: int = 0,
    ) -> None:
        """Give an SM its kernel: `ops` are those of chipweave.line_rate.sm_program, the rest is as for `Program`."""
        kernel = Program(ops, threads, blocks_at_once, first, step, blocks, count, place_count)
        kernel.attach(self.endpoints, sm)

    def launch(self, sm: int, delay_ps: int = 0) -> None:
        self.endpoints.start(sm, LAUNCH, delay_ps)

    def rate(self, statistic: Any, warm_ps: Any, measure_ps: Any) -> Any:
        """Bytes per second of an SM statistic in a window that begins `warm_ps` from now."""
        e = self.endpoints
        start = e.now + int(warm_ps)
        e.run(start)
        before = e.total(self.sms, statistic)
        e.run(start + int(measure_ps))
        return (e.total(self.sms, statistic) - before) / (measure_ps * 1e-12)


def load(base: int, store: bool = False, size: int = 8, **operands: int) -> Op:
    """A Load, or a Store, of `size` bytes a lane."""
    return (Store if store else Load)(base, bytes=size, **operands)


def scattered(n: int, count: int, seed: int) -> np.ndarray:
    """`count` different numbers below n in an order without pattern, without making all n."""
    if count * 4 >= n:
        return np.random.default_rng(seed).permutation(n)[:count]
    bits = max(int(n - 1).bit_length(), 2)
    mask, half = (1 << bits) - 1, (bits + 1) // 2
    x = np.arange(min(1 << bits, 4 * count), dtype=np.uint64)
    for multiplier in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9 + 2 * seed, 0x94D049BB133111EB):
        x = (x * np.uint64(multiplier | 1) + np.uint64(seed)) & np.uint64(mask)
        x ^= x >> np.uint64(half)
    return x[x < n][:count].astype(np.int64)
