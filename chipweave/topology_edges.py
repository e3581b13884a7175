"""Single links of a network, as listed by hand: `edges` of shape edges, and `override` of any shape.

    edges: [[0, 1], {between: [1, 2], latency: 5 ns, one_way: true}]
    override: [{between: ["[0][1]", "[0][2]"], bandwidth: 100 GB/s}, {between: ["[4][4]", "[3][4]"], absent: true}]

An end is an endpoint's number, its place in the grid, or its name.
"""

from chipweave.declare import Param, named, read_all
from chipweave.errors import nearest
from chipweave.yamlfile import Node

LINK = named({
    "latency": Param("time", default=None, low="1 ps"),
    "bandwidth": Param("bandwidth", default=None, low="1 B/s"),
    "absent": Param("bool", default=False),
    "one_way": Param("bool", default=False),
})


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

    def listed(self, node):
        """(a, b, own parameters) of an edge list."""
        if not node.is_list:
            self.faults.add(f"edges must be a list, not {node.shape()}", node.place, "[[0, 1], {between: [1, 2], latency: 5 ns}]")
            return []
        pairs, seen = [], {}
        for item in node.value:
            ends, own = self.link(item if item.is_map else Node({"between": item}, item.place, keys={"between": item.place}))
            if not ends:
                continue
            key = ends if own["one_way"] else tuple(sorted(ends))
            if key in seen:
                self.faults.add(f"the link {ends[0]} - {ends[1]} is listed twice, first at {seen[key]}", item.place)
            seen[key] = item.place
            pairs.append((*ends, own))
        return pairs

    def link(self, item):
        """((a, b), own parameters) of one entry of `edges` or `override`; (None, {}) after a fault."""
        between = item.get("between")
        if between is None or not between.is_list or len(between.value) != 2:
            self.faults.add("a link needs its two ends", item.place, '{between: ["[0][1]", "[0][2]"], ...} or [0, 1]')
            return None, {}
        ends = [self.end(n) for n in between.value]
        before = len(self.faults.found)
        own, sources = read_all(LINK, Node({k: v for k, v in item.value.items() if k != "between"}, item.place, keys=item.keys), self.faults, "a link")
        self.source_all(item, LINK, sources, f"networks.{self.name}.links")
        if None in ends or len(self.faults.found) > before:
            return None, {}
        if ends[0] == ends[1]:
            self.faults.add(f"a link from {ends[0]} to itself", item.place)
            return None, {}
        return tuple(ends), own

    def end(self, node):
        """The router an end means: a number, a place ("[0][1]") or a name."""
        text = node.text
        if isinstance(node.value, int) and not isinstance(node.value, bool) and 0 <= node.value < len(self.order):
            return self.order[node.value]
        if text in self.by_place:
            return self.by_place[text]
        if text in self.order:
            return text
        self.faults.add(f"{text or node.shape()} is no router of network {self.name!r}", node.place, "a number, a place such as [0][1], or a name", nearest(text, [*self.by_place, *self.order][:2000]))
        return None

    def override(self, node, edges):
        """Lay an `override` Node (or None) over the links; False where it takes one away."""
        whole = True
        if node is None:
            return whole
        if not node.is_list:
            self.faults.add(f"override must be a list, not {node.shape()}", node.place, '- {between: ["[0][1]", "[0][2]"], bandwidth: ...}')
            return whole
        written = {}
        for item in node.value:
            ends, own = self.link(item) if item.is_map else (None, self.faults.add("an override is a mapping", item.place, "{between: [...], ...}"))
            if not ends:
                continue
            first = written.setdefault(tuple(ends) if own["one_way"] else frozenset(ends), item.place)
            if first is not item.place:
                self.faults.add(f"the link {ends[0]} - {ends[1]} is changed twice, first at {first}", item.place)
                continue
            both = [e for e in ((ends,) if own["one_way"] else (ends, ends[::-1])) if e in edges]
            if not both:
                self.faults.add(f"there is no link {ends[0]} - {ends[1]}", item.place, "two neighbours")
            for edge in both:
                if own["absent"]:
                    del edges[edge]
                    whole = False
                else:
                    edges[edge] = {"latency_ps": own["latency"] or edges[edge]["latency_ps"], "bandwidth": own["bandwidth"] or edges[edge]["bandwidth"]}
        return whole
