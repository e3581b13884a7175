"""BookSim 2's `anynet` file: routers with any number of nodes, and links with latencies in units of the network's.

    router 0 node 0 node 1 5 router 1 15      # node 1's terminal link takes 5 units, router 1 is 15 away
    router 1 node 2

A number behind a router is the latency in the direction from the line's head; back it is 1 unless that router's line
says otherwise. Nodes are endpoints and must be numbered 0 to N - 1. A unit is the network's `latency`.
Leaves out: BookSim 2 reads a node's latency and does not apply it (booksim2 pull request 31); here it holds.
Checked by: tests/flit/test_anynet.py; the example that ships with BookSim 2, packet by packet.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from chipweave.declare.params import Param
from chipweave.errors import BadInput, Faults, Place
from chipweave.noc.edge_file import EdgeFile
from chipweave.noc.shape import MAX_LINKS, Reader, Shape, shape
from chipweave.noc.wiring import Own, Places, Wiring, pairs_of

WORD = re.compile(r"(router|node)\s+(\d{1,6})(?:\s+(\d{1,6}))?(?=\s|$)")


class AnynetFile:
    """An anynet file: `terminals` node -> (router, units), `links` (router, router) -> units, each direction."""

    def __init__(self, text: str, path: Path) -> None:
        self.terminals: dict[int, tuple[int, int]] = {}
        self.links: dict[tuple[int, int], int] = {}
        faults = Faults()
        for number, line in enumerate(text.splitlines(), 1):
            line = line.partition("//")[0].strip()
            if line:
                self.line(line, Place(str(path), number), faults)
        nodes = sorted(self.terminals)
        if nodes != list(range(len(nodes))) or not nodes:
            faults.add("nodes must be numbered from 0 on without a gap", Place(str(path)))
        faults.raise_if_any()

    def line(self, line: str, place: Place, faults: Faults) -> None:
        """One router, its nodes and the routers it leads to."""
        words = list(WORD.finditer(line))
        if " ".join(" ".join(m[0].split()) for m in words) != " ".join(line.split()) or words[0][1] != "router":
            faults.add(
                f"{line[:60]!r} is no line of an anynet file", place, "router N [node M [latency]] [router K [latency]]"
            )
            return
        head = int(words[0][2])
        for word in words[1:]:
            number, units = int(word[2]), int(word[3] or 1)
            if units < 1:
                faults.add(f"latency {units} of {word[1]} {number} must be 1 or more", place)
            elif word[1] == "node":
                if number in self.terminals:
                    faults.add(f"node {number} sits at two routers", place)
                self.terminals[number] = (head, units)
            elif number == head:
                faults.add(f"a link from router {head} to itself", place)
            else:
                self.links[head, number] = units
                self.links.setdefault((number, head), 1)


@shape("anynet")
class Anynet(Shape):
    """The network of a BookSim 2 anynet file, named by `file`."""

    routing = "shortest_latency"
    makes_endpoints = True
    file = Param("str", doc="path, relative to the YAML file")

    def read(self, reader: Reader) -> AnynetFile | None:
        """The file, or None with a fault."""
        place = reader.node.value["file"].place
        path = reader.folder("file") / self.file
        try:
            found = AnynetFile(EdgeFile.text(self, path), path)
        except BadInput as error:
            for fault in error.faults:
                reader.faults.add(fault.what, fault.place if fault.place.file else place, fault.allowed)
            return None
        routers = {r for pair in found.links for r in pair} | {r for r, _ in found.terminals.values()}
        if len(found.links) > 2 * MAX_LINKS or max(routers, default=0) >= 1 << 16:
            reader.faults.add(f"{self.file}: more than {MAX_LINKS} links or 65,536 routers", place)
            return None
        return found

    def names(self, reader: Reader) -> list[str] | None:
        """Nodes by number."""
        found = self.read(reader)
        return [str(i) for i in range(len(found.terminals))] if found else None

    def wire(self, places: Places, reader: Reader) -> Wiring:
        """Both directions of a link are links of their own, as their latencies may differ."""
        found = self.read(reader)
        if found is None or len(found.terminals) != places.count:
            if found is not None:
                what = f"{self.file} has {len(found.terminals)} nodes, and the network {places.count} endpoints"
                reader.faults.add(what, reader.node.value["file"].place)
            return Wiring(pairs_of([]))
        unit = reader.latency_ps
        count = 1 + max([r for r, _ in found.terminals.values()] + [r for pair in found.links for r in pair])
        pairs = sorted(found.links)
        own = {i: Own(found.links[pair] * unit, one_way=True) for i, pair in enumerate(pairs)}
        terminals = np.array([found.terminals[e][0] for e in range(places.count)], np.int32) + places.count
        slow = {e: units * unit for e, (_, units) in found.terminals.items() if units != 1}
        names = tuple(f"router[{i}]" for i in range(count))
        return Wiring(
            pairs_of(pairs) + places.count, routers=names, terminals=terminals, own=own, terminal_latency_ps=slow
        )
