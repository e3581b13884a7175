"""Networks joined to one: regions, each a shape over some of the endpoints, and single links between them.

    shape: joined
    regions:
      - {of: 0..8, shape: mesh, grid: [3, 3]}
      - {of: 9..17, shape: mesh, grid: [3, 3], latency: 100 ns}
    edges: [{between: [7, 10], latency: 2 us, bandwidth: 100 GB/s}]

A region may be another network of the file, with all that it says of its links: `regions: [{network: rows}, {network:
columns}]`. Who takes part follows from these where `joins` is left out; that network is then part of this one alone.

Models: two wafers and a slow link; GPUs on the switch planes of their nodes and on rails between nodes; a wafer with
memory pools at its edge. A region names endpoints by number (`all`, `0..8`, `0, 4, 8` or a list), in its own endpoint
order; it may overlap with others, so a GPU is in its node and on a rail. Its latency, bandwidth and keys are its own;
links between routers that two regions join are one region's fault. Routes lead across regions: `shortest`, `up_down`.
Checked by: tests/flit/test_joined.py, against the same links listed by hand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from chipweave.declare.params import Param, named, read_all
from chipweave.declare.yamlfile import Node
from chipweave.errors import nearest
from chipweave.noc.link_sorts import TERMINAL, read_sorts
from chipweave.noc.listed import Ends, read_edges
from chipweave.noc.shape import Reader, Shape, in_order, shape, shapes, why_not, wiring_of
from chipweave.noc.wiring import Own, Places, Wiring, pairs_of

REGION = named(
    {
        "grid": Param("count", default=None, low=1, many=True, doc="lengths of the region's grid, [Y, X]"),
        "order": Param("choice", default="columns", choices=["columns", "rows"], doc="as of a network"),
        "latency": Param("time", default=None, low="1 ps", doc="of the region's links; the network's where left out"),
        "bandwidth": Param("bandwidth", default=None, low="1 B/s", doc="of the region's links"),
    }
)
OF = re.compile(r"(\d{1,6})(?:\.\.(\d{1,6}))?$")


@dataclass
class Parts:
    """What a joined network is made of, as its regions add to it.

    pairs: linked nodes by number, endpoints first and then `names`, the routers that regions add; own: what a link,
    by its place among them, says of itself.
    """

    places: Places
    reader: Reader
    pairs: list[tuple[int, int]] = field(default_factory=list)
    own: dict[int, Own] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)

    def numbers(self, members: Sequence[int], routers: Sequence[str]) -> list[int]:
        """The number here of each node of a region: its endpoints are `members`, its routers are new."""
        first = self.places.count + len(self.names)
        self.names += routers
        return [*members, *range(first, first + len(routers))]

    def link(self, a: int, b: int, says: Own) -> None:
        """One more link between two nodes."""
        if says != Own():
            self.own[len(self.pairs)] = says
        self.pairs.append((a, b))


def sort_of(wired: Wiring, link: int) -> str:
    """The sort of a link of a region, "" where it has none; terminal links follow the others."""
    if link >= len(wired.pairs):
        return TERMINAL
    return "" if wired.sort is None else wired.sorts[wired.sort[link]]


@shape("joined")
class Joined(Shape):
    """Regions with a shape each, and links between them."""

    structure = ("regions", "edges")

    def wire(self, places: Places, reader: Reader) -> Wiring:
        """The links of all regions, then those listed.

        Routers that regions add are named `region[i].NAME`, those of a network `NETWORK.NAME`.
        """
        node = reader.node.get("regions")
        if node is None or not node.is_list or not node.value:
            place = node.place if node else reader.node.place
            reader.faults.add(
                "shape: joined needs its regions, a list", place, "- {of: 0..8, shape: mesh, grid: [3, 3]}"
            )
            return Wiring(pairs_of([]))
        parts = Parts(places, reader)
        for i, item in enumerate(node.value):
            if item.get("network") is not None:
                self.network(item, parts)
            else:
                self.region(i, item, parts)
        if reader.node.get("edges") is not None:
            ends = Ends([*places.names, *(f"{reader.name}.{name}" for name in parts.names)], places.by_text())
            listed, says = read_edges(reader.node.value["edges"], ends, reader)
            for i, (a, b) in enumerate(listed):
                parts.link(a, b, says.get(i, Own()))
        return Wiring(pairs_of(parts.pairs), routers=tuple(parts.names), own=parts.own)

    def region(self, i: int, item: Node, parts: Parts) -> None:
        """Add the links of a region with a shape of its own.

        Its shape wires the endpoints named as if they were all there is, whose numbers are then
        mapped back; routers it adds get the numbers after those of earlier regions.
        """
        places, reader = parts.places, parts.reader
        kind = item.get("shape")
        known = [n for n in shapes.kinds() if n != self.kind]
        if kind is None or kind.text not in known or item.get("of") is None:
            near = nearest(kind.text, known) if kind is not None else ""
            what = "a region needs `of` and the name of a shape, or the network that it is"
            reader.faults.add(what, item.place, ", ".join(known), near)
            return
        cls = shapes.find(kind.text)
        keys = {k: v for k, v in item.value.items() if k not in ("of", "shape", "links", *cls.structure)}
        before = len(reader.faults.found)
        values, sources = read_all(
            {**REGION, **cls.params},
            Node(keys, item.place, keys=item.keys),
            reader.faults,
            f"region {i}",
            ("of", "shape"),
        )
        members = self.members(item.value["of"], places.count, reader)
        if len(reader.faults.found) > before:
            return
        reader.note(Node(keys, item.place, keys=item.keys), REGION, sources, f"networks.{reader.name}.regions[{i}]")
        dims = tuple(values["grid"] or (len(members),))
        at = np.indices(dims).reshape(len(dims), -1).T.astype(np.int32)
        at = at[in_order(at, values["order"])]
        made = cls.built(reader.name, {k: values[k] for k in cls.params})
        inner = Places(tuple(places.names[m] for m in members), at, dims)
        why = f"its grid has {len(at)} places" if len(at) != len(members) else why_not(made, inner)
        if why:
            reader.faults.add(f"region {i} of {len(members)} endpoints: {why}", item.place)
            return
        unit = values["latency"] or reader.latency_ps
        own_reader = Reader(reader.name, item, reader.faults, reader.note, reader.base, unit)
        wired = wiring_of(made, inner, own_reader)
        sorts = read_sorts(own_reader, wired)
        number = np.array(parts.numbers(members, [f"region[{i}].{name}" for name in wired.routers]), np.int64)
        inside = number[wired.pairs].tolist()
        if wired.terminals is not None:
            inside += np.stack([number[: len(members)], number[wired.terminals]], axis=1).tolist()
        terminals = {len(wired.pairs) + end: Own(ps) for end, ps in wired.terminal_latency_ps.items()}
        own = {**wired.own, **terminals}
        for n, (a, b) in enumerate(inside):
            says, sort = own.get(n, Own()), sorts.get(sort_of(wired, n), {})
            latency = says.latency_ps or sort.get("latency") or values["latency"]
            bandwidth = says.bandwidth or sort.get("bandwidth") or values["bandwidth"]
            parts.link(a, b, Own(latency, bandwidth, says.one_way))

    def network(self, item: Node, parts: Parts) -> None:
        """Add the links of a region that is another network."""
        places, reader = parts.places, parts.reader
        for key in item.value:
            if key != "network":
                reader.faults.add(f"a region that is a network has no {key!r} of its own", item.keys[key], "network")
        region = reader.region(item.value["network"])
        if region is None:
            return
        rank = {name: i for i, name in enumerate(places.names)}
        missing = [name for name in region.endpoints if name not in rank]
        if missing:
            what = f"{missing[0]} is in network {item.value['network'].text} and not in {reader.name}, which joins it"
            reader.faults.add(what, item.place, "joins with all parts of its regions, or none")
            return
        number = parts.numbers([rank[name] for name in region.endpoints], region.routers)
        for a, b, says in region.links:
            parts.link(number[a], number[b], says)

    def members(self, node: Node, count: int, reader: Reader) -> list[int]:
        """Endpoint numbers that `of` names, in order; [] after a fault."""
        if node.is_scalar and node.text.strip() == "all":
            return list(range(count))
        texts = [n.text for n in node.value] if node.is_list else node.text.split(",")
        found: list[int] = []
        for text in texts:
            match = OF.match(text.strip())
            first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, -1)
            if not match or not first <= last < count:
                allowed = f"all, or numbers and ranges of 0..{count - 1}"
                reader.faults.add(
                    f"{text.strip()!r} names no endpoints of network {reader.name!r}", node.place, allowed
                )
                return []
            found += range(first, last + 1)
        if len(set(found)) != len(found):
            reader.faults.add("a region names an endpoint twice", node.place)
        return found
