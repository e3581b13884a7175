"""Names and places of parts that are there many times: "die[0][3].hbm", "[0][1..3]", "[*][2]"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chipweave.declare.yamlfile import Node
from chipweave.errors import Fault, Faults, Place

INDEX = re.compile(r"\[(\*|\d{1,6}|\d{1,6}\.\.\d{1,6})\]")
"""An index in a pattern: all, a number, or a range with both ends in."""


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


def nothing_there(name: str, key: str, node: Node) -> Fault:
    """The Fault of an override whose places are all absent."""
    return Fault(f"{name}: the override of {key} changes nothing: all its places are absent", node.place)


class Patterns:
    """Which of many patterns a place lies in: those of one place each are looked up, wider ones tried in turn."""

    def __init__(self, patterns: Sequence[Sequence[range]]) -> None:
        self.single: dict[tuple[int, ...], list[int]] = {}
        self.wide: list[tuple[int, Sequence[range]]] = []
        for number, ranges in enumerate(patterns):
            if all(len(r) == 1 for r in ranges):
                self.single.setdefault(tuple(r[0] for r in ranges), []).append(number)
            else:
                self.wide.append((number, ranges))

    def of(self, index: tuple[int, ...]) -> list[int]:
        """Numbers of the patterns that hold a place, ascending."""
        single = self.single.get(index, [])
        wide = [number for number, ranges in self.wide if matches(index, ranges)]
        return sorted(single + wide) if single and wide else single or wide


def read_patterns(name: str, node: Node | None, dims: tuple[int, ...], faults: Faults) -> list[list[range] | None]:
    """The places listed under `absent` of the part `name`; None for each that had a fault."""
    if node is None:
        return []
    if not node.is_list:
        faults.add(f"{name}: absent must be a list of places, not {node.shape()}", node.place, '["[2][2]"]')
        return []
    return [read_pattern(name, item.text, dims, item.place, faults) for item in node.value]


def read_pattern(name: str, text: str, dims: tuple[int, ...], place: Place, faults: Faults) -> list[range] | None:
    """A place in a grid ("[0][1..3]") as a list of ranges, or None with a fault."""
    found = INDEX.findall(text)
    if not found or "".join(f"[{f}]" for f in found) != text or len(found) != len(dims):
        faults.add(
            f"{name}: {text!r} is not a place in its grid of {list(dims)}",
            place,
            "[*]" * len(dims) + ", with * or a number or a range such as 1..3"
            if dims
            else "no index: it is there once",
        )
        return None
    ranges = [span(f, length) for f, length in zip(found, dims, strict=False)]
    if any(not r or r[-1] >= length for r, length in zip(ranges, dims, strict=False)):
        faults.add(f"{name}: {text} lies outside its grid of {list(dims)}", place)
        return None
    return ranges
