"""A package of several dies as the models of memory read it: its dies, who is how far from whom, whose memory is whose.

Built from a topology's parts and networks; nothing here knows a device by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import Any

import numpy as np

from chipweave.topology.system import System

COMPUTE, IO, PACKAGE = "gpu.compute_die", "gpu.io_die", "gpu.package"


@dataclass(frozen=True)
class Package:
    """Compute dies and I/O dies of one package.

    Attributes:
        compute: the `gpu.compute_die` parts of one device, in the order in which work is dealt to them.
        io: the `gpu.io_die` parts.
        home: for each compute die the index of the I/O die it stands on.
        hop_seconds: float array (I/O dies, I/O dies): added latency, there and back, of an access across the network.
        interleaved: addresses live on all I/O dies in turn; otherwise on that of the die that reads them.
    """

    compute: tuple[Any, ...]
    io: tuple[Any, ...]
    home: tuple[int, ...]
    hop_seconds: np.ndarray
    interleaved: bool

    @cached_property
    def die(self) -> Any:
        """A compute die whose figures but `units` stand for all. Raises ValueError where others differ: ask each of
        them."""
        first = self.compute[0]
        if any(_alike(other) != _alike(first) for other in self.compute):
            raise ValueError("the compute dies of the package differ in more than their units")
        return first

    @cached_property
    def units(self) -> int:
        """Compute units of all dies."""
        return sum(die.units for die in self.compute)

    @property
    def seconds_per_cycle(self) -> float:
        """Of the compute dies' clock."""
        return 1.0 / float(self.die.clock)

    @cached_property
    def cache_bytes(self) -> int:
        """Memory-side cache that one reader's addresses can fill, bytes."""
        reached = self.io if self.interleaved else [self.io[self.home[0]]]
        return sum(die.cache for die in reached)

    @cached_property
    def reached(self) -> tuple[int, ...]:
        """Indices of the I/O dies that serve this device."""
        return tuple(range(len(self.io))) if self.interleaved else tuple(sorted(set(self.home)))

    def total(self, name: str) -> float:
        """Sum of a rate over the I/O dies that serve this device, bytes/s."""
        return float(sum(getattr(self.io[i], name) for i in self.reached))

    @cached_property
    def mean_hop_seconds(self) -> float:
        """Latency of the network between I/O dies in an access, mean over the homes of addresses and over compute
        dies."""
        if not self.interleaved:
            return 0.0
        return float(np.mean([self.hop_seconds[home] for home in self.home]))

    def behind_l2_seconds(self, memory: bool) -> float:
        """Load to use from the memory-side cache, or from `memory`, mean over homes."""
        name = "memory_latency" if memory else "cache_latency"
        return float(np.mean([getattr(self.io[i], name) for i in self.reached])) * 1e-12 + self.mean_hop_seconds


def _alike(die: Any) -> dict[str, Any]:
    """The figures of a die that all of a package have to share."""
    return {name: value for name, value in die.values.items() if name != "units"}


def package_of(system: System) -> Package:
    """The package that `system` describes.

    Raises:
        ValueError: no compute die, no I/O die, or a compute die that stands on none.
    """
    compute, io = system.of_kind(COMPUTE), system.of_kind(IO)
    if not compute or not io:
        raise ValueError(f"{system.name} has no {'compute' if not compute else 'I/O'} die")
    rules = system.of_kind(PACKAGE)
    device = rules[0].dies_per_device if rules else 0
    compute = compute[: device or len(compute)]
    index = {die.name: i for i, die in enumerate(io)}
    stands = {a: index[b] for a, b, _ in system.wires() if b in index}
    missing = [die.name for die in compute if die.name not in stands]
    if missing:
        raise ValueError(f"{missing[0]} of {system.name} stands on no I/O die")
    home = tuple(stands[die.name] for die in compute)
    return Package(tuple(compute), tuple(io), home, _hops(system, io), not rules or rules[0].interleave == "all")


def _hops(system: System, io: list[Any]) -> np.ndarray:
    """Seconds between each pair of I/O dies by the network that joins them; zeros where none does."""
    between = np.zeros((len(io), len(io)))
    names = [die.name for die in io]
    for network in system.networks.values():
        if not set(names) <= set(network.endpoints):
            continue
        for (i, a), (j, b) in permutations(enumerate(names), 2):
            between[i, j] = sum(network.graph.edges[link]["latency_ps"] for link in network.route(a, b)) * 1e-12
    return between
