"""dstrain, flashmla, system, spec, hbm3, roofline: groups of the reference that the model does not answer, each with
its reason."""

from __future__ import annotations

from typing import Any

from chipweave.ledger import Answers, NotModelled, Question, case

WHY = {
    "dstrain": (
        "kernels of a training step that share the die with each other: what overlaps with what is not in the rows"
    ),
    "flashmla": "a best case without batch or context; attention kernels are held in suite serving",
    "system": "whole systems: servers are held in suite serving; training and NVLink-C2C are not modelled",
    "spec": "a figure of the data sheet: an input, not a prediction",
    "hbm3": "a figure of the data sheet: an input, not a prediction",
    "roofline": "bandwidth, compute rate, clock and power in one row; power of H100 is not modelled",
}


def register(group: Any) -> None:
    @case("h100", group)
    def predict(questions: list[Question]) -> Answers:
        return {q.id: NotModelled(WHY[group]) for q in questions}


for name in WHY:
    register(name)
