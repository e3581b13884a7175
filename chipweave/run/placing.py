"""The run's placement: asked for at the start and, where the policy wants it, between steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.component.transfer_operands import (
    DIE,
    EXPERT,
    HOME,
    LINE,
    OPERANDS,
    REMOTE,
    SET,
    SLICE_BYTES,
)
from chipweave.errors import BadInput, Fault
from chipweave.policy.guard import every_of, placement_of
from chipweave.policy.placement import Placed, PlacementView
from chipweave.policy.view import read_only


class Placing:
    """Which dies keep which experts.

    Attributes:
        usual: dies that experts are placed on unless a policy names others; able: dies that can keep any.
        placed: the Placed of now. Its arrays are written in place, so that who reads them sees what moved.
        distance: int32 [D, D], hops.
    """

    def __init__(self, policy: Any, model: Any, layers: tuple[int, ...], facts: dict[str, Any], dies: Any) -> None:
        """dies: (usual, able). The policy is asked at once."""
        self.policy, self.layers, self.experts, self.facts = policy, layers, model.experts, facts
        self.usual, self.able = dies
        self.expert_bytes = model.expert_bytes
        self.every = every_of(policy)
        self.distance: np.ndarray = np.zeros((self.dies, self.dies), np.int32)
        self.next = self.every
        nothing = np.zeros((len(layers), model.experts), np.int64)
        none_together = (
            np.zeros((*nothing.shape, model.experts), np.int64) if self.every and policy.sees_pairs else None
        )
        self.placed = self.ask(0, "start", None, nothing, none_together)
        self.room = self.placed.holds.sum(axis=(0, 1))

    @property
    def dies(self) -> int:
        """Of the system."""
        return len(self.facts["compute"])

    def ask(
        self, step: int, phase: str, home: np.ndarray | None, counts: np.ndarray, pairs: np.ndarray | None
    ) -> Placed:
        """What the policy says now; home in the system's numbers, counts and pairs of the run so far."""
        named = range(self.dies) if self.policy.names_dies else self.usual
        if home is not None and not self.policy.names_dies:
            number = np.full(self.dies, -1, np.int32)
            number[self.usual] = np.arange(len(self.usual))
            home = number[home]
        view = PlacementView(
            self.layers,
            self.experts,
            np.array([float(self.facts["compute"][die]) for die in named]),
            np.array([int(self.facts["hbm_bytes"][die]) for die in named], np.int64),
            self.expert_bytes,
            step,
            phase,
            counts.copy(),
            read_only(pairs) if self.policy.sees_pairs else None,
            None if home is None else home.copy(),
        )
        return placement_of(self.policy, view, self.dies, self.usual, self.able)

    def due(self, step: int) -> bool:
        """Whether the policy is to be asked before this step; answers yes once for each time."""
        if not self.every or step < self.next:
            return False
        self.next = step + self.every
        return True

    def move(self, new: Placed, work: Any, bounded: bool) -> np.ndarray:
        """Take over a placement; returns the transfers that bring weights where they are new, int64 [n, OPERANDS]: the
        first slice of each expert, read from the nearest die that had it.

        bounded: whether copies are kept in the room that weights left at the start.

        Raises:
            BadInput: a die gets more weights than it had at the start, and copies fill the room that it had then.
        """
        more = np.flatnonzero(new.holds.sum(axis=(0, 1)) > self.room)
        if len(more) and bounded:
            what = (
                f"the placement moves more weights to die {more[0]} than it had at the start, and copies fill the rest"
            )
            raise BadInput(Fault(what, allowed="as many as at the start, or replacement: unbounded"))
        layer, expert, die = np.nonzero(new.holds & ~self.placed.holds)
        sources = self.placed.sources(self.distance)
        rows = np.zeros((len(layer), len(OPERANDS)), np.int64)
        rows[:, DIE], rows[:, EXPERT], rows[:, SET], rows[:, REMOTE] = die, expert, expert, 1
        rows[:, HOME] = self.placed.home[layer, expert] if sources is None else sources[layer, expert, die]
        rows[:, LINE] = (layer * work.experts + expert) * work.slices
        rows[:, SLICE_BYTES] = work.slice_bytes
        self.placed.home[:], self.placed.holds[:] = new.home, new.holds
        return rows
