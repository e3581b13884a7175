"""What a policy is, what it sees, and how the run calls it."""

from chipweave.declare.params import Param, Stat
from chipweave.policy.placement import Placement, PlacementView
from chipweave.policy.roles import (
    ROLES,
    AllocationPolicy,
    CountOrShare,
    PlacementPolicy,
    Policy,
    PredictionPolicy,
    ReplacementPolicy,
    nothing,
    part_of,
    policy,
)
from chipweave.policy.view import CopyRoom, CopyStore, Costs, LayerView, Plan

__all__ = [
    "AllocationPolicy",
    "CopyRoom",
    "CopyStore",
    "Costs",
    "CountOrShare",
    "LayerView",
    "Param",
    "Placement",
    "PlacementPolicy",
    "PlacementView",
    "Plan",
    "Policy",
    "PredictionPolicy",
    "ROLES",
    "ReplacementPolicy",
    "Stat",
    "nothing",
    "part_of",
    "policy",
]
