"""Work goes where the weights are, in blocks, to the die that will be done first.

Question   Which dies work on an expert, and on how many of its tokens?
Answer     Algorithm 1: experts by rising tokens; candidates are the dies that hold a part of the expert and those
           within `distance` hops; each block goes to the candidate whose estimated time, and that of the die it reads
           from, stays lowest. The estimate keeps account per die of compute, HBM reads and transfers in.
           The arithmetic is csrc/policies/placement_aware.c; a test holds it against the plain one.
Source     Algorithm 1 of arXiv 2510.05497 (block 50, "determined by request count"); defaults, cost model and rounding
           are those of its published artifact (block 512 absorbing a remainder, an older variant 256).
Beside     allocation_placement_aware_python.py (the same, plain), allocation_home.py
"""

from dataclasses import dataclass

import numpy as np

from chipweave import fabric
from chipweave.errors import ChipweaveError
from chipweave.policy import AllocationPolicy, Param, Plan, policy

FFI, LIB = fabric.load("placement_aware")


@dataclass(frozen=True)
class Estimate:
    """Durations in ns as floats, formed in the artifact's order of operations so that ties fall as they do there."""

    flop_per_token: float
    flop_per_ns: float
    hbm_ns: float
    hop_ns: float
    link_ns: float

    @classmethod
    def of(cls, costs, compute_share, bandwidth_share):
        """From exact costs and the flat shares of peak that the allocator assumes."""
        bandwidth_share = float(bandwidth_share)
        return cls(
            flop_per_token=float(costs.flop_per_token),
            flop_per_ns=float(costs.compute / 10**9) * float(compute_share),
            hbm_ns=costs.hbm_latency_ps / 1000
            + costs.expert_bytes / (float(costs.hbm_bandwidth / 10**9) * bandwidth_share),
            hop_ns=2 * costs.hop_latency_ps / 1000,
            link_ns=costs.expert_bytes / (float(costs.link_bandwidth / 10**9) * bandwidth_share),
        )


@policy("allocation.placement_aware")
class PlacementAware(AllocationPolicy):
    """Work goes where the weights are, in blocks, to the die that will be done first."""

    block = Param("count", default=512, low=1, doc="tokens given away at a time (paper: 50; artifact: 512, older: 256)")
    absorb_remainder = Param("bool", default=True, doc="a block takes all if less than a block would remain (artifact)")
    distance = Param("count", default=1, doc="hops within which a die without the expert is a candidate")
    near = Param(
        "choice",
        default="home",
        choices=["home", "holders"],
        doc="what `distance` is counted from: the home die (artifact) or any die that holds a part (paper)",
    )
    dies = Param("count", default=5, low=1, doc="candidates kept for an expert, at least")
    tokens_per_die = Param(
        "count",
        default=512,
        doc="n // max(mean tokens of an expert, this) candidates are kept, if that is more; 0: never more",
    )
    compute_share = Param(
        "share", default="70 %", low="0.01", high="1", doc="of peak compute that the estimate assumes, for every model"
    )
    bandwidth_share = Param(
        "share",
        default="90 %",
        low="0.01",
        high="1",
        doc="of peak HBM and link bandwidth that the estimate assumes, for every model",
    )

    estimates = None  # (costs, Estimate, rule for C): costs are those of the run, worked out once

    def estimate(self, costs):
        """The Estimate for the run's costs."""
        if self.estimates is None or self.estimates[0] is not costs:
            self.estimates = costs, Estimate.of(costs, self.compute_share, self.bandwidth_share), None
        return self.estimates[1]

    def allocate(self, view):
        room = view.experts * view.dies
        plan = np.empty((3, room), np.int32)
        expert, die, tokens = plan
        entries = LIB.placement_aware_plan(
            self._rule(view.costs),
            view.experts,
            view.dies,
            c_ints(view.counts),
            c_ints(view.home),
            FFI.from_buffer("uint8_t[]", np.ascontiguousarray(view.holders, np.uint8)),
            c_ints(view.distance),
            room,
            c_ints(expert),
            c_ints(die),
            c_ints(tokens),
        )
        if entries < 0:
            raise ChipweaveError("no memory for the plan of one layer")
        return Plan(*plan[:, :entries].copy())

    def _rule(self, costs):
        estimate = self.estimate(costs)
        if self.estimates[2] is None:
            rule = FFI.new(
                "struct placement_rule *",
                dict(
                    block=self.block,
                    absorb_remainder=self.absorb_remainder,
                    reach=self.distance,
                    around_holders=self.near == "holders",
                    min_dies=self.dies,
                    tokens_per_die=self.tokens_per_die,
                    **vars(estimate),
                ),
            )
            self.estimates = costs, estimate, rule
        return self.estimates[2]


def c_ints(array):
    """An int32 array as C takes it: itself where it is one already, so results can be written through it."""
    return FFI.from_buffer("int32_t[]", np.ascontiguousarray(array, np.int32))
