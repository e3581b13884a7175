"""`chipweave diff`: what differs between the settings of two runs, and where the change in time lies.

The change is that of the critical paths, class by class (chipweave.run.why.recorded); classes sum to it exactly.
"""

from __future__ import annotations

from typing import Any

from chipweave.io.changes import change, differences
from chipweave.run.why.explain import Placed, chain_of, totals
from chipweave.run.why.folder import Kept, recorded

SCHEMA = "chipweave.diff/1"


def diff(a: Kept, b: Kept) -> dict[str, Any]:
    """The document of `diff`: classes and layers with the largest change first."""
    chains = [chain_of(kept, recorded(kept)) for kept in (a, b)]
    layers = sorted({each.layer for chain in chains for each in chain})
    of_layers: list[list[dict[str, int]]] = [[{}, {}] for _ in layers]
    at = {layer: i for i, layer in enumerate(layers)}
    for side, chain in enumerate(chains):
        for layer, own in by_layer(chain).items():
            of_layers[at[layer]][side] = totals(own)
    rows = [
        {"layer": layer, "time_ns": [sum(x.values()), sum(y.values())], "attributed": change(x, y)}
        for layer, (x, y) in zip(layers, of_layers, strict=True)
    ]
    return {
        "schema": SCHEMA,
        "time_ns": [sum(each.end - each.start for each in chain) for chain in chains],
        "attributed": change(*map(totals, chains)),
        "configuration": configuration(a, b),
        "layers": sorted(rows, key=lambda row: -abs(row["time_ns"][1] - row["time_ns"][0])),
    }


def by_layer(chain: list[Placed]) -> dict[int, list[Placed]]:
    """layer -> its spans."""
    found: dict[int, list[Placed]] = {}
    for each in chain:
        found.setdefault(each.layer, []).append(each)
    return found


def configuration(a: Kept, b: Kept) -> list[dict[str, Any]]:
    """What differs in the runs, the systems and presets resolved, the traces and the policies: path, value in a,
    value in b."""
    parts = ("run", "trace", "system", "policies")
    found = differences(*({k: kept.entry.get(k) for k in parts} for kept in (a, b)))
    return [row for row in found if not row["what"].startswith("system.folder")]
