"""Does every endpoint of a network reach every other? Where not, the fault says what is missing and where."""

from __future__ import annotations

from typing import Any

from chipweave.errors import Faults, Place
from chipweave.noc.graph_network import Network
from chipweave.noc.route_rule import routings


def check_routes(network: Network, faults: Faults, place: Place, overridden: Place, hole: Place | None) -> None:
    """Every endpoint reaches every other, or a fault that says what is missing where.

    Args:
        place: where the network is written; overridden: where single links of it are taken away.
        hole: where the holes of the grid that it joins are written, or None.
    """
    rule: Any = network.rule  # routings of grids know of holes besides
    why = rule.fault()
    if why:
        faults.add(f"network {network.name!r}: {why}", network.written, ", ".join(anywhere()))
        return
    missing = rule.first_unroutable()
    if not missing:
        return
    source, target, at = missing
    names = network.nodes
    is_hole = rule.grid and rule.missing is not None and at == rule.gap(source, target)
    gap = (
        f"nothing is at {''.join(f'[{i}]' for i in at)}"
        if is_hole
        else f"there is no link {names[at[0]]} - {names[at[1]]}"
        if rule.grid
        else "no links lead there"
    )
    faults.add(
        f"network {network.name!r}: {names[target]} cannot be reached from {names[source]} "
        f"by routing {network.routing}: {gap}",
        (hole if is_hole else overridden) or place,
        "routing: shortest, or a grid without that hole" if rule.grid else "links that join all endpoints",
    )


def anywhere() -> list[str]:
    """Routings for graphs of any shape."""
    return [name for name in routings.kinds() if not routings.find(name).grid]
