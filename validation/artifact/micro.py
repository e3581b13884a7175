"""The micro-cases of the published simulator's engine: plans by hand whose every nanosecond can be checked on paper.

Source: SEMANTICS.md beside the references, section 4. `e: h -> d` says that expert e lives on die h and runs on die
d; 100 tokens each, one slice per expert unless the case says "3 slices", on a line of dies (mesh Y x 1) or on 2 x 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chipweave.policy import AllocationPolicy, PlacementPolicy, Plan, PredictionPolicy
from chipweave.policy.view import LayerView
from chipweave.run.workload import LayerJob

TOKENS = 100


@dataclass(frozen=True)
class MicroCase:
    """mesh "YxX"; plan of (expert, home, die), the same in each of `steps` steps; `predict`: copy whatever arrives;
    tokens of each entry."""

    mesh: str
    plan: tuple
    steps: int = 1
    slices: int = 1
    predict: bool = False
    tokens: int = TOKENS

    @property
    def dies(self) -> int:
        """The fewest dies that the plan is for."""
        return 1 + max(die for _, home, at in self.plan for die in (home, at))


CASES = {
    "M1": MicroCase("1x1", ((0, 0, 0),)),
    "M2": MicroCase("2x1", ((1, 1, 0),)),
    "M3": MicroCase("3x1", ((1, 2, 0),)),
    "M3b": MicroCase("2x2", ((1, 3, 0),)),
    "M4": MicroCase("3x1", ((1, 2, 0), (2, 2, 1))),
    "M4b": MicroCase("2x1", ((1, 1, 0), (2, 0, 1))),
    "M5": MicroCase("4x1", ((1, 1, 0), (2, 3, 2), (3, 3, 2), (4, 3, 2), (5, 0, 2))),
    "M6": MicroCase("4x1", ((1, 2, 3), (2, 0, 1), (3, 0, 1), (4, 0, 1), (5, 3, 1), (6, 2, 1))),
    "M7": MicroCase("5x1", ((1, 2, 1), (2, 4, 2), (3, 0, 1), (4, 0, 1), (5, 0, 1), (6, 3, 1), (7, 2, 1))),
    "M8a": MicroCase("1x1", ((0, 0, 0),), steps=2),
    "M8": MicroCase("1x1", ((0, 0, 0),), steps=3),
    "M8r": MicroCase("2x1", ((1, 1, 0),), steps=2),
    "M9": MicroCase("2x1", ((1, 1, 0),), steps=3, predict=True),
    "M10": MicroCase("2x1", ((1, 1, 0), (2, 1, 1), (3, 1, 1))),
    "M11": MicroCase("2x1", ((0, 0, 0), (1, 1, 0), (2, 0, 0), (3, 0, 0))),
    "M13": MicroCase("3x1", ((1, 2, 0), (1, 2, 1), (1, 2, 2))),
}


def find(name: str) -> MicroCase | None:
    """The case of a name as the references write it ("M2", "M2(3 slices)"), or None."""
    bare, _, slices = name.partition("(")
    case = CASES.get(bare.strip())
    return case and (replace(case, slices=3) if slices.startswith("3") else case)


@dataclass(frozen=True)
class GivenPlan:
    """The policies of a micro-case: homes and plan as listed, copies of all or of nothing."""

    placement: PlacementPolicy
    allocation: AllocationPolicy
    prediction: PredictionPolicy
    replacement: object

    def resolved(self) -> Any:
        return {"allocation": "given plan"}


def policies(case: MicroCase, replacement: Any) -> GivenPlan:
    """A `GivenPlan` of a case."""

    class Homes(PlacementPolicy):
        def place(self, experts: int, dies: int) -> np.ndarray:
            home = np.zeros(experts, np.int32)
            for expert, at, _ in case.plan:
                home[expert] = at
            return home

    class Listed(AllocationPolicy):
        def allocate(self, view: LayerView) -> Plan:
            expert, _, die = (np.array(column, np.int32) for column in zip(*case.plan, strict=False))
            return Plan(expert, die, np.full(len(expert), case.tokens, np.int32))

    class CopyAll(PredictionPolicy):
        predicts = case.predict

        def mask(self, view: LayerView, plan: Plan) -> np.ndarray:
            return np.ones((view.dies, view.experts), np.uint8)

    return GivenPlan(Homes(), Listed(), CopyAll(), replacement)


class Steps:
    """The workload of a micro-case: one layer, `steps` decode steps."""

    prefill_steps = 0

    def __init__(self, case: MicroCase, model: Any, costs: Any, distance: np.ndarray) -> None:
        self.case, self.model, self.costs, self.distance = case, model, costs, distance
        self.steps = case.steps

    def jobs(self, home: np.ndarray, holders: np.ndarray) -> Iterator[LayerJob]:
        """One layer-step a step, with the counts of the case's plan."""
        counts = np.zeros(self.model.experts, np.int32)
        for expert, _, _ in self.case.plan:
            counts[expert] += self.case.tokens
        for step in range(self.steps):
            view = LayerView(0, step, False, counts, counts, home[0], holders[0], self.distance, self.costs)
            yield LayerJob(step, 0, 0, view)
