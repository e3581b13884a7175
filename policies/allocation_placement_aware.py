"""Work goes where the weights are, in blocks, to the die that will be done first.

Question   Which dies work on an expert, and on how many of its tokens?
Answer     Algorithm 1: experts by rising tokens; candidates are the dies that hold a part of the expert and those
           within `distance` hops; each block goes to the candidate whose estimated time, and that of the die it reads
           from, stays lowest. The estimate keeps account per die of compute, HBM reads and transfers in. What a
           placement keeps on several dies is read from the nearest; a copy made on the way by its own die alone.
           The arithmetic is csrc/policies/placement_aware.c; a test holds it against the plain one.
           Compute, memory and routes are each die's own; dies that compute nothing get no work.
Source     Algorithm 1 of arXiv 2510.05497 (block 50, "determined by request count"); defaults, cost model and rounding
           are those of its published artifact (block 512 absorbing a remainder, an older variant 256).
Beside     allocation_placement_aware_python.py (the same, plain), allocation_home.py
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

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
    die_flop_per_ns: np.ndarray | None = None  # float64 [D], where dies differ
    die_hbm_ns: np.ndarray | None = None  # float64 [D]
    route_ns: np.ndarray | None = None  # float64 [D, D], where links differ: a whole expert from the row's die

    def compute_ns(self, die: Any, tokens: Any) -> Any:
        """ns of `tokens` tokens of an expert on a die."""
        rate = self.flop_per_ns if self.die_flop_per_ns is None else float(self.die_flop_per_ns[die])
        return float(math.ceil(self.flop_per_token * tokens / rate))

    def memory_ns(self, die: Any) -> Any:
        """Of a read of a whole expert from a die's memory."""
        return self.hbm_ns if self.die_hbm_ns is None else float(self.die_hbm_ns[die])

    def transfer_ns(self, home: Any, die: Any, hops: Any) -> Any:
        """Of a whole expert from its home to a die."""
        return self.hop_ns * hops + self.link_ns if self.route_ns is None else float(self.route_ns[home, die])

    def computes(self, die: int) -> bool:
        """Whether a die may be given work."""
        return self.die_flop_per_ns is None or bool(self.die_flop_per_ns[die] > 0)

    @classmethod
    def of(cls, costs: Any, compute_share: Any, bandwidth_share: Any, figures: str = "each") -> Estimate:
        """From exact costs and the flat shares of peak that the allocator assumes."""
        return replace(
            cls.of_one(costs, compute_share, float(bandwidth_share)),
            **cls.of_each(costs, float(compute_share), float(bandwidth_share), figures == "each"),
        )

    @classmethod
    def of_each(cls, costs: Any, compute_share: Any, bandwidth_share: Any, each: bool) -> dict[str, Any]:
        """The arrays, of what is not the same for all; of one figure for all only where no work may go.

        figures "each": every die's own rates and routes; otherwise the run's one rate, with 0 for
        dies that compute nothing.
        """
        dies = costs.dies
        found: dict[str, Any] = {}
        if dies is None:
            return found
        if len(dies.workers) < len(dies.compute) or (each and not dies.alike):
            rates = dies.compute if each else np.where(dies.compute > 0, float(costs.compute), 0.0)
            found["die_flop_per_ns"] = rates / 1e9 * compute_share
        if each and not dies.memories_alike:
            rate = np.maximum(dies.hbm_bandwidth, 1.0) / 1e9 * bandwidth_share
            found["die_hbm_ns"] = dies.hbm_latency_ps / 1000 + costs.expert_bytes / rate
        if each and not dies.links_alike:
            wire = costs.expert_bytes / (dies.route_bandwidth / 1e9 * bandwidth_share)
            found["route_ns"] = np.ascontiguousarray(2 * dies.route_latency_ps / 1000 + wire)
        return found

    @classmethod
    def of_one(cls, costs: Any, compute_share: Any, bandwidth_share: Any) -> Estimate:
        """One figure for all, as the artifact has it.

        Bytes/ns and flop/ns are formed by division first, then by the share: the order decides the
        last bit, and a last bit may decide a tie. A hop costs its latency twice, for request and
        data.
        """
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

    reads_ids = False
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

    figures = Param(
        "choice",
        default="each",
        choices=["each", "one"],
        doc="the estimate's compute, memory and links: each die's and route's own, or one figure for all (artifact)",
    )

    arrivals = Param(
        "choice",
        default="block",
        choices=["once", "block", "block_where_alike"],
        doc="how often the estimate counts the transfer of weights to a die: once; for each block (artifact); for each"
        " block where dies and links are all alike, as in the artifact, and once where not",
    )

    estimates: tuple[Any, Estimate, Any] | None = (
        None  # (costs, Estimate, rule for C): costs are those of the run, worked out once
    )

    def estimate(self, costs: Any) -> Estimate:
        """The Estimate for the run's costs."""
        return self._estimated(costs)[1]

    def each_block(self, costs: Any) -> bool:
        """Whether the estimate counts a transfer of weights for each block of an expert that a die takes."""
        if self.arrivals == "block_where_alike":
            dies = costs.dies
            return dies is None or bool(dies.alike and dies.memories_alike and dies.links_alike)
        return bool(self.arrivals == "block")

    def _estimated(self, costs: Any) -> tuple[Any, Estimate, Any]:
        """`estimates` for the run's costs."""
        if self.estimates is None or self.estimates[0] is not costs:
            self.estimates = costs, Estimate.of(costs, self.compute_share, self.bandwidth_share, self.figures), None
        return self.estimates

    def allocate(self, view: Any) -> Plan:
        """The Plan of one layer: Algorithm 1 in C, on a view's counts [E], homes [E], holders [E,
        D] and distances [D, D].

        At most E x D entries. ChipweaveError where C has no memory for its tables.
        """
        room = view.experts * view.dies
        plan = np.empty((3, room), np.int32)
        expert, die, tokens = plan
        entries = LIB.placement_aware_plan(
            self._rule(view),
            view.experts,
            view.dies,
            c_ints(view.counts),
            c_ints(view.home),
            FFI.from_buffer("uint8_t[]", np.ascontiguousarray(view.holders, np.uint8)),
            c_ints(view.distance),
            FFI.NULL if view.sources is None else c_ints(view.sources),
            room,
            c_ints(expert),
            c_ints(die),
            c_ints(tokens),
        )
        if entries < 0:
            raise ChipweaveError("no memory for the plan of one layer")
        return Plan(*plan[:, :entries].copy())

    def _rule(self, view: Any) -> Any:
        """The C struct of parameters and estimates, made once for a run's costs."""
        costs = view.costs
        _, estimate, rule = self._estimated(costs)
        if rule is None:
            figures = {n: v for n, v in vars(estimate).items() if v is not None}
            figures |= {n: FFI.from_buffer("double[]", v) for n, v in figures.items() if isinstance(v, np.ndarray)}
            rule = FFI.new(
                "struct placement_rule *",
                dict(
                    block=self.block,
                    absorb_remainder=self.absorb_remainder,
                    reach=self.distance,
                    around_holders=self.near == "holders",
                    min_dies=self.dies,
                    tokens_per_die=self.tokens_per_die,
                    arrives_each_block=self.each_block(costs),
                    **figures,
                ),
            )
            self.estimates = costs, estimate, rule
        return rule


def c_ints(array: np.ndarray) -> Any:
    """An int32 array as C takes it: itself where it is one already, so results can be written through it."""
    return FFI.from_buffer("int32_t[]", np.ascontiguousarray(array, np.int32))
