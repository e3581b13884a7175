"""Dies on a line with plans written by hand: Qwen3's experts, 100 tokens each, one slice per expert unless said.

A plan is a list of (expert, home, die). Figures of one slice under preset `artifact`, in ns: LLC lookup 110 (hit 100,
store 30), local HBM 4,848, HBM for another die 4,474, request 200 a hop + 1, data 200 a hop + 8,031, GEMM 1,798.
"""

from dataclasses import replace

import numpy as np

from chipweave import topology
from chipweave.policy import AllocationPolicy, Plan, PredictionPolicy
from chipweave.policy.strategy import build
from chipweave.run import simulate as serving
from chipweave.run.record import COLUMNS
from chipweave.run.spec import RunSpec
from chipweave.trace import models
from chipweave.validation.artifact.micro import GivenPlan, MicroCase, Steps, policies

NS = 1000
LOOKUP, LOCAL, REMOTE, REQUEST, DATA, GEMM = (
    n * NS for n in (110, 4848, 4474, 201, 8231, 1798)
)  # messages over one hop


class Listed(AllocationPolicy):
    """The plan of each step as written."""

    def __init__(self, plans, tokens):
        super().__init__("listed")
        self.plans, self.tokens = plans, tokens

    def allocate(self, view):
        expert, _, die = (np.array(column, np.int32) for column in zip(*self.plans[view.step], strict=False))
        return Plan(expert, die, np.full(len(expert), self.tokens, np.int32))


class CopyThese(PredictionPolicy):
    """Bits as written: `pairs` of (die, expert)."""

    def __init__(self, pairs):
        super().__init__("these")
        self.pairs, self.predicts = pairs, bool(pairs)

    def mask(self, view, plan):
        bits = np.zeros((view.dies, view.experts), np.uint8)
        for die, expert in self.pairs:
            bits[die, expert] = 1
        return bits


class Played:
    """What became of the plans: `system`, `run`, `times` of the steps in ps, `held[step]` {(die, expert): slices}."""

    def __init__(
        self,
        *plans,
        dies=2,
        sets=(),
        slices=1,
        copy=(),
        tokens=100,
        preset="artifact",
        replacement="unbounded",
        topology_name="wafer",
        engine="kernel",
        admission=None,
    ):
        case = MicroCase("", tuple(entry for plan in plans for entry in plan), len(plans), slices)
        grid = [f"parts.die.grid=[{dies}, 1]"] if topology_name == "wafer" else []
        self.system = topology.load(topology_name, sets=[*grid, *sets], preset=preset)
        model = replace(models.load("qwen3-235b"), slices=slices)
        given = GivenPlan(
            policies(case, None).placement, Listed(plans, tokens), CopyThese(copy), build("replacement", replacement)
        )
        self.held = []
        self.run = serving.drive(
            RunSpec(engine=engine, admission=admission),
            model,
            self.system,
            given,
            (0,),
            lambda costs, distance: Steps(case, model, costs, distance),
            self.look,
        )
        self.table = self.run.records.table()
        self.times = self.table[:, COLUMNS.index("time_ps")].tolist()

    def look(self, job):
        """Copies as the global CP knows them."""
        slices = self.system.parts["cp"].holders[0].copy()
        slices[np.arange(len(slices)), job.view.home] = 0
        self.held.append(
            {
                (int(die), int(expert)): int(slices[expert, die])
                for expert, die in zip(*np.nonzero(slices), strict=False)
            }
        )

    def counted(self, name):
        """A figure of the results, summed over the steps."""
        return int(self.table[:, COLUMNS.index(name)].sum())

    def statistic(self, part, name):
        """A statistic of one part."""
        return {(p, n): value for p, n, _, value in self.run.statistics()}[part, name]
