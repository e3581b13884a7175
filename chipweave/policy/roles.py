"""Policies: pure choices from a read-only view. One file of `policies/` is one decision.

    role          called with                                 returns
    placement     once: place(experts, dies)                  home[E]
                  or every few steps: decide(view)            Placement: homes in each layer, replicas
    allocation    each layer: allocate(view)                  Plan
    prediction    each layer: predict(view, plan)             mask[D, E]: keep a copy of e when it arrives on die d?
    replacement   once: store(room)                           CopyStore: how many copies, which goes first

A policy owns no time and sends no message; what it costs to ask it belongs to the global command processor. What it
remembers from layer to layer (a heat map) it keeps in plain attributes. Parameters are declared like a component's;
`chipweave info KIND` prints them. docs/guide/policies.md lists those that are there and shows how to write one.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from chipweave.declare import registry, units
from chipweave.declare.params import Declared, Param
from chipweave.declare.yamlfile import Node
from chipweave.errors import BadInput, Faults
from chipweave.policy.placement import Placement, PlacementView
from chipweave.policy.view import CopyRoom, CopyStore, LayerView, Plan


class Policy(Declared):
    """The base of all policies. See `Declared` for parameters and statistics.

    Attributes of the class:
        role: which question it answers; its kind begins with it.
        foreign: whether it came from outside the program (chipweave/policy/strategy.py sets it): its answers are then
            looked at.
        reads_ids: whether it looks at `view.ids` and what goes with them. Where no policy of a run does, they are None.
        sees_pairs: whether its views have `pairs`, which take time and memory.
    """

    role, foreign, reads_ids = "", False, True

    @property
    def sees_pairs(self) -> bool:
        """Whether its views have `pairs`."""
        return False


class PlacementPolicy(Policy):
    """Where each expert's weights live: `place`, the same in every layer, or `decide`, layer by layer with replicas.

    Attributes of the class:
        every: steps after which it is asked again; 0: once. What moves then is traffic, with its time.
        names_dies: the answer has the system's own numbers of dies (a file of the user's). Otherwise 0, 1, .. are the
            dies that have memory and compute; if none has both, those with memory.
    """

    role, names_dies = "placement", False
    every: int = 0

    def place(self, experts: int, dies: int) -> np.ndarray:
        """int32[experts]: the home die of each expert, 0 <= die < dies."""
        raise NotImplementedError

    def decide(self, view: PlacementView) -> Placement:
        """Which dies keep each expert of each layer; as written here all layers are as `place` says."""
        return Placement(self.place(view.experts, view.dies))


class AllocationPolicy(Policy):
    """Which die works on how many tokens of each expert."""

    role = "allocation"

    def allocate(self, view: LayerView) -> Plan:
        """A Plan for one LayerView, every chosen token in it once (`Plan.check` says so)."""
        raise NotImplementedError


class PredictionPolicy(Policy):
    """Which remote experts a die should keep a copy of when they arrive, because it will need them again.

    Attributes of the class:
        predicts: False for a policy that never keeps anything: the run loop need not ask it.
        observes_first: True lets `mask` already know the choices of the step it is called in. They are known to the
            hardware by then (the gate has run); but a table that holds them is no forecast made a step earlier.
    """

    role = "prediction"
    predicts = True
    observes_first = False

    def observe(self, view: LayerView) -> None:
        """Learn from the choices of one layer of one step. Called once for each, in order of time."""

    def mask(self, view: LayerView, plan: Plan) -> np.ndarray:
        """uint8[D, E], not 0 where die d should keep expert e if slices of it arrive. Only the bits of the plan's
        entries whose die is not the expert's home are ever asked; the others may be anything."""
        raise NotImplementedError

    def predict(self, view: LayerView, plan: Plan) -> np.ndarray:
        """What the run loop calls once for each layer of each step: `observe` and `mask` in the policy's order.
        During prefill nothing is kept, whatever the policy."""
        if self.observes_first:
            self.observe(view)
        mask = nothing(view) if view.prefill else self.mask(view, plan)
        if not self.observes_first:
            self.observe(view)
        return mask


class ReplacementPolicy(Policy):
    """How many copies a die keeps and which of them goes first."""

    role = "replacement"

    def store(self, room: CopyRoom) -> CopyStore:
        """A CopyStore for a CopyRoom."""
        raise NotImplementedError


ROLES = {cls.role: cls for cls in (PlacementPolicy, AllocationPolicy, PredictionPolicy, ReplacementPolicy)}


def policy(kind: str) -> Any:
    """Class decorator: register a Policy under `kind`, "ROLE.name".

    Raises:
        RegistryError: the kind is declared already; the message names both modules.
    """

    def declare(cls: Any) -> Any:
        role = kind.partition(".")[0]
        if role not in ROLES or not issubclass(cls, ROLES[role]):
            raise TypeError(
                f"{cls.__name__} is registered as {kind!r}: its role must "
                f"be one of {', '.join(ROLES)}, and its base that role's"
            )
        cls.kind = kind
        registry.policies.declare(kind, cls)
        return cls

    return declare


def nothing(view: LayerView) -> np.ndarray:
    """The mask that keeps nothing."""
    return np.zeros((view.dies, view.experts), np.uint8)


class CountOrShare(Param):
    """A parameter that is a whole number (52) or a share ("20 %", 0.2) of some total."""

    def __init__(self, default: Any, doc: str = "") -> None:
        super().__init__("str", default=default, doc=doc)

    def _one(self, node: Node, faults: Faults) -> int | Fraction | None:
        text = super()._one(node, faults)
        if text is None:
            return None
        is_share = "%" in text or "." in text
        try:
            parsed = units.parse(text, "share" if is_share else "count")
        except BadInput:
            parsed = ""
        value = parsed if isinstance(parsed, (int, Fraction)) else None
        if value is None or not 0 < value or (is_share and value > 1):
            faults.add(f"{self.name} cannot be {text!r}", node.place, self.allowed())
        return value

    def allowed(self) -> str:
        return "a whole number above 0, or a share up to 100 %, such as 52 or 20 %"


def part_of(value: Any, total: int) -> int:
    """What a CountOrShare comes to, of `total`: a share is rounded up; never more than all."""
    return min(total, value if isinstance(value, int) else math.ceil(value * total))
