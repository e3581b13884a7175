"""Where the time of a run went: what `compare` keeps of each row beside its figures (docs/reference/results.md).

All are integers, and sums are exact: the classes of a layer-step sum to its time, a part's busy and idle time to the
run's, a link's flows and `others` to its bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from chipweave.run.table import LABELS

HOTTEST = 10  # links in the document; all of them stand in links.parquet
TOP = 8  # flows kept of each link

CRITICAL = ("step", "layer", "class", "ps")
PARTS = ("part", "class", "served", "busy_ps", "idle_ps", "waiting_ps")
FLOWS = ("network", "link", "layer", "expert", "from", "to", "bytes")


@dataclass
class Breakdown:
    """Rows of integers and names, in the columns above.

    run_ps      the whole run, prefill included
    critical    (step, layer, class, ps): the critical path of each layer-step
    parts       (part, class, served, busy_ps, idle_ps, waiting_ps): each resource over the whole run, prefill included
    flows       (network, link, layer, expert, from, to, bytes): of each link the `TOP` largest
    """

    run_ps: int = 0
    critical: list[tuple[int, int, str, int]] = field(default_factory=list)
    parts: list[tuple[str, str, int, int, int, int]] = field(default_factory=list)
    flows: list[tuple[str, str, int, int | None, str, str, int]] = field(default_factory=list)


def document(outcome: Any) -> dict[str, Any]:
    """The entry of `breakdown` in the JSON of `compare` for an Outcome that has a Breakdown."""
    found: Breakdown = outcome.breakdown
    row = outcome.row
    steps = {step for step, *_ in found.critical}
    decode = {step for step in steps if step >= outcome.prefill_steps} or steps
    counted = [each for each in found.critical if each[0] in decode]
    layers: dict[int, list[tuple[int, int, str, int]]] = {}
    for each in counted:
        layers.setdefault(each[1], []).append(each)
    return {
        **{name: row[name] for name in LABELS},
        "time_ps": sum(ps for *_, ps in counted),
        "critical": classes(counted),
        "layers": [
            {"layer": layer, "time_ps": sum(ps for *_, ps in own), "critical": classes(own)}
            for layer, own in sorted(layers.items())
        ],
        "run_ps": found.run_ps,
        "parts": [
            {**dict(zip(PARTS, each, strict=True)), "queue": each[-1] / found.run_ps if found.run_ps else 0.0}
            for each in found.parts
        ],
        "links": hottest(outcome),
    }


def classes(critical: Iterable[tuple[int, int, str, int]]) -> dict[str, int]:
    """class -> ps, the largest first."""
    sums: Counter[str] = Counter()
    for _, _, cause, ps in critical:
        sums[cause] += ps
    return dict(sums.most_common())


def hottest(outcome: Any) -> list[dict[str, Any]]:
    """The links that were busy longest, with their largest flows; `others` are the bytes of all other flows.

    Flows that are dealt over ways are shares of what was sent: together they are cut to the bytes of the link.
    """
    of_link: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for network, link, *flow in outcome.breakdown.flows:
        of_link.setdefault((network, link), []).append(tuple(flow))
    found = []
    for network, names, stats in outcome.links:
        wire = stats.wire.sum(axis=0) if stats.wire is not None else None
        for i, name in enumerate(names):
            flows = [dict(zip(FLOWS[2:], flow, strict=True)) for flow in of_link.get((network, name), ())]
            size = left = int(stats.bytes[i])
            for flow in flows:
                flow["bytes"] = min(flow["bytes"], left)
                left -= flow["bytes"]
            found.append(
                {
                    "network": network,
                    "link": name,
                    "bytes": size,
                    "wire_bytes": None if wire is None else int(wire[i]),
                    "busy_ps": int(stats.busy_ps[i]),
                    "stalled_ps": int(stats.stalled_ps[i]),
                    "flows": flows,
                    "others": left,
                }
            )
    return sorted((each for each in found if each["busy_ps"]), key=lambda each: -each["busy_ps"])[:HOTTEST]
