"""`at:` where parts and bare routers stand in a picture, x to the right and y downwards, about a die's width a unit.

    parts: {die: {assembly: die, count: 3, at: [[0, 0], [1, 0], [0.5, 1]]}, pool: {assembly: pool, at: [3, 0]}}
    networks: {net: {routers: 2, at: [[0, 0], [2, 1]], ...}}

It says nothing of the hardware: only `chipweave draw` reads it.
"""

from __future__ import annotations

from collections.abc import Sequence

from chipweave.declare.yamlfile import Node
from chipweave.errors import Faults

FAR = 10_000  # units of a picture
Spot = tuple[float, float]


def spots_of(name: str, node: Node, here: Sequence[tuple[int, ...]], prefix: str, faults: Faults) -> dict[str, Spot]:
    """Instance -> where it stands, of one entry of `parts` with its instances in order, holes left out."""
    if prefix:
        faults.add(f"{name}: at is of dies and other parts of a system, not of parts inside them", node.place)
        return {}
    names = [name + "".join(f"[{i}]" for i in index) for index in here]
    return dict(zip(names, points(node, len(names), name, faults), strict=False))


def points(node: Node, count: int, what: str, faults: Faults) -> list[Spot]:
    """[(x, y)] of a list of positions; [] after a fault.

    Args:
        node: one pair or a list of one where `count` is 1, else a list of pairs.
        what: whose positions, in words.
    """
    single = node.is_list and not any(item.is_list for item in node.value)
    items = node.value if node.is_list and not single else [node]
    found = []
    for item in items:
        pair = [n.value for n in item.value if n.is_scalar] if item.is_list else []
        numbers = [float(x) for x in pair if isinstance(x, (int, float)) and not isinstance(x, bool)]
        if len(numbers) == 2 == len(item.value) and all(abs(x) < FAR for x in numbers):
            found.append((numbers[0], numbers[1]))
    if len(found) == len(items) == count:
        return found
    allowed = "[x, y], numbers" if count == 1 else f"a list of {count} positions [x, y], one for each"
    faults.add(f"{what}: at does not say where {'it stands' if count == 1 else 'they stand'}", node.place, allowed)
    return []
