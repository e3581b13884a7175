"""Is a chain sound: every name known, every duration settled, no endless instant?

Checked when a chain is complete, before an engine is built: both engines may then follow names and
instants without looking. All faults of a chain come together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chipweave.chain.nouns import Given, Longest, Pick, Rate, RouteTime, Steps, Take
from chipweave.chain.stage import DONE, INSTANT, MAX_SPAWN, Stage
from chipweave.errors import Faults, nearest

if TYPE_CHECKING:
    from chipweave.chain.layout import Chain


def _operands_of(stage: Stage) -> list[str]:
    """Every operand name a stage uses."""
    names: list[str] = []
    for take in stage.take:
        names += [take.operand] if isinstance(take, Take) else [take.source, take.target, *take.bytes.operands()]
    if stage.query:
        names += stage.query.of
    for mark in stage.marks:
        names += mark.of
    for count in stage.counts:
        names += [count.at, *count.amount.operands(), *(count.hops[1:] if count.hops else ())]
    for rule in (stage.lasts, stage.message):
        names += _operands_of_rule(rule)
    return names


def _operands_of_rule(rule: Any) -> list[str]:
    """The operands that a duration rule reads."""
    if isinstance(rule, Rate):
        return [*rule.work.operands(), *([rule.at] if rule.at else [])]
    if isinstance(rule, RouteTime):
        return [rule.source, rule.target, *rule.bytes.operands()]
    if isinstance(rule, Steps):
        return [rule.by, *rule.work.operands()]
    if isinstance(rule, (Pick, Longest)):
        at = [rule.at] if isinstance(rule, Pick) else []
        return [*at, *(name for each in rule.rules for name in _operands_of_rule(each))]
    return [rule.operand] if isinstance(rule, Given) else []


def check_names(chain: Chain, faults: Faults) -> None:
    """Faults of names: operands, stages, and side chains that start where no time passes."""
    known = chain.operands
    for name in [chain.priority] if chain.priority else []:
        if name not in known:
            faults.add(
                f"chain {chain.name}: priority is no operand: '{name}'",
                allowed=", ".join(known),
                nearest=nearest(name, known),
            )
    if chain.first() not in chain.stages or chain.stages[chain.first()].kind in INSTANT:
        faults.add(f"chain {chain.name}: must start with a hold or a send, not '{chain.first()}'")
    for stage in chain.stages.values():
        where = f"chain {chain.name}, stage {stage.name}"
        for name in _operands_of(stage):
            if name not in known:
                faults.add(f"{where}: unknown operand '{name}'", allowed=", ".join(known), nearest=nearest(name, known))
        for target in stage.targets():
            if target != DONE and target not in chain.stages:
                faults.add(f"{where}: goes to unknown stage '{target}'", nearest=nearest(target or "", chain.stages))
        for side in stage.spawn:
            if side == DONE or (side in chain.stages and chain.stages[side].kind in INSTANT):
                faults.add(f"{where}: a side chain must start with a hold or a send, not '{side}'")


def check_walk(chain: Chain, stage: Stage, hold: str, settled: bool, seen: tuple[str, ...], faults: Faults) -> None:
    """Follow every way through the instants after `hold`: the duration must be settled, no loop, not too many sides."""
    if stage.name in seen:
        faults.add(f"chain {chain.name}: the instants after '{hold}' run in a circle through '{stage.name}'")
        return
    for target in stage.branches or (stage.then,):
        following = chain.stages.get(target)
        if following is not None and following.kind in INSTANT:
            check_walk(chain, following, hold, settled or following.lasts is not None, (*seen, stage.name), faults)
        elif not settled:
            faults.add(f"chain {chain.name}: nothing settles how long '{hold}' lasts on the way to '{target}'")
    if sum(len(chain.stages[s].spawn) for s in (*seen, stage.name)) > MAX_SPAWN:
        faults.add(f"chain {chain.name}: more than {MAX_SPAWN} side chains start with '{hold}'")
