"""A network of a topology under `link_model: flit`: links, ports, routes and routers in cycles and flits.

    clock     one flit a cycle on the fastest link: bandwidth / flit, unless written
    latency   of a link in cycles, to the nearest, halves up, at least 1
    interval  cycles a flit takes on a slower link: the ratio to the fastest, rounded up
    depth     of a VC: the credit loop of the slowest link to answer, unless written (8 flits on a bare network)

Edge n of the clock is at round(n * 1e12 / clock) ps. Routes are those of every other link model.
"""

from dataclasses import dataclass, field, fields, replace
from fractions import Fraction

import numpy as np

from chipweave.errors import BadInput, Place
from chipweave.noc import deadlock, routing
from chipweave.noc import routes as graph_routes
from chipweave.noc.router import Router
from chipweave.noc.shapes import GRIDS

BARE_DEPTH = 8  # flits: that of the BookSim 2 reference
TRAFFIC = ("request", "reply")  # what a network of parts carries, as far as its topology alone tells
PS = 10**12


@dataclass(frozen=True, eq=False)
class FlitNetwork:
    """What the flit kernel and its twin are told of one network.

    network: chipweave.noc.routing.Network; router: chipweave.noc.router.Router, its `vc_classes` one per traffic and range.
    clock: Fraction Hz; flit_bytes, max_packet: bytes; traffic: classes of messages that must not share VCs.
    message_vcs: VCs a message keeps to, 0: all of its traffic. links: for each link of the topology its (router, port).
    skip: whether the kernel looks for whole periods to advance by. written: where the routes are chosen, for messages.
    """

    name: str
    network: routing.Network
    router: Router
    clock: Fraction
    flit_bytes: int
    max_packet: int
    traffic: int
    message_vcs: int
    links: tuple
    names: dict = field(default_factory=dict)
    allow_deadlock: bool = False
    skip: bool = True
    written: Place = Place()

    @property
    def ranges(self):
        """Ranges of VCs per traffic class; messages take them in turn."""
        return self.router.vc_classes // self.traffic

    @property
    def packet_flits(self):
        """The most flits of a packet."""
        return max(1, min(self.max_packet // self.flit_bytes, 2**31 - 1))

    def with_traffic(self, classes):
        """The same network with so many classes of messages; BadInput where the VCs do not suffice."""
        ranges = 1
        if self.message_vcs:
            if self.router.vcs % (classes * self.message_vcs):
                raise BadInput(
                    f"network {self.name}: {self.router.vcs} VCs are no equal ranges of message_vcs = {self.message_vcs} "
                    f"for {classes} classes of messages; vcs must be a multiple of {classes * self.message_vcs}"
                )
            ranges = self.router.vcs // (classes * self.message_vcs)
        elif self.router.vcs % classes:
            raise BadInput(
                f"network {self.name}: {self.router.vcs} VCs cannot be shared out to {classes} classes of messages"
            )
        return replace(self, traffic=classes, router=replace(self.router, vc_classes=classes * ranges))

    def prove(self, replies=(), names=()):
        """Deadlock freedom, or BadInput with the cycle; `replies` are pairs of traffic classes, `names` their names.

        Returns the cycle in words where `allow_deadlock` let one through, else "".
        """
        apart = self.ranges
        pairs = [(a * apart, b * apart) for a, b in replies]
        classes = [names[c // apart] if names else f"class {c // apart}" for c in range(self.router.vc_classes)]
        return deadlock.prove(
            self.network, self.router, pairs, self.allow_deadlock, self.names | {"classes": classes}, self.written
        )

    def credit_loop(self, latency):
        """Cycles from a body flit's switch grant until its slot can be granted again, over a link of `latency` cycles."""
        return self.router.st_delay + 2 * latency + self.router.credit_delay + 2

    def share(self):
        """Of the bandwidth, what one message reaches on the link that needs the most buffer: (share, loop in flits).

        A message keeps to `message_vcs` VCs, each of which has `vc_depth` flits and loses routing and VC allocation
        between packets: min(1, n depth / loop, n S / (S + R + VA)).
        """
        loop = max((-(-self.credit_loop(k.latency) // k.interval) for k in self.network.links), default=1)
        width = self.router.vcs // self.router.vc_classes
        width = (width + 1) // 2 if self.network.phase is not None else width
        size, turn = self.packet_flits, self.router.routing_delay + self.router.vc_alloc_delay
        return min(Fraction(1), Fraction(width * self.router.vc_depth, loop), Fraction(width * size, size + turn)), loop

    def warnings(self):
        """In words, where buffers are smaller than the credit loop and what that costs."""
        share, loop = self.share()
        if self.router.vc_depth >= loop or share == 1:
            return []
        held = self.router.vc_depth * self.flit_bytes
        return [
            f"network {self.name}: a VC buffers {self.router.vc_depth} flits ({held:,} B), the credit loop of its links is {loop} flits "
            f"({loop * self.flit_bytes:,} B): a message reaches at most {float(share):.1%} of the bandwidth"
        ]


def of(network, traffic=None):
    """The `FlitNetwork` of a chipweave.noc.graph_network.Network; classes of messages are the router's vc_classes, else `traffic`, else 2 on
    a network of parts (requests and replies apart), 1 on a bare one."""
    given = network.router
    fastest = max((Fraction(e["bandwidth"]) for _, _, e in network.graph.edges(data=True)), default=None)
    clock = given.clock or (fastest / given.flit if fastest else Fraction(10**9))
    if fastest and clock * given.flit < fastest:
        raise BadInput(
            f"network {network.name}: a flit of {given.flit} B a cycle of {float(clock):.6g} Hz is "
            f"{float(clock * given.flit):.6g} B/s, less than the bandwidth of its links, {float(fastest):.6g} B/s; "
            "leave clock out, or widen the flit"
        )
    edges = {
        (network.rank[a], network.rank[b]): _cycles(e, clock, given.flit) for a, b, e in network.graph.edges(data=True)
    }
    made = (
        _grid(network, edges)
        if network.shape in GRIDS and network.whole and network.routing in ("xy", "yx")
        else _irregular(network, edges)
    )
    ports = {(k.src, k.dst): (k.src, k.src_port) for k in made.links}
    links = tuple(ports[network.rank[a], network.rank[b]] for a, b in network.links)
    names = {"links": _link_names(network, made), "endpoints": list(network.endpoints)}
    made.router_names, made.endpoint_names = tuple(map(str, network.graph.nodes)), tuple(map(str, network.endpoints))
    classes = given.vc_classes or traffic or (len(TRAFFIC) if network.port else 1)
    spec = FlitNetwork(
        network.name,
        made,
        _router(given, 1),
        clock,
        given.flit,
        given.max_packet,
        1,
        given.message_vcs,
        links,
        names,
        network.allow_deadlock,
        bool(given.skip),
        network.written,
    )
    if given.vc_depth is None:
        depth = (
            BARE_DEPTH
            if not network.port
            else min(32767, max((spec.credit_loop(k.latency) for k in made.links), default=1))
        )
        spec = replace(spec, router=replace(spec.router, vc_depth=depth))
    return spec.with_traffic(classes)


def check(network):
    """Prove deadlock freedom of a chipweave.noc.graph_network.Network as its topology alone tells: requests are answered on a network
    of parts. Returns warnings in words; BadInput where it can deadlock or its parameters do not go together."""
    spec = of(network)
    replies = ((0, min(1, spec.traffic - 1)),) if network.port else ()
    cycle = spec.prove(replies, TRAFFIC if network.port and spec.traffic == 2 else ())
    return spec.warnings() + ([f"network {network.name}: allow_deadlock lets through that {cycle}"] if cycle else [])


def _cycles(edge, clock, flit):
    """(latency, interval) of a link in cycles."""
    latency = int(edge["latency_ps"] * clock / PS + Fraction(1, 2))
    return max(1, latency), max(1, -int(-(clock * flit) // Fraction(edge["bandwidth"])))


def _router(given, classes):
    """The Router of the network's checked parameters; BadInput where some do not go together."""
    names = {f.name for f in fields(Router)}
    values = {name: getattr(given, name) for name in given.params if name in names and getattr(given, name) is not None}
    return Router.of(values | {"vc_classes": classes})


def _link_names(network, made):
    by_rank = list(network.graph.nodes)
    return [f"{by_rank[k.src]} -> {by_rank[k.dst]}" for k in made.links]


def _grid(network, edges):
    """Ports 2j up and 2j + 1 down the j-th axis travelled, 2n local: BookSim 2's numbers where x is travelled first."""
    axes = (1, 0) if network.routing == "xy" and len(network.dims) > 1 else tuple(range(len(network.dims)))
    places = np.array([network.place_of[name] for name in network.graph.nodes])
    n, count = len(axes), len(places)
    wrapped = [network.shape == "torus" and network.dims[axis] > 2 for axis in axes]
    links = []
    for (a, b), (latency, interval) in edges.items():
        j = next(j for j, axis in enumerate(axes) if places[a][axis] != places[b][axis])
        step = int(places[b][axes[j]] - places[a][axes[j]])
        port = 2 * j + (step % network.dims[axes[j]] != 1 if wrapped[j] else step < 0)
        links.append(routing.Link(a, port, b, port ^ 1, latency, interval))
    table, phase, tie = (
        np.full((count, count), 2 * n, np.uint8),
        np.zeros((count, count), bool),
        np.zeros((count, count), bool),
    )
    for j in reversed(range(n)):
        k, here, goal = network.dims[axes[j]], places[:, axes[j]][:, None], places[:, axes[j]][None, :]
        differ = here != goal
        ahead = (goal - here) % k
        up = 2 * ahead <= k if wrapped[j] else goal > here
        table[differ] = np.where(up, 2 * j, 2 * j + 1).astype(np.uint8)[differ]
        phase[differ] = (wrapped[j] & (here > goal))[differ]
        tie[differ] = (wrapped[j] & (2 * ahead == k))[differ]
    dims = np.tile(np.array([p // 2 for p in range(2 * n)] + [-1], np.int8), (count, 1))
    lines = any(wrapped)
    return routing.Network(
        np.full(count, 2 * n + 1),
        links,
        [(r, 2 * n) for r in range(count)],
        table,
        phase if lines else None,
        tie if lines else None,
        dims if lines else None,
        name=network.name,
        radices=tuple(network.dims[a] for a in axes),
    )


def _irregular(network, edges):
    """Any other graph, by the routes that the topology gives for each pair."""
    names = list(network.graph.nodes)
    steps = [[None] * len(network.endpoints) for _ in names]
    for r, name in enumerate(names):
        for e, goal in enumerate(network.endpoints):
            try:
                path = graph_routes.path(network, name, goal) if name != goal else [name]
            except graph_routes.Unroutable:
                path = [name, name]  # no route leads through here
            steps[r][e] = network.rank[path[1]] if len(path) > 1 else r
    return routing.irregular(len(names), edges, [network.rank[e] for e in network.endpoints], steps, name=network.name)
