"""Single links of a network, as listed by hand: `edges` of shape edges, and `override` of any shape.

    edges: [[0, 1], {between: [1, 2], latency: 5 ns, one_way: true}]
    override: [{between: ["[0][1]", "[0][2]"], bandwidth: 100 GB/s}, {between: ["[*][3]", "[*][4]"], absent: true}]

An end is an endpoint's number, its place in the grid, or its name. In an override it may be a pattern of places ("[1..3][*]"):
sides of equal number are paired one to one, a single one with each of the others, pairs with a hole left out.
"""

from itertools import product

from chipweave.declare.params import Param, named, read_all
from chipweave.declare.yamlfile import Node
from chipweave.errors import nearest
from chipweave.topology.parts import INDEX, span

LINK = named(
    {
        "latency": Param("time", default=None, low="1 ps"),
        "bandwidth": Param("bandwidth", default=None, low="1 B/s"),
        "absent": Param("bool", default=False),
        "one_way": Param("bool", default=False),
    }
)


class Listed:
    """Reads lists of links.

    Args:
        name: the network's, for messages.
        endpoints: place -> router name, in endpoint order.
        faults: gets all that is wrong.
        source_all: called with (Node, params, sources, path) of each link read.
    """

    def __init__(self, name, endpoints, faults, source_all):
        self.name, self.faults, self.source_all = name, faults, source_all
        self.order = list(endpoints.values())
        self.by_place = {"".join(f"[{i}]" for i in place): router for place, router in endpoints.items()}
        self.dims = [max(place[axis] for place in endpoints) + 1 for axis in range(len(next(iter(endpoints), ())))]

    def listed(self, node):
        """(a, b, own parameters) of an edge list."""
        if not node.is_list:
            self.faults.add(
                f"edges must be a list, not {node.shape()}", node.place, "[[0, 1], {between: [1, 2], latency: 5 ns}]"
            )
            return []
        pairs, seen = [], {}
        for item in node.value:
            ends, own = self.link(
                item if item.is_map else Node({"between": item}, item.place, keys={"between": item.place})
            )
            if not ends:
                continue
            key = ends if own["one_way"] else tuple(sorted(ends))
            if key in seen:
                self.faults.add(f"the link {ends[0]} - {ends[1]} is listed twice, first at {seen[key]}", item.place)
            seen[key] = item.place
            pairs.append((*ends, own))
        return pairs

    def link(self, item):
        """((a, b), own parameters) of one entry of `edges`; (None, {}) after a fault."""
        between, own = self.read(item)
        ends = [self.end(n) for n in between]
        if own is None or None in ends or not self.apart(*ends, item):
            return None, {}
        return tuple(ends), own

    def read(self, item):
        """(Nodes of the two ends, own parameters) of an entry; no ends or no parameters after a fault."""
        between = item.get("between")
        if between is None or not between.is_list or len(between.value) != 2:
            self.faults.add("a link needs its two ends", item.place, '{between: ["[0][1]", "[0][2]"], ...} or [0, 1]')
            return [], None
        before = len(self.faults.found)
        own, sources = read_all(
            LINK,
            Node({k: v for k, v in item.value.items() if k != "between"}, item.place, keys=item.keys),
            self.faults,
            "a link",
        )
        self.source_all(item, LINK, sources, f"networks.{self.name}.links {' - '.join(n.text for n in between.value)}")
        return between.value, own if len(self.faults.found) == before else None

    def apart(self, a, b, item):
        """Whether a link has two different ends; told where it has not."""
        if a == b:
            self.faults.add(f"a link from {a} to itself", item.place)
        return a != b

    def links_of(self, item):
        """([(a, b), ...], own parameters) of one entry of `override`; ([], None) after a fault."""
        between, own = self.read(item)
        sides = [self.side(n) for n in between]
        if own is None or None in sides:
            return [], None
        longest = max(map(len, sides))
        if any(len(side) not in (1, longest) for side in sides):
            self.faults.add(
                f"{between[0].text} are {len(sides[0])} routers, {between[1].text} are {len(sides[1])}",
                item.place,
                "as many on each side, or one on one side",
            )
            return [], None
        pairs = [(a, b) for a, b in zip(*(side * (longest // len(side)) for side in sides)) if a and b]
        if not pairs:
            self.faults.add(f"between {between[0].text} and {between[1].text} there are only holes", item.place)
        return ([], None) if not pairs or not all(self.apart(*pair, item) for pair in pairs) else (pairs, own)

    def side(self, node):
        """The routers that one end of an override means, None for a hole that a pattern covers; None after a fault."""
        found = INDEX.findall(node.text)
        if (
            "".join(f"[{f}]" for f in found) != node.text
            or not any("*" in f or ".." in f for f in found)
            or len(found) != len(self.dims)
        ):
            end = self.end(node)
            return end and [end]
        ranges = [span(f, length) for f, length in zip(found, self.dims)]
        if any(not r or r[-1] >= length for r, length in zip(ranges, self.dims)):
            self.faults.add(f"{node.text} lies outside the grid of {self.dims} of network {self.name!r}", node.place)
            return None
        return [self.by_place.get("".join(f"[{i}]" for i in place)) for place in product(*ranges)]

    def end(self, node):
        """The router an end means: a number, a place ("[0][1]") or a name."""
        text = node.text
        if isinstance(node.value, int) and not isinstance(node.value, bool) and 0 <= node.value < len(self.order):
            return self.order[node.value]
        if text in self.by_place:
            return self.by_place[text]
        if text in self.order:
            return text
        self.faults.add(
            f"{text or node.shape()} is no router of network {self.name!r}",
            node.place,
            "a number, a place such as [0][1], or a name",
            nearest(text, [*self.by_place, *self.order][:2000]),
        )
        return None

    def override(self, node, edges):
        """Lay an `override` Node (or None) over the links; False where it takes one away."""
        whole = True
        if node is None:
            return whole
        if not node.is_list:
            self.faults.add(
                f"override must be a list, not {node.shape()}",
                node.place,
                '- {between: ["[0][1]", "[0][2]"], bandwidth: ...}',
            )
            return whole
        written = {}
        for item in node.value:
            if not item.is_map:
                self.faults.add("an override is a mapping", item.place, "{between: [...], ...}")
                continue
            pairs, own = self.links_of(item)
            for ends in pairs:
                whole &= self.change(ends, own, item, edges, written)
        return whole

    def change(self, ends, own, item, edges, written):
        """Lay one override over the link between two routers; False where that takes it away."""
        first = written.setdefault(tuple(ends) if own["one_way"] else frozenset(ends), item.place)
        if first is not item.place:
            self.faults.add(f"the link {ends[0]} - {ends[1]} is changed twice, first at {first}", item.place)
            return True
        both = [e for e in ((ends,) if own["one_way"] else (ends, ends[::-1])) if e in edges]
        if not both:
            self.faults.add(f"there is no link {ends[0]} - {ends[1]}", item.place, "two neighbours")
        for edge in both:
            if own["absent"]:
                del edges[edge]
            else:
                edges[edge] = {
                    "latency_ps": own["latency"] or edges[edge]["latency_ps"],
                    "bandwidth": own["bandwidth"] or edges[edge]["bandwidth"],
                }
        return not (both and own["absent"])
