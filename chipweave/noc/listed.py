"""Single links as listed by hand: which routers an end means, and what a link says of itself.

    edges: [[0, 1], {between: [1, 2], latency: 5 ns, one_way: true}]

An end is a router's number, its place in the grid ("[0][1]"), or its name. A name with `[*]` or a range in place of an
index means all that it fits: two sides of equal number are joined one to one, a single one to each of the others.
"""

from __future__ import annotations

import re

from chipweave.declare.params import Param, named, read_all
from chipweave.declare.yamlfile import Node
from chipweave.errors import Place, nearest
from chipweave.noc.shape import Reader
from chipweave.noc.wiring import Own

LINK = named(
    {
        "latency": Param("time", default=None, low="1 ps", doc="of this link; the network's where left out"),
        "bandwidth": Param("bandwidth", default=None, low="1 B/s", doc="of this link; the network's where left out"),
        "absent": Param("bool", default=False, doc="in an override: the link is not there"),
        "one_way": Param("bool", default=False, doc="from the first end to the second only"),
    }
)


WIDE = re.compile(r"\\\[(\\\*|\d{1,6}\\\.\\\.\d{1,6})\\\]")  # "[*]" or "[1..3]" within a name that re.escape has quoted


class Ends:
    """Which router an end of a link means.

    Args:
        names: the routers' names by number.
        by_place: "[0][1]" -> number.
    """

    def __init__(self, names: list[str], by_place: dict[str, int]) -> None:
        self.names, self.by_place = names, by_place
        self.number = {name: i for i, name in enumerate(names)}

    def find(self, text: str) -> int | None:
        """The router a text means; None where it means none."""
        if text.isdecimal() and len(text) < 10 and int(text) < len(self.names):
            return int(text)
        return self.by_place.get(text, self.number.get(text))

    def fitting(self, text: str) -> list[int]:
        """The routers whose names a name with `[*]` or ranges fits, by these indices: die[0][1] before die[1][0]."""
        quoted = re.escape(text)
        spans = [re.findall(r"\d+", index) for index in WIDE.findall(quoted)]
        if not spans:
            return []
        name = re.compile(WIDE.sub(lambda _: r"\[(\d+)\]", quoted))
        matches = ((i, name.fullmatch(known)) for i, known in enumerate(self.names))
        found = sorted((tuple(map(int, match.groups())), i) for i, match in matches if match)
        return [
            i
            for indices, i in found
            if all(not s or int(s[0]) <= n <= int(s[1]) for s, n in zip(spans, indices, strict=True))
        ]

    def side(self, node: Node, reader: Reader) -> list[int]:
        """The routers a Node means; none with a fault."""
        several = self.fitting(node.text) if node.is_scalar and self.find(node.text) is None else []
        if several:
            return several
        one = self.end(node, reader)
        return [] if one is None else [one]

    def end(self, node: Node, reader: Reader) -> int | None:
        """The router a Node means, or None with a fault."""
        text = node.text
        found = self.find(text) if node.is_scalar and not isinstance(node.value, bool) else None
        if found is None:
            reader.faults.add(
                f"{text or node.shape()} is no router of network {reader.name!r}",
                node.place,
                "a number, a place such as [0][1], or a name",
                nearest(text, [*self.by_place, *self.names][:2000]),
            )
        return found


def read_link(item: Node, reader: Reader) -> tuple[list[Node], dict | None]:
    """(Nodes of the two ends, what the link says of itself); no ends or None after a fault."""
    between = item.get("between")
    if between is None or not between.is_list or len(between.value) != 2:
        reader.faults.add("a link needs its two ends", item.place, '{between: ["[0][1]", "[0][2]"], ...} or [0, 1]')
        return [], None
    before = len(reader.faults.found)
    rest = Node({k: v for k, v in item.value.items() if k != "between"}, item.place, keys=item.keys)
    own, sources = read_all(LINK, rest, reader.faults, "a link")
    ends = " - ".join(n.text for n in between.value)
    reader.note(item, LINK, sources, f"networks.{reader.name}.links {ends}")
    return between.value, own if len(reader.faults.found) == before else None


def apart(a: int, b: int, ends: Ends, item: Node, reader: Reader) -> bool:
    """Whether a link has two different ends; a fault where it has not."""
    if a == b:
        reader.faults.add(f"a link from {ends.names[a]} to itself", item.place)
    return a != b


def joined(sides: list[list[int]], item: Node, reader: Reader) -> list[tuple[int, int]]:
    """The links between two sides: one to one, or a single end to each of the others; none after a fault."""
    if len(sides) < 2 or not all(sides):
        return []
    left, right = sides
    if len(left) != len(right) and 1 not in (len(left), len(right)):
        what = f"{len(left)} routers cannot be joined to {len(right)}"
        reader.faults.add(what, item.place, "as many on both sides, or one on one side")
        return []
    many = max(len(left), len(right))
    return list(zip(*(side * many if len(side) == 1 else side for side in (left, right)), strict=True))


def read_edges(node: Node, ends: Ends, reader: Reader) -> tuple[list[tuple[int, int]], dict[int, Own]]:
    """(pairs, pair number -> what the link says of itself) of a list of links; each link may be listed once."""
    if not node.is_list:
        reader.faults.add(
            f"edges must be a list, not {node.shape()}", node.place, "[[0, 1], {between: [1, 2], latency: 5 ns}]"
        )
        return [], {}
    pairs: list[tuple[int, int]] = []
    own: dict[int, Own] = {}
    seen: dict[tuple[int, int], Place] = {}
    for item in node.value:
        entry = item if item.is_map else Node({"between": item}, item.place, keys={"between": item.place})
        between, says = read_link(entry, reader)
        links = joined([ends.side(n, reader) for n in between], item, reader)
        if says is None:
            continue
        for a, b in links:
            if not apart(a, b, ends, item, reader):
                continue
            key = (a, b) if says["one_way"] else (min(a, b), max(a, b))
            if key in seen:
                names = f"{ends.names[a]} - {ends.names[b]}"
                reader.faults.add(f"the link {names} is listed twice, first at {seen[key]}", item.place)
            seen[key] = item.place
            if says["latency"] or says["bandwidth"] or says["one_way"]:
                own[len(pairs)] = Own(says["latency"], says["bandwidth"], says["one_way"])
            pairs.append((a, b))
    return pairs, own
