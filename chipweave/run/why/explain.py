"""`chipweave why`: the causal chain behind a run's time, and what it would be without each class of resources.

The time is that of all decode steps (of the prefill where there is no other), as in `compare`; layer-steps follow one
another without a gap. Times are rounded to ns on one clock, so that sums are exact.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from chipweave.errors import BadInput, Fault, nearest
from chipweave.run.record import column, nanoseconds
from chipweave.run.why.folder import Kept, recorded, without
from chipweave.run.why.ideal import LINKS as ALL_LINKS
from chipweave.run.why.recorded import CONTROL, LayerPath, Span
from chipweave.run.why.way import LINKS

SCHEMA = "chipweave.why/1"


@dataclass(frozen=True)
class Placed:
    """A span with its layer-step and its time on the clock of the chain, ns."""

    step: int
    layer: int
    start: int
    end: int
    span: Span


def chain_of(kept: Kept, paths: list[LayerPath], layer: int | None = None) -> list[Placed]:
    """The spans of the layer-steps that count, one behind the other; `layer`: of that layer alone.

    Raises:
        BadInput: the run has no such layer.
    """
    first = kept.entry["prefill_steps"]
    counted = [p for p in paths if p.step >= first] or paths
    if layer is not None:
        there = sorted({p.layer for p in counted})
        if layer not in there:
            raise BadInput(Fault(f"the run has no layer {layer}", allowed=f"{there[0]} to {there[-1]}"))
        counted = [p for p in counted if p.layer == layer]
    found, clock = [], 0
    for path in counted:
        for span in path.spans:
            later = clock + span.end - span.begin
            found.append(Placed(path.step, path.layer, nanoseconds(clock), nanoseconds(later), span))
            clock = later
    return found


def totals(chain: list[Placed]) -> dict[str, int]:
    """class -> ns of the chain, the largest first."""
    sums: Counter[str] = Counter()
    for link in chain:
        sums[link.span.cause] += link.end - link.start
    return dict(sums.most_common())


def policy_of(span: Span, policies: dict[str, Any]) -> str | None:
    """The policies whose decision put a transfer at its place: placement chose the home die, allocation the computing
    one."""
    placement, allocation = (policies.get(role, {}).get("kind") for role in ("placement", "allocation"))
    if span.cause == CONTROL or not span.role:
        return None
    if span.link:
        return f"{placement}, {allocation}" if placement and allocation else allocation
    return {"home": placement, "die": allocation}.get(span.role)


def document(kept: Kept, chain: list[Placed], bounds: dict[str, int]) -> dict[str, Any]:
    """The JSON of `why`."""
    policies = kept.entry.get("policies", {})
    links = [
        {
            "place": each.span.place,
            "reason": each.span.reason,
            "start_ns": each.start,
            "end_ns": each.end,
            "behind": each.span.behind,
            "expert": each.span.expert,
            "policy": policy_of(each.span, policies),
            "class": each.span.cause,
            "step": each.step,
            "layer": each.layer,
        }
        for each in chain
        if each.end > each.start
    ]
    return {
        "schema": SCHEMA,
        "time_ns": sum(each.end - each.start for each in chain),
        "run": {k: kept.row[k] for k in ("strategy", "link_model", "admission")},
        "chain": links,
        "breakdown": totals(chain),
        "bounds": bounds,
        "bounding": next(iter(bounds), None),
    }


def bounds_of(kept: Kept, chain: list[Placed], paths: list[LayerPath], layer: int | None) -> dict[str, int]:
    """class -> the time if its resources were infinitely fast, ns: each run anew, but for the command processors, whose
    own time is what goes. The class that bounds the run first."""
    classes = {span.cause for path in paths for span in path.spans} - {CONTROL}
    causes = sorted(classes - set(LINKS)) + ([ALL_LINKS] if classes & set(LINKS) else [])
    bounds = {cause: time_of(kept, without(kept, cause), layer) for cause in causes}
    bounds[CONTROL] = sum(each.end - each.start for each in chain if each.span.cause != CONTROL)
    return dict(sorted(bounds.items(), key=lambda item: item[1]))


def time_of(kept: Kept, outcome: Any, layer: int | None) -> int:
    """The time of an Outcome that `chain_of` would count, ns."""
    table = outcome.table
    steps = column(table, "step") >= kept.entry["prefill_steps"]
    counted = table[steps] if steps.any() else table
    if layer is not None:
        counted = counted[column(counted, "layer") == layer]
    return nanoseconds(column(counted, "time_ps").sum())


def why(kept: Kept, layer: int | None = None, place: str | None = None, transfer: int | None = None) -> dict[str, Any]:
    """The document of `why`.

    transfer: of its layer, in the order of issue: the chain is its life in the first decode step that has it (in the
    prefill, where there are no others), and there are no bounds: what is sped up changes when others are ahead of it.

    place: a part or link; the chain, its time and its breakdown are then of what was spent there alone, and the bounds
    those of the whole.

    Raises:
        BadInput: the critical path never comes to that place, or there is no such transfer.
    """
    if transfer is not None:
        return of_transfer(kept, layer, transfer)
    paths = recorded(kept)
    whole = chain_of(kept, paths, layer)
    bounds = bounds_of(kept, whole, paths, layer)
    chain = whole
    if place is not None:
        there = sorted({each.span.place for each in whole})
        chain = [each for each in whole if each.span.place == place]
        if not chain:
            near = nearest(place, there)
            raise BadInput(Fault(f"no critical path comes to '{place}'", allowed=_few(there), nearest=near))
    return document(kept, chain, bounds)


def of_transfer(kept: Kept, layer: int | None, transfer: int) -> dict[str, Any]:
    """The document of `why` of the life of one transfer."""
    paths = recorded(kept, transfer)
    own = [path for path in paths if layer in (None, path.layer)]
    if not own:
        there = [str(each) for each in sorted({path.layer for path in paths})]
        raise BadInput(Fault(f"layer {layer} has no transfer {transfer}", allowed=f"layer {_few(there)}"))
    lives = chain_of(kept, own)
    first = [each for each in lives if (each.step, each.layer) == (lives[0].step, lives[0].layer)]
    return document(kept, first, {}) | {"transfer": transfer}


def _few(names: list[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} others" if len(names) > most else "")
