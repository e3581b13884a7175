"""Networks of routers and their routing tables: what the flit kernel and its plain twin are told.

A `Network` is directed links between router ports, endpoints seated at router ports, and for each (router, endpoint)
an output port. Port numbers matter: arbiters walk them in order, so they follow the numbering of BookSim 2
(grids: 2d = up dimension d, 2d + 1 = down, last = local; irregular: endpoints first, then neighbours ascending).
"""

import heapq
import itertools
from dataclasses import dataclass, field

import numpy as np

from chipweave.errors import BadInput


@dataclass(frozen=True)
class Link:
    """One direction: output port of a router to input port of another. Latency in cycles, for flits and for the
    credits that come back; `interval` = cycles one flit takes on the wire (1 = a flit every cycle)."""

    src: int
    src_port: int
    dst: int
    dst_port: int
    latency: int = 1
    interval: int = 1


@dataclass
class Network:
    """Routers, links, endpoints and routes.

    ports     int[R]: ports per router, unused edge ports included
    seats     list of (router, port), one per endpoint
    table     uint8[R, E]: output port towards the endpoint
    phase     bool[R, E] or None: which half of the VCs a packet takes when it turns into the dimension (datelines)
    tie       bool[R, E] or None: both directions are equally short; a coin may choose port or port ^ 1
    dims      int8[R, P] or None: dimension a port belongs to (needed with phase)
    minimal   uint64[R, E] or None: bit set of ports on shortest paths; then VC 0 of each class is the escape VC
    radices   lengths of a grid's dimensions, in the order in which they are travelled; empty: no grid
    places    int[E, n]: place of each endpoint in those dimensions; None: dimension 0 is fastest in the numbering
    router_names, endpoint_names   what people call them; empty: numbers
    """

    ports: np.ndarray
    links: list
    seats: list
    table: np.ndarray
    phase: np.ndarray | None = None
    tie: np.ndarray | None = None
    dims: np.ndarray | None = None
    minimal: np.ndarray | None = None
    seat_latency: int = 1
    name: str = ""
    radices: tuple = field(default_factory=tuple)
    places: np.ndarray | None = None
    router_names: tuple = ()
    endpoint_names: tuple = ()

    def endpoint_name(self, e):
        return self.endpoint_names[e] if self.endpoint_names else f"endpoint {e}"

    def port_name(self, router, port):
        """What an output port leads to, in words: "die[0][0] -> die[0][1]", or "die[0][0] -> endpoint 3"."""

        def named(r):
            return self.router_names[r] if self.router_names else f"router {r}"

        if (router, port) in self.seats:
            return f"{named(router)} -> {self.endpoint_name(self.seats.index((router, port)))}"
        return f"{named(router)} -> {named(self.wires()[router, port].dst)}"

    @property
    def routers(self):
        return len(self.ports)

    @property
    def endpoints(self):
        return len(self.seats)

    def wires(self):
        """{(router, output port): Link} of every link between routers."""
        return {(link.src, link.src_port): link for link in self.links}


def grid(radices, wrap=False, latency=None, routing="dor", name=""):
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
    strides = np.cumprod((1,) + radices[:-1])
    place = np.arange(routers)[:, None] // strides % np.array(radices)
    links = []
    for router, (dim, k), step in itertools.product(range(routers), enumerate(radices), (1, -1)):
        there = place[router, dim] + step
        if k > 1 and (wrap or 0 <= there < k):
            port = 2 * dim + (step < 0)
            links.append(
                Link(router, port, router + int((there % k - place[router, dim]) * strides[dim]), port ^ 1, latency)
            )
    table = np.full((routers, routers), 2 * n, np.uint8)
    minimal = np.zeros((routers, routers), np.uint64) if routing == "min_adapt" else None
    phase = np.zeros((routers, routers), bool) if wrap else None
    tie = np.zeros((routers, routers), bool) if wrap else None
    for low in range(0, routers, 256):  # by rows: whole tables of 16,384 routers in wider types would be gigabytes
        rows = slice(low, low + 256)
        for dim in reversed(range(n)):
            k, here, goal = radices[dim], place[rows, dim][:, None], place[:, dim][None, :]
            differ = here != goal
            ahead = (goal - here) % k
            up = (2 * ahead <= k) if wrap else (goal > here)
            table[rows][differ] = np.where(up, np.uint8(2 * dim), np.uint8(2 * dim + 1))[differ]
            if wrap:
                phase[rows][differ] = (here > goal)[differ]
                tie[rows][differ] = (2 * ahead == k)[differ]
            if minimal is not None:
                minimal[rows][differ] |= np.where(up, np.uint64(1 << 2 * dim), np.uint64(2 << 2 * dim))[differ]
    dims = np.tile(np.array([p // 2 for p in range(2 * n)] + [-1], np.int8), (routers, 1))
    return Network(
        np.full(routers, 2 * n + 1),
        links,
        [(r, 2 * n) for r in range(routers)],
        table,
        phase,
        tie,
        dims,
        minimal,
        name=name or f"{'torus' if wrap else 'mesh'}_{'x'.join(map(str, radices))}",
        radices=radices,
    )


def irregular(routers, edges, seats=None, next_router=None, name=""):
    """Any graph: `edges` = {(router, router): latency or (latency, interval)}, one direction each.

    `seats` = router of each endpoint (default: endpoint i at router i). Routes are `next_router[router][endpoint]`
    (given tables) or shortest paths by latency: nearest router first, then smallest number; a path is replaced only
    by a strictly shorter one.
    """
    seats = list(range(routers)) if seats is None else list(seats)
    edges = {pair: (cost if isinstance(cost, tuple) else (cost, 1)) for pair, cost in edges.items()}
    local = [[e for e, r in enumerate(seats) if r == router] for router in range(routers)]
    out = [sorted(b for a, b in edges if a == router) for router in range(routers)]
    into = [sorted(a for a, b in edges if b == router) for router in range(routers)]
    ports = np.array([len(local[r]) + max(len(out[r]), len(into[r])) for r in range(routers)])
    if ports.max() > 64:
        raise BadInput(f"router {int(ports.argmax())} has {ports.max()} ports; the most is 64")
    links = [
        Link(a, len(local[a]) + out[a].index(b), b, len(local[b]) + into[b].index(a), *edges[a, b])
        for a, b in sorted(edges)
    ]
    table = np.zeros((routers, len(seats)), np.uint8)
    for router in range(routers):
        first = None if next_router is not None else first_hops(router, out, edges)
        for endpoint, goal in enumerate(seats):
            if goal == router:
                table[router, endpoint] = local[router].index(endpoint)
                continue
            step = next_router[router][endpoint] if first is None else first.get(goal)
            if step not in out[router]:
                raise BadInput(
                    f"no route from router {router} to endpoint {endpoint}"
                    + (f": router {step} is no neighbour" if step is not None else "")
                )
            table[router, endpoint] = len(local[router]) + out[router].index(step)
    return Network(ports, links, [(r, local[r].index(e)) for e, r in enumerate(seats)], table, name=name)


def first_hops(start, out, edges):
    """{router: first router on the way to it} by Dijkstra over latencies, ties as `irregular` says."""
    distance, first, done, queue = {start: 0}, {}, set(), [(0, start)]
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
