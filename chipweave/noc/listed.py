"""Single links as listed by hand: which routers an end means, and what a link says of itself.

    edges: [[0, 1], {between: [1, 2], latency: 5 ns, one_way: true}]

An end is a router's number, its place in the grid ("[0][1]"), or its name.
"""

from __future__ import annotations

from chipweave.declare.params import Param, named, read_all
from chipweave.declare.yamlfile import Node
from chipweave.errors import nearest
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


def read_edges(node: Node, ends: Ends, reader: Reader) -> tuple[list[tuple[int, int]], dict[int, Own]]:
    """(pairs, pair number -> what the link says of itself) of a list of links; each link may be listed once."""
    if not node.is_list:
        reader.faults.add(
            f"edges must be a list, not {node.shape()}", node.place, "[[0, 1], {between: [1, 2], latency: 5 ns}]"
        )
        return [], {}
    pairs, own, seen = [], {}, {}
    for item in node.value:
        entry = item if item.is_map else Node({"between": item}, item.place, keys={"between": item.place})
        between, says = read_link(entry, reader)
        pair = [ends.end(n, reader) for n in between]
        if says is None or None in pair or not apart(*pair, ends, item, reader):
            continue
        key = tuple(pair) if says["one_way"] else tuple(sorted(pair))
        if key in seen:
            names = " - ".join(ends.names[i] for i in pair)
            reader.faults.add(f"the link {names} is listed twice, first at {seen[key]}", item.place)
        seen[key] = item.place
        if says["latency"] or says["bandwidth"] or says["one_way"]:
            own[len(pairs)] = Own(says["latency"], says["bandwidth"], says["one_way"])
        pairs.append(tuple(pair))
    return pairs, own
