"""Duration rules with fractions: the plain twin of csrc/stages/time.c. Every quotient is rounded up, once, at the
end."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any

from chipweave.chain.nouns import PS_PER_SECOND, Asked, Constant, Given, Longest, Pick, Rate, RouteTime, Steps
from chipweave.chain.ways import held


def value(amount: Any, operands: dict[str, int]) -> int:
    return amount.constant + sum(operands[name] * factor for name, factor in amount.terms)


def quotient_ps(work: int, per_second: Fraction | int, quantum_ps: int) -> int:
    """ceil(work / per_second) in ps, up to the next multiple of the quantum."""
    return quantum_ps * ceil(Fraction(work) * PS_PER_SECOND / Fraction(per_second) / quantum_ps)


def duration_ps(rule: Any, operands: dict[str, int], question: Any = None) -> int:
    """How long a hold under `rule` lasts for a transfer with these operands."""
    if isinstance(rule, Constant):
        return rule.ps
    if isinstance(rule, Given):
        return operands[rule.operand]
    if isinstance(rule, Asked):
        return int(rule.answer(question))
    if isinstance(rule, Pick):
        return duration_ps(rule.rules[operands[rule.at]], operands, question)
    if isinstance(rule, Longest):
        return max(duration_ps(each, operands, question) for each in rule.rules)
    if isinstance(rule, Rate):
        at = operands[rule.at] if rule.at else 0
        latency = rule.latency_ps[at if len(rule.latency_ps) > 1 else 0]
        rate = rule.per_second[at if len(rule.per_second) > 1 else 0]
        return latency + quotient_ps(value(rule.work, operands), rate, rule.quantum_ps)
    if isinstance(rule, Steps):
        step = next((i for i, upto in enumerate(rule.upto) if operands[rule.by] <= upto), len(rule.upto))
        return rule.latency_ps + quotient_ps(value(rule.work, operands), rule.per_second[step], rule.quantum_ps)
    assert isinstance(rule, RouteTime)
    of = held(rule.network, tuple(rule.network.routes(operands[rule.source], operands[rule.target])))
    if of.bytes_per_s is None:
        return 0
    rate = of.bytes_per_s * rule.efficiency
    return of.latency_ps + quotient_ps(value(rule.bytes, operands), rate, rule.quantum_ps)
