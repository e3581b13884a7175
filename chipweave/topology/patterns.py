"""Places in a grid as texts: `[0][*]`, `[1..3][2]`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chipweave.declare.yamlfile import Node
from chipweave.errors import Faults

INDEX = re.compile(r"\[(\*|\d{1,6}|\d{1,6}\.\.\d{1,6})\]")

FAR = 10_000  # units of a picture


def bare(name: str) -> str:
    """A part's name without its indices: "die[0][3].hbm" -> "die.hbm"."""
    return re.sub(r"\[[^\]]*\]", "", name)


def span(text: str, length: int) -> range:
    """The range an index text means: "*", "3" or "1..3" (both ends in)."""
    if text == "*":
        return range(length)
    first, _, last = text.partition("..")
    return range(int(first), int(last or first) + 1)


def matches(index: tuple[int, ...], ranges: Sequence[range]) -> bool:
    """Whether a place lies in a pattern of ranges."""
    return len(index) == len(ranges) and all(i in r for i, r in zip(index, ranges, strict=False))


def points(node: Node, count: int, what: str, faults: Faults) -> list[tuple[float, float]]:
    """[(x, y)] of a list of positions for a picture, x to the right and y downwards; [] after a fault.

    Args:
        node: one pair where `count` is 1, else a list of pairs.
        what: whose positions, in words.
    """
    items = node.value if node.is_list and count != 1 else [node]
    found = []
    for item in items:
        pair = [n.value for n in item.value if n.is_scalar] if item.is_list else []
        numbers = [float(x) for x in pair if isinstance(x, (int, float)) and not isinstance(x, bool)]
        if len(numbers) == 2 == len(item.value) and all(abs(x) < FAR for x in numbers):
            found.append((numbers[0], numbers[1]))
    if len(found) == len(items) == count:
        return found
    one = "[x, y], numbers of a picture's units" if count == 1 else f"a list of {count} positions [x, y]"
    faults.add(f"{what}: at is not where {'it stands' if count == 1 else 'they stand'}", node.place, one)
    return []
