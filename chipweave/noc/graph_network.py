"""One network of a topology: routers, links, and a route for every pair of endpoints."""

from functools import cached_property

import networkx as nx
import numpy as np

from chipweave.errors import Place
from chipweave.noc import routes as graph_routes


class Network:
    """One network: routers, links in each direction, a route for every pair of endpoints.

    Attributes:
        name: as in the YAML ("d2d").
        link_model: "circuit", "fair" or "flit".
        duplex: "directed", or "undirected": the two directions of a link share it (read by circuit).
        admission, wait_queue: how held resources are granted, and in which order waiters stand.
        booking, barging, wake: single habits of the admission switched, or None (chipweave.fabric.rules).
        allow_deadlock: run under flit although the channel dependency graph has a cycle.
        shape, dims, order, routing: as written; `dims` is (Y, X) for a grid, (N,) otherwise.
        graph: DiGraph over router names, in endpoint order, switches last; each edge has latency_ps (int) and
            bandwidth (Fraction, bytes/s), each node has place ((y, x) or None).
        endpoints: router names in endpoint order. On a network of parts these are the parts' names.
        port: the port by which parts take part, "" for a bare network.
        router: parameter name -> value of the routers and their clock (read by flit), a `Declared`.
        whole: no router or link of the shape is missing.
        written: where its routes are chosen in the user's files, for messages.
    """

    def __init__(self, name, settings, graph, endpoints, dims, port, router, whole, written=Place()):
        self.name, self.graph, self.endpoints, self.dims = name, graph, tuple(endpoints), tuple(dims)
        self.port, self.router, self.whole, self.written = port, router, whole, written
        for key in (
            "link_model",
            "duplex",
            "admission",
            "booking",
            "barging",
            "wake",
            "wait_queue",
            "allow_deadlock",
            "shape",
            "order",
            "routing",
        ):
            setattr(self, key, settings[key])
        self.rank = {n: i for i, n in enumerate(graph.nodes)}
        self.place_of = {n: p for n, p in graph.nodes(data="place") if p is not None}
        self.name_at = {p: n for n, p in self.place_of.items()}
        self._far, self._first, self._routes = {}, {}, {}

    @cached_property
    def links(self):
        """(from, to) of every link, one for each direction, in the order of the graph."""
        return list(self.graph.edges)

    @cached_property
    def link_index(self):
        """(from, to) -> position in `links`."""
        return {link: i for i, link in enumerate(self.links)}

    def endpoint(self, which):
        """The router name of an endpoint given by name or number."""
        return self.endpoints[which] if isinstance(which, (int, np.integer)) else which

    def route(self, source, target):
        """The links, as (from, to), that lead from one endpoint to another; empty from an endpoint to itself.

        Args:
            source, target: endpoint numbers or router names.
        """
        pair = self.endpoint(source), self.endpoint(target)
        if pair not in self._routes:
            path = graph_routes.path(self, *pair)
            self._routes[pair] = list(zip(path, path[1:]))
        return self._routes[pair]

    def hops(self, source, target):
        """Links on the route."""
        return len(self.route(source, target))

    @cached_property
    def distance(self):
        """uint16[endpoints, endpoints]: links on the route from the row's endpoint to the column's."""
        if self.whole and self.routing not in graph_routes.ANYWHERE and self.shape in ("mesh", "torus"):
            return self._grid_distance()
        return np.array([[self.hops(s, t) for t in self.endpoints] for s in self.endpoints], np.uint16)

    def _grid_distance(self):
        places = np.array([self.place_of[e] for e in self.endpoints])
        gaps = np.abs(places[:, None, :] - places[None, :, :])
        if self.shape == "torus":
            gaps = np.minimum(gaps, np.array(self.dims) - gaps)
        return gaps.sum(axis=2).astype(np.uint16)

    def distances_to(self, target):
        """Router name -> least number of links to `target`."""
        if target not in self._far:
            self._far[target] = nx.single_source_shortest_path_length(self.graph.reverse(copy=False), target)
        return self._far[target]

    @cached_property
    def numbered(self):
        return graph_routes.numbered(self)

    def first_hops(self, source):
        """Router name -> neighbour of `source` on the way of least latency there."""
        if source not in self._first:
            self._first[source] = graph_routes.first_hops(self, source)
        return self._first[source]

    def pairs(self):
        """(a, b) of each two neighbours, once, the one that comes first in endpoint order first."""
        return [(a, b) for a, b in self.links if self.rank[a] < self.rank[b] or not self.graph.has_edge(b, a)]
