"""One network of a system as arrays: routers, links in each direction, and a route for every pair of endpoints.

Nodes are numbered: endpoints first, in endpoint order, then the routers that the shape adds. Whether an endpoint is a
router itself or the terminal of one, it is a node, and its links are links. The graph for people is made when it is
needed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from chipweave.errors import Place
from chipweave.io.late import late
from chipweave.noc.adjacency import Adjacency
from chipweave.noc.route_rule import Routing, routings
from chipweave.noc.wiring import Grid, Places, Wiring

if TYPE_CHECKING:
    import networkx as nx
else:
    nx = late("networkx")

SETTINGS = (
    "link_model",
    "duplex",
    "admission",
    "booking",
    "barging",
    "wake",
    "wait_queue",
    "allow_deadlock",
    "grain",
    "beside",
    "shape",
    "order",
    "routing",
    "spread",
)


@dataclass(frozen=True)
class Links:
    """Directed links, sorted by (src, dst), as arrays of equal length.

    Attributes:
        src, dst: int64, nodes by number.
        latency_ps: int64.
        rate: int64, place in `rates`.
        rates: bandwidths that occur, payload bytes per second.
    """

    src: np.ndarray
    dst: np.ndarray
    latency_ps: np.ndarray
    rate: np.ndarray
    rates: tuple[Fraction, ...]


class Network:
    """A network as its topology says.

    Attributes:
        name: as in the YAML ("d2d").
        link_model: "circuit", "fair" or "flit".
        duplex: "directed", or "undirected": the two directions of a link share it (read by circuit).
        admission, wait_queue: how held resources are granted, and in which order waiters stand.
        booking, barging, wake: single habits of the admission switched, or None (chipweave.fabric.rules).
        allow_deadlock: run under flit although the channel dependency graph has a cycle.
        grain: fine flits in a flit, as text, or "auto".
        beside: link model that runs a sample of layer-steps beside the run, or "none".
        shape, dims, order, routing, spread: as written; `dims` are the lengths of the endpoints' grid, (N,) for a row.
        endpoints: names of the endpoints in order; on a network of parts the parts' names.
        nodes: names of all nodes, endpoints first.
        terminals: int64[endpoints], the router each endpoint is a terminal of; None: endpoints are routers themselves.
        src, dst, latency_ps, rate: of every link, see `Links`; `rates`: the bandwidths that occur.
        grid: the grid of the routers, or None.
        port: the port by which parts take part, "" for a bare network.
        router: parameter name -> value of the routers and their clock (read by flit), a `Declared`.
        whole: no router or link of the shape is missing.
        written: where its routes are chosen in the user's files, for messages.
    """

    link_model: str
    duplex: str
    admission: str
    booking: bool | None
    barging: bool | None
    wake: str | None
    wait_queue: str
    allow_deadlock: bool
    grain: str
    beside: str
    shape: str
    order: str
    routing: str
    spread: str

    def __init__(
        self,
        name: str,
        settings: dict[str, Any],
        places: Places,
        wiring: Wiring,
        links: Links,
        port: str,
        router: Any,
        whole: bool,
        written: Place = Place(),
    ) -> None:
        for key in SETTINGS:
            setattr(self, key, settings[key])
        self.name, self.places, self.dims, self.port = name, places, places.dims, port
        self.endpoints = places.names
        self.nodes = (*places.names, *(f"{name}.{r}" for r in wiring.routers))
        self.terminals = None if wiring.terminals is None else wiring.terminals.astype(np.int64)
        self.src, self.dst, self.latency_ps, self.rate = links.src, links.dst, links.latency_ps, links.rate
        self.rates, self.grid = links.rates, wiring.grid
        self.router, self.whole, self.written = router, whole, written
        self._paths: dict[tuple[int, int, int], list[int]] = {}

    # ---- numbers

    @property
    def endpoint_count(self) -> int:
        """Number of endpoints."""
        return len(self.endpoints)

    @property
    def node_count(self) -> int:
        """Number of nodes: endpoints and routers."""
        return len(self.nodes)

    @property
    def first_router(self) -> int:
        """Number of the first router: endpoints are routers themselves, or come before all routers."""
        return 0 if self.terminals is None else self.endpoint_count

    @cached_property
    def adjacency(self) -> Adjacency:
        """All links."""
        return Adjacency(self.node_count, self.src, self.dst)

    @cached_property
    def router_links(self) -> np.ndarray:
        """int64: the links between routers, those of terminals left out."""
        return np.flatnonzero((self.src >= self.first_router) & (self.dst >= self.first_router))

    @cached_property
    def router_adjacency(self) -> Adjacency:
        """The links between routers."""
        return Adjacency(self.node_count, self.src[self.router_links], self.dst[self.router_links])

    @cached_property
    def router_at(self) -> np.ndarray:
        """int64[grid.dims]: the router at each place of the grid, counted from the first router, -1 where nothing
        is."""
        grid = self.in_grid
        index = np.full(grid.dims, -1, np.int64)
        index[tuple(grid.at.T)] = np.arange(len(grid.at))
        return index

    @property
    def in_grid(self) -> Grid:
        """The grid of the routers, of a network that is known to have one."""
        assert self.grid is not None
        return self.grid

    @cached_property
    def rank(self) -> dict[str, int]:
        """Node name -> number."""
        return {name: i for i, name in enumerate(self.nodes)}

    def number(self, which: int | str) -> int:
        """The endpoint given by number or name."""
        return int(which) if isinstance(which, (int, np.integer)) else self.rank[which]

    def endpoint(self, which: int | str) -> str:
        """The name of an endpoint given by name or number."""
        return self.endpoints[which] if isinstance(which, (int, np.integer)) else which

    @cached_property
    def place_of(self) -> dict[str, tuple[int, ...]]:
        """Endpoint name -> its place in the grid."""
        return dict(zip(self.endpoints, map(tuple, self.places.at.tolist()), strict=True))

    @cached_property
    def name_at(self) -> dict[tuple[int, ...], str]:
        """Place -> the endpoint there."""
        return {place: name for name, place in self.place_of.items()}

    # ---- links

    @cached_property
    def bandwidth(self) -> list[Fraction]:
        """Of every link, payload bytes per second."""
        return [self.rates[i] for i in self.rate.tolist()]

    @cached_property
    def links(self) -> list[tuple[str, str]]:
        """(from, to) of every link, one for each direction."""
        return [(self.nodes[a], self.nodes[b]) for a, b in zip(self.src.tolist(), self.dst.tolist(), strict=True)]

    @cached_property
    def link_index(self) -> dict[tuple[str, str], int]:
        """(from, to) -> position in `links`."""
        return {link: i for i, link in enumerate(self.links)}

    @cached_property
    def graph(self) -> nx.DiGraph:
        """DiGraph over node names; each edge has latency_ps (int) and bandwidth (Fraction), each node has place or
        None."""
        graph: nx.DiGraph = nx.DiGraph()
        graph.add_nodes_from((name, {"place": self.place_of.get(name)}) for name in self.nodes)
        graph.add_edges_from(
            (a, b, {"latency_ps": ps, "bandwidth": rate})
            for (a, b), ps, rate in zip(self.links, self.latency_ps.tolist(), self.bandwidth, strict=True)
        )
        return graph

    def pair_numbers(self) -> np.ndarray:
        """int64[n]: one link for each two neighbours, the one from the lower number where both directions are there."""
        back = self.adjacency.link(self.dst, self.src)
        return np.flatnonzero((self.src < self.dst) | (back < 0))

    def pairs(self) -> list[tuple[str, str]]:
        """(a, b) of each two neighbours, once, the one that comes first in endpoint order first."""
        return [self.links[i] for i in self.pair_numbers().tolist()]

    # ---- routes

    @cached_property
    def rule(self) -> Routing:
        """The routing, bound to this network."""
        return routings.find(self.routing)(self)

    @property
    def ways(self) -> int:
        """Equally short ways that messages are spread over; 1: each pair has one route."""
        return self.rule.ways if self.spread != "none" else 1

    @cached_property
    def planes(self) -> int:
        """How many links endpoints send by at once: the ways part at the endpoint itself, as to switch planes."""
        if self.ways == 1 or self.endpoint_count < 2 or self.terminals is not None:
            return 1
        start, goal = np.arange(self.endpoint_count), np.roll(np.arange(self.endpoint_count), 1)
        first = [self.rule.step(start, goal, way) for way in range(self.ways)]
        return min(len(set(ways)) for ways in np.stack(first, axis=1).tolist())

    def link_route(self, source: int, target: int, way: int = 0) -> list[int]:
        """Numbers of the links from one endpoint to another; empty from an endpoint to itself."""
        key = source, target, way
        if key not in self._paths:
            path = np.array(self.rule.path(source, target, way))
            self._paths[key] = self.adjacency.link(path[:-1], path[1:]).tolist()
        return self._paths[key]

    def route(self, source: int | str, target: int | str, way: int = 0) -> list[tuple[str, str]]:
        """The links, as (from, to), that lead from one endpoint to another; empty from an endpoint to itself.

        Args:
            source, target: endpoint numbers or names.
            way: which of the equally short ways, where messages are spread.
        """
        numbers = self.link_route(self.number(source), self.number(target), way)
        return [(self.nodes[self.src[i]], self.nodes[self.dst[i]]) for i in numbers]

    def routes(self, way: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """(start int64[E * E + 1], links int32): the links of the route of pair (s, t) are links[start[s * E +
        t]:...]."""
        count = self.endpoint_count
        pair = np.arange(count * count)
        here, goal = np.divmod(pair, count)
        pairs: list[np.ndarray] = []
        links: list[np.ndarray] = []
        while len(pair):
            moving = here != goal
            pair, here, goal = pair[moving], here[moving], goal[moving]
            there = self.rule.step(here, goal, way)
            pairs.append(pair)
            links.append(self.adjacency.link(here, there))
            here = there
        of_pair, link = np.concatenate(pairs or [pair]), np.concatenate(links or [pair])
        order = np.argsort(of_pair, kind="stable")
        start = np.searchsorted(of_pair[order], np.arange(count * count + 1))
        return start.astype(np.int64), link[order].astype(np.int32)

    def hops(self, source: int | str, target: int | str) -> int:
        """Links on the route."""
        return len(self.link_route(self.number(source), self.number(target)))

    @cached_property
    def distance(self) -> np.ndarray:
        """uint16[endpoints, endpoints]: links on the route from the row's endpoint to the column's."""
        if self._regular and self.terminals is None:
            grid = self.in_grid
            total = np.zeros((self.endpoint_count,) * 2, np.uint16)
            places = grid.at.T.astype(np.int16 if max(grid.dims) < 1 << 15 else np.int64)  # pairs are many
            for at, length in zip(places, grid.dims, strict=True):
                gap = np.subtract.outer(at, at)
                np.abs(gap, out=gap)
                if grid.wraps:
                    np.minimum(gap, length - gap, out=gap)
                np.add(total, gap, out=total, casting="unsafe")
            return total
        start, _ = self.routes()
        return np.diff(start).reshape(self.endpoint_count, -1).astype(np.uint16)

    @property
    def _regular(self) -> bool:
        """Dimension order on a grid of which nothing is missing: distances are sums of distances along the axes."""
        return self.whole and self.grid is not None and self.rule.grid

    @property
    def diameter(self) -> int:
        """The most links on a route; in closed form on whole grids."""
        if self._regular:
            grid = self.in_grid
            most = sum(k // 2 if grid.wraps and k > 2 else k - 1 for k in grid.dims)
            return most + (0 if self.terminals is None else 2 * (self.endpoint_count > 1))
        return int(self.distance.max(initial=0))

    def bisection(self) -> int:
        """Links (each pair of neighbours once) cut by the narrowest straight halving of the network.

        A grid is cut across each axis in the middle (an odd axis on either side of its middle row); anything else
        between the first and the second half of the endpoints in their order.
        """
        a, b = (ends[self.pair_numbers()] for ends in (self.src, self.dst))
        halves = [np.arange(self.node_count) < self.endpoint_count // 2]
        if self.grid is not None:
            at = np.full((self.node_count, len(self.grid.dims)), -1)
            at[self.first_router :] = self.grid.at
            if self.terminals is not None:
                at[: self.endpoint_count] = at[self.terminals]
            halves = [
                at[:, axis] < middle
                for axis, length in enumerate(self.grid.dims)
                if length > 1
                for middle in {length // 2, (length + 1) // 2}
            ]
        return min((int((half[a] != half[b]).sum()) for half in halves), default=0)

    def unused(self) -> np.ndarray:
        """int64: links that lie on no route of any way."""
        used = np.zeros(len(self.src), bool)
        for way in range(self.ways):
            used[self.routes(way)[1]] = True
        return np.flatnonzero(~used)
