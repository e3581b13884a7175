"""What a placement policy sees and answers: which dies keep the weights of each expert of each layer."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from chipweave.policy.figures import turns_of


@dataclass(frozen=True, eq=False)
class PlacementView:
    """What is known when a placement is decided. D dies, numbered as the policy numbers them (0 to D - 1).

    layers      ids of the L layers that have weights
    experts     E, of each layer
    compute     float64 [D], flop/s; a placement on memory-only dies sees zeros
    hbm_bytes   int64 [D]; expert_bytes: of one expert of one layer
    step        step that comes next; 0: the run begins, and nothing has been seen
    phase       what comes next: "start", "prefill" or "decode"
    counts      int64 [L, E], tokens that chose each expert since the run began, prompts included
    pairs       int64 [L, E, E], tokens that chose both; None unless the policy `sees_pairs`
    home        int32 [L, E], where they are now; None at the start
    """

    layers: tuple[int, ...]
    experts: int
    compute: np.ndarray
    hbm_bytes: np.ndarray
    expert_bytes: int
    step: int
    phase: str
    counts: np.ndarray
    pairs: np.ndarray | None = None
    home: np.ndarray | None = None

    @property
    def dies(self) -> int:
        """D."""
        return len(self.compute)

    @property
    def alike(self) -> bool:
        """Whether all dies compute at one rate, or none computes."""
        return bool((self.compute == self.compute[:1]).all())

    def turns(self, length: int) -> np.ndarray:
        """int32 [length]: dies in turn, each as often as its share of the compute."""
        rates = np.ones(self.dies) if self.alike else self.compute
        return np.array(turns_of(rates, length), np.int32)


@dataclass(frozen=True, eq=False)
class Placement:
    """Where weights live: home int32 [L, E], or [E] where all layers are alike.

    replicas: int64 [n, 3], rows (place of the layer in `layers`, expert, die) of further dies that keep the expert; a
    die reads from its own replica, else from the nearest.
    """

    home: np.ndarray
    replicas: np.ndarray = field(default_factory=lambda: np.empty((0, 3), np.int64))


@dataclass(frozen=True, eq=False)
class Placed:
    """A placement in the system's own numbers: home int32 [L, E], holds bool [L, E, D of the system]."""

    home: np.ndarray
    holds: np.ndarray

    @classmethod
    def of(cls, home: np.ndarray, replicas: np.ndarray, layers: int, dies: int) -> Placed:
        """From homes of all layers or of each, and replicas."""
        each = np.array(np.broadcast_to(home, (layers, home.shape[-1])), np.int32)
        holds = np.zeros((*each.shape, dies), bool)
        np.put_along_axis(holds, each[:, :, None].astype(np.int64), True, axis=2)
        holds[tuple(np.asarray(replicas, np.int64).reshape(-1, 3).T)] = True
        return cls(each, holds)

    def sources(self, distance: np.ndarray) -> np.ndarray | None:
        """int32 [L, E, D]: the die that each die reads an expert from, its own replica or the nearest (ties: the
        smallest number); None where no expert has a second one."""
        many = self.holds.sum(axis=2) > 1
        if not many.any():
            return None
        found = np.repeat(self.home[:, :, None], self.holds.shape[2], axis=2)
        for layer, expert in zip(*np.nonzero(many), strict=True):
            holders = np.flatnonzero(self.holds[layer, expert])
            found[layer, expert] = holders[np.argmin(distance[:, holders], axis=1)]
        return found
