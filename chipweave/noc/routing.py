"""Networks of routers and their routing tables: what the flit kernel and its plain twin read.

A `RouterGraph` is directed links between router ports, endpoints at router ports, and for each (router, endpoint)
an output port. Port numbers matter: arbiters walk them in order, so they follow the numbering of BookSim 2
(grids: 2d = up dimension d, 2d + 1 = down, last = local; irregular: endpoints first, then neighbours ascending).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, overload

import numpy as np

from chipweave.errors import BadInput
from chipweave.io.native import lib

MAX_PORTS = 64  # of a router of the kernel
TABLE_ROUTERS = 1024  # up to here a grid has tables of all pairs beside its rule, for the twin and the general proof
MAX_RADIX = 8192  # routers along a dimension: its turns are then 64 MiB
PORT, HALF, TIE = lib.NOC_ENTRY_PORT, lib.NOC_ENTRY_HALF, lib.NOC_ENTRY_TIE  # parts of an entry
HERE = lib.NOC_ENTRY_HERE  # in a turn table: the coordinates are equal


@dataclass(frozen=True)
class Link:
    """One direction: output port of a router to input port of another. Latency in cycles, for flits and for the
    credits that come back; `interval` = cycles one flit takes on the wire (1 = a flit every cycle), a Fraction where
    it is no whole number: kept exactly in the mean."""

    src: int
    src_port: int
    dst: int
    dst_port: int
    latency: int = 1
    interval: int | Fraction = 1


class LinkList(Sequence[Link]):
    """Links as rows of an array: int32[n, 7], (src, src_port, dst, dst_port, latency, interval numerator,
    denominator)."""

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = np.ascontiguousarray(rows, np.int32).reshape(-1, 7)

    @classmethod
    def of(cls, links: Iterable[Link]) -> LinkList:
        """From single links."""
        rows = [
            (k.src, k.src_port, k.dst, k.dst_port, k.latency, *Fraction(k.interval).as_integer_ratio()) for k in links
        ]
        return cls(np.array(rows, np.int32))

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, i: int) -> Link: ...
    @overload
    def __getitem__(self, i: slice) -> LinkList: ...
    def __getitem__(self, i: int | slice) -> Link | LinkList:
        return LinkList(self.rows[i]) if isinstance(i, slice) else self._link(self.rows[i].tolist())

    def __iter__(self) -> Iterator[Link]:
        return map(self._link, self.rows.tolist())

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    @staticmethod
    def _link(row: list[int]) -> Link:
        src, src_port, dst, dst_port, latency, above, below = row
        return Link(src, src_port, dst, dst_port, latency, above if below == 1 else Fraction(above, below))


@dataclass(frozen=True)
class Turns:
    """Dimension order as small tables: one a dimension, in order of travel, in place of a table of all pairs.

    radices, strides: length of each dimension, and by how much a router's number grows along it.
    entries: uint8[k, k] of each dimension by (coordinate of router, of endpoint): output port in bits 0-5, bit 6 the
        dateline half, bit 7 both directions are equally short; HERE where the coordinates are equal.
    here: port of the endpoint at its own router.
    """

    radices: tuple[int, ...]
    strides: tuple[int, ...]
    entries: tuple[np.ndarray, ...]
    here: int

    @classmethod
    def of(cls, radices: Sequence[int], strides: Sequence[int], wraps: Sequence[bool]) -> Turns:
        """The shorter way along each dimension, at equal lengths up; `wraps`: which dimensions are closed."""
        if max(radices, default=0) > MAX_RADIX:
            k = max(radices)
            raise BadInput(
                f"a dimension of {k:,} routers needs {k * k / 2**30:,.1f} GiB for its turns; at most {MAX_RADIX:,}"
            )
        entries = []
        for d, (k, wrap) in enumerate(zip(radices, wraps, strict=True)):
            here, goal = np.arange(k)[:, None], np.arange(k)[None, :]
            ahead = (goal - here) % k
            up = 2 * ahead <= k if wrap else goal > here
            entry = np.where(up, 2 * d, 2 * d + 1).astype(np.uint8)
            if wrap:
                entry |= ((here > goal) * HALF | (2 * ahead == k) * TIE).astype(np.uint8)
            entry[here == goal] = HERE
            entries.append(np.ascontiguousarray(entry))
        return cls(tuple(map(int, radices)), tuple(map(int, strides)), tuple(entries), 2 * len(entries))

    def coordinates(self, numbers: np.ndarray) -> list[np.ndarray]:
        """Of routers, one array a dimension."""
        return [numbers // stride % k for k, stride in zip(self.radices, self.strides, strict=True)]

    def table(self, routers: int) -> np.ndarray:
        """uint8[routers, routers]: the entries of all pairs."""
        table, at = np.full((routers, routers), self.here, np.uint8), self.coordinates(np.arange(routers))
        for entry, place in reversed(list(zip(self.entries, at, strict=True))):
            wide = entry[np.ix_(place, place)]
            np.copyto(table, wide, where=wide != HERE)
        return table


@dataclass
class RouterGraph:
    """Routers, links, endpoints and routes.

    ports     int[R]: ports per router, unused edge ports included
    links     LinkList, or any links
    terminals     list of (router, port), one per endpoint
    table     uint8[R, E]: output port towards the endpoint; None on a large grid, which has `turns` alone
    phase     bool[R, E] or None: which half of the VCs a packet takes when it turns into the dimension (datelines)
    tie       bool[R, E] or None: both directions are equally short; a tie break may choose port or port ^ 1
    dims      int8[R, P] or None: dimension a port belongs to (needed with phase)
    minimal   uint64[R, E] or None: bit set of ports on shortest paths; then VC 0 of each class is the escape VC
    turns     dimension order as small tables, or None
    ways, spread   columns of `table` for each endpoint: endpoint e by way w is column e + w * E
    radices, strides   of a grid: lengths in order of travel, and how numbers grow along them
    terminal_latency   cycles of injection and ejection wires, one for all or one an endpoint
    places    int[E, n]: place of each endpoint in those dimensions; None: dimension 0 is fastest in the numbering
    router_names, endpoint_names   what people call them; empty: numbers
    """

    ports: np.ndarray
    links: LinkList
    terminals: list[tuple[int, int]]
    table: np.ndarray | None
    phase: np.ndarray | None = None
    tie: np.ndarray | None = None
    dims: np.ndarray | None = None
    minimal: np.ndarray | None = None
    terminal_latency: int | np.ndarray = 1
    name: str = ""
    radices: tuple[int, ...] = field(default_factory=tuple)
    places: np.ndarray | None = None
    router_names: tuple[str, ...] = ()
    endpoint_names: tuple[str, ...] = ()
    turns: Turns | None = None
    strides: tuple[int, ...] = ()
    ways: int = 1
    spread: str = "none"

    def __post_init__(self) -> None:
        if not isinstance(self.links, LinkList):
            self.links = LinkList.of(self.links)
        if self.radices and not self.strides:
            self.strides = tuple(int(x) for x in np.cumprod((1, *self.radices[:-1])))

    def endpoint_name(self, e: int) -> str:
        """What people call an endpoint."""
        return self.endpoint_names[e] if self.endpoint_names else f"endpoint {e}"

    def router_name(self, r: int) -> str:
        """What people call a router."""
        return self.router_names[r] if self.router_names else f"router {r}"

    def port_name(self, router: int, port: int) -> str:
        """What an output port leads to, in words: "die[0][0] -> die[0][1]", or "die[0][0] -> endpoint 3"."""
        if (router, port) in self.terminals:
            return f"{self.router_name(router)} -> {self.endpoint_name(self.terminals.index((router, port)))}"
        return f"{self.router_name(router)} -> {self.router_name(self.wires()[router, port].dst)}"

    @property
    def routers(self) -> int:
        """Number of routers."""
        return len(self.ports)

    @property
    def endpoints(self) -> int:
        """Number of endpoints."""
        return len(self.terminals)

    def terminal_latencies(self) -> list[int]:
        """Cycles of the injection and ejection wires of each endpoint."""
        return np.broadcast_to(self.terminal_latency, len(self.terminals)).tolist()

    def wires(self) -> dict[tuple[int, int], Link]:
        """{(router, output port): Link} of every link between routers."""
        return {(link.src, link.src_port): link for link in self.links}


def grid(
    radices: Sequence[int], wrap: bool = False, latency: int | None = None, routing: str = "dor", name: str = ""
) -> RouterGraph:
    """k-ary n-cube, one endpoint a router: mesh, or torus with `wrap`. Dimension 0 is fastest in the numbering.

    Latency defaults to 1 (mesh) and 2 (torus), as in BookSim 2 with use_noc_latency. Routing `dor` (lowest dimension
    first; on a torus the shorter way with datelines) or, on a mesh, `min_adapt` (minimal adaptive, dor on VC 0).
    """
    radices = tuple(int(k) for k in radices)
    if not radices or min(radices) < 1 or len(radices) > 8:
        raise BadInput(f"grid of {radices}: 1 to 8 dimensions of 1 or more routers")
    if routing not in ("dor", "dim_order", "min_adapt") or (wrap and routing == "min_adapt"):
        raise BadInput(
            f"routing {routing!r} on a {'torus' if wrap else 'mesh'}; allowed: dor{'' if wrap else ', min_adapt'}"
        )
    routers, n = int(np.prod(radices)), len(radices)
    latency = latency or (2 if wrap else 1)
    strides = np.cumprod((1, *radices[:-1]))
    numbers = np.arange(routers)
    rows = []
    for dim, k in enumerate(radices):
        at = numbers // strides[dim] % k
        for step in (1, -1):
            some = numbers[(k > 1) & (wrap | ((at + step >= 0) & (at + step < k)))]
            there = some + ((at[some] + step) % k - at[some]) * strides[dim]
            port = 2 * dim + (step < 0)
            rows.append(np.stack([some, *np.broadcast_arrays(port, there, port ^ 1, latency, 1, 1)], axis=1))
    order = np.concatenate(rows) if rows else np.empty((0, 7), np.int64)
    order = order[np.lexsort([order[:, 1], order[:, 0]])]
    turns = Turns.of(radices, strides.tolist(), [wrap] * n)
    return of_turns(
        turns,
        LinkList(order),
        [wrap] * n,
        routing == "min_adapt",
        name=name or f"{'torus' if wrap else 'mesh'}_{'x'.join(map(str, radices))}",
    )


def of_turns(
    turns: Turns, links: LinkList, wraps: Sequence[bool], adaptive: bool = False, name: str = ""
) -> RouterGraph:
    """A grid that is routed by `turns`: ports 2d up and 2d + 1 down dimension d, 2n local; tables where it is small."""
    routers, n = int(np.prod(turns.radices)), len(turns.radices)
    table = turns.table(routers) if routers <= TABLE_ROUTERS or adaptive else None
    lines = any(wraps)
    phase, tie = ((table & HALF) != 0, (table & TIE) != 0) if lines and table is not None else (None, None)
    return RouterGraph(
        np.full(routers, 2 * n + 1),
        links,
        [(r, 2 * n) for r in range(routers)],
        table & PORT if table is not None else None,
        phase,
        tie,
        np.tile(np.array([p // 2 for p in range(2 * n)] + [-1], np.int8), (routers, 1)),
        _minimal(turns, routers) if adaptive else None,
        name=name,
        radices=turns.radices,
        strides=turns.strides,
        places=np.stack(turns.coordinates(np.arange(routers)), axis=1),
        turns=None if adaptive else turns,
    )


def _minimal(turns: Turns, routers: int) -> np.ndarray:
    """uint64[routers, routers]: ports that lead nearer along some dimension."""
    minimal = np.zeros((routers, routers), np.uint64)
    for entry, at in zip(turns.entries, turns.coordinates(np.arange(routers)), strict=True):
        bit = np.where(entry == HERE, np.uint64(0), np.uint64(1) << (entry & PORT).astype(np.uint64))
        minimal |= bit[np.ix_(at, at)]
    return minimal


def irregular(
    routers: int,
    edges: dict[Any, Any],
    terminals: Any = None,
    next_router: list[list[int]] | None = None,
    name: str = "",
) -> RouterGraph:
    """Any graph: `edges` = {(router, router): latency or (latency, interval)}, one direction each.

    `terminals` = router of each endpoint (default: endpoint i at router i). Routes are `next_router[router][endpoint]`
    (given tables) or shortest paths by latency: nearest router first, then smallest number; a path is replaced only
    by a strictly shorter one.
    """
    terminals = np.array(range(routers) if terminals is None else list(terminals), np.int64)
    edges = {pair: (cost if isinstance(cost, tuple) else (cost, 1)) for pair, cost in edges.items()}
    pairs = np.array(sorted(edges), np.int64).reshape(-1, 2)
    cost = [edges[pair] for pair in map(tuple, pairs.tolist())]
    if next_router is None:
        out: list[list[int]] = [[] for _ in range(routers)]
        for a, b in pairs.tolist():
            out[a].append(b)
        hops = [first_hops(r, out, edges) for r in range(routers)]
        next_router = [
            [r if goal == r else hops[r].get(goal, -1) for goal in terminals.tolist()] for r in range(routers)
        ]
    latency = np.array([c[0] for c in cost], np.int64)
    ratio = np.array([Fraction(c[1]).as_integer_ratio() for c in cost], np.int64).reshape(-1, 2)
    step = np.array(next_router, np.int64).reshape(routers, len(terminals))
    return of_steps(routers, pairs, latency, ratio, terminals, step, name)


def of_steps(
    routers: int,
    pairs: np.ndarray,
    latency: np.ndarray,
    ratio: np.ndarray,
    terminals: np.ndarray,
    step: np.ndarray,
    name: str = "",
    minimal: np.ndarray | None = None,
    ways: int = 1,
    spread: str = "none",
) -> RouterGraph:
    """Any graph with the next router of each destination given. Ports: endpoints first, then neighbours ascending.

    pairs: int64[L, 2], directed links sorted; latency: int64[L] cycles; ratio: int64[L, 2], interval as a fraction.
    terminals: int64[E], router of each endpoint; step: int64[R, E * ways], the next router, -1 where none leads there.
    minimal: bool[L, R], whether a link leads nearer to a router (adaptive routing), or None.
    """
    count = len(terminals)
    local = np.bincount(terminals, minlength=routers)
    order = np.argsort(terminals, kind="stable")
    place = np.empty(count, np.int64)
    place[order] = np.arange(count) - np.searchsorted(terminals[order], terminals[order])
    src, dst = pairs[:, 0], pairs[:, 1]
    first_out = np.searchsorted(src, np.arange(routers + 1))
    into = np.lexsort([src, dst])
    first_in = np.searchsorted(dst[into], np.arange(routers + 1))
    rank_in = np.empty(len(pairs), np.int64)
    rank_in[into] = np.arange(len(pairs)) - first_in[dst[into]]
    ports = local + np.maximum(np.diff(first_out), np.diff(first_in))
    if ports.max(initial=0) > MAX_PORTS:
        raise TooManyPorts(int(ports.argmax()), int(ports.max()))
    out_port = local[src] + np.arange(len(pairs)) - first_out[src]
    rows = np.column_stack([src, out_port, dst, local[dst] + rank_in, latency, ratio])
    key, table = src * routers + dst, np.zeros((routers, count * ways), np.uint8)
    for router in range(routers):
        wanted = router * routers + step[router]
        at = np.minimum(np.searchsorted(key, wanted), max(0, len(key) - 1))
        own = np.tile(terminals == router, ways)
        good = own | ((key[at] == wanted) if len(key) else False)
        if not good.all():
            e = int(np.argmin(good))
            there = int(step[router, e])
            raise BadInput(
                f"no route from router {router} to endpoint {e % count}"
                + (f": router {there} is no neighbour" if there >= 0 else "")
            )
        table[router] = np.where(own, np.tile(place, ways), out_port[at] if len(key) else 0)
    sets = None
    if minimal is not None:
        sets = np.zeros((routers, count), np.uint64)
        bit = np.uint64(1) << out_port.astype(np.uint64)
        for link in range(len(pairs)):
            sets[src[link]] |= np.where(minimal[link][terminals], bit[link], np.uint64(0))
    return RouterGraph(
        ports,
        LinkList(rows),
        list(zip(terminals.tolist(), place.tolist(), strict=True)),
        table,
        minimal=sets,
        name=name,
        ways=ways,
        spread=spread,
    )


class TooManyPorts(BadInput):
    """A router with more ports than the kernel has."""

    def __init__(self, router: int, ports: int) -> None:
        super().__init__(f"router {router} has {ports} ports; the most is {MAX_PORTS}")
        self.router, self.ports = router, ports


def first_hops(start: int, out: list[list[int]], edges: dict[Any, Any]) -> dict[int, int]:
    """{router: first router on the way to it} by Dijkstra over latencies, ties as `irregular` says."""
    distance, queue = {start: 0}, [(0, start)]
    first: dict[int, int] = {}
    done: set[int] = set()
    while queue:
        far, here = heapq.heappop(queue)
        if here in done:
            continue
        done.add(here)
        for there in out[here]:
            further = far + edges[here, there][0]
            if further < distance.get(there, float("inf")):
                distance[there] = further
                first[there] = there if here == start else first[here]
                heapq.heappush(queue, (further, there))
    return first
