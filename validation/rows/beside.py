"""The same rows by the composition of dies and by a model of one die with one L2: what the composition is worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from chipweave.ledger import SCORED, Answers, Result, discover, relative_error

from .packages import ONE_DIE, topology_of

Asking = Callable[..., Answers]
LEAST = 0.0005
"""Differences of a group's mean error below this are none: the group does not see the dies."""


@dataclass(frozen=True)
class Beside:
    """Mean absolute errors of a group's predicted rows that both models answer."""

    device: str
    group: str
    rows: int
    composed: float
    one_die: float


def beside(results: list[Result], asking: Asking) -> list[Beside]:
    """Both errors by device and group, largest gain first.

    Args:
        results: what the compositions answered.
        asking: (suite, questions, cases) -> answers, as the ledger asks.
    """
    known = [r for r in results if r.role == SCORED and r.error is not None]
    asked = []
    for r in known:
        name = ONE_DIE.get(topology_of(r.device) or "")
        if name:
            asked.append(replace(r.question, device=name))
    answers = asking("dies", asked, discover())
    sums: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for r in known:
        answer = answers.get(r.id)
        if isinstance(answer, float) and r.reference is not None and r.error is not None:
            pair = abs(r.error), abs(relative_error(answer, r.reference))
            sums.setdefault((r.device, r.group), []).append(pair)
    found = []
    for (device, group), pairs in sums.items():
        composed, one_die = (sum(each) / len(pairs) for each in zip(*pairs, strict=True))
        if abs(one_die - composed) > LEAST:
            found.append(Beside(device, group, len(pairs), composed, one_die))
    return sorted(found, key=lambda b: b.composed - b.one_die)
