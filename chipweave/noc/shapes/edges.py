"""The links that are listed, between endpoints or, with `terminals`, between routers with any number of endpoints each.

    edges: [[0, 1], {between: [1, 2], latency: 5 ns, one_way: true}]
    terminals: [0, 0, 0, 1, 1, 1, 2, 2, 2]        # three endpoints at each of three routers; `edges` then number
        routers

Checked by: tests/core/test_topology.py, tests/flit/test_shapes.py; with terminals against BookSim 2's anynet example.
"""

import numpy as np

from chipweave.declare.params import Param
from chipweave.noc.listed import Ends, read_edges
from chipweave.noc.shape import Reader, Shape, shape
from chipweave.noc.wiring import Places, Wiring, pairs_of

MOST_ROUTERS = 1 << 16


@shape("edges")
class Edges(Shape):
    """The links listed under `edges`; `terminals` names the router of each endpoint where several share one."""

    structure = ("edges",)
    terminals = Param(
        "int", default=None, low=0, high=MOST_ROUTERS - 1, many=True, doc="router of each endpoint, by number"
    )
    seats = Param("int", default=None, low=0, high=MOST_ROUTERS - 1, many=True, doc="the same as `terminals`")

    @property
    def routers(self) -> tuple[int, ...] | None:
        """The router of each endpoint by number, or None where endpoints are routers."""
        return self.seats if self.terminals is None else self.terminals

    def fault(self, places: Places) -> str:
        """Every endpoint needs its terminal."""
        if self.terminals is not None and self.seats is not None:
            return "terminals and seats are one thing and exclude each other"
        given = places.count if self.routers is None else len(self.routers)
        return f"{given} terminals for {places.count} endpoints" if given != places.count else ""

    def wire(self, places: Places, reader: Reader) -> Wiring:
        """Links in the order listed."""
        node = reader.node.value["edges"]
        if self.routers is None:
            pairs, own = read_edges(node, Ends(list(places.names), places.by_text()), reader)
            return Wiring(pairs_of(pairs), own=own)
        count = 1 + max(self.routers, default=0)
        for item in node.value if node.is_list else ():  # routers without endpoints are known by their links
            between = item.get("between") if item.is_map else item
            ends = between.value if between is not None and between.is_list else ()
            numbers = [int(e.text) for e in ends if e.is_scalar and e.text.isdecimal() and len(e.text) < 6]
            count = max([count, *(n + 1 for n in numbers if n < MOST_ROUTERS)])
        names = [f"router[{i}]" for i in range(count)]
        pairs, own = read_edges(node, Ends(names, {}), reader)
        terminals = np.array(self.routers, np.int32) + places.count
        return Wiring(pairs_of(pairs) + places.count, routers=tuple(names), terminals=terminals, own=own)
