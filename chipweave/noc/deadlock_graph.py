"""Channel dependencies of a routed network: who holds which VC of which link while asking for which.

A packet that has reached router B over link a, on VCs of one *kind*, and is routed to link b there, makes the
dependency (a, kind) -> (b, kind'). Kinds are what routing tells apart: the two halves of the VCs on a torus with
datelines, escape and adaptive VCs under adaptive routing, else one. Walked for all destinations at once, over states
(link, kind, destination) that packets can really reach, starting at every endpoint.
"""

import numpy as np

from chipweave.errors import BadInput

CHUNK = 1 << 24  # states looked at in one go
ESCAPE, ADAPTIVE = 0, 1


class Walk:
    """The dependencies of `network` (chipweave.noc.routing.Network).

    Attributes:
        kinds: 1, or 2 with datelines (low, high half) and under adaptive routing (escape, adaptive).
        edges: int64[n, 4], rows (link, kind, next link, next kind), each once.
        first: int64[n, 3], rows (endpoint, link, kind): what a packet asks for first.
        last: int64[n, 3], rows (link, kind, endpoint): what it holds when it asks for its ejection port.
    """

    def __init__(self, network):
        self.network = network
        self.kinds = 1 if network.phase is None and network.minimal is None else 2
        self.out = np.full((network.routers, 64), -1, np.int64)  # (router, port) -> link
        for i, link in enumerate(network.links):
            self.out[link.src, link.src_port] = i
        self.end = np.array([link.dst for link in network.links], np.int64)
        self.enters = np.array([link.dst_port for link in network.links], np.int64)
        self.seat = np.array([router for router, _ in network.seats], np.int64)
        self.seat_port = np.array([port for _, port in network.seats], np.int64)
        edges, first, last = set(), set(), set()
        step = max(1, CHUNK // max(1, len(network.links) * self.kinds))
        for low in range(0, network.endpoints, step):
            self._walk(np.arange(low, min(low + step, network.endpoints)), edges, first, last)
        links = max(1, len(network.links))
        self.edges = _rows(edges, self.kinds, links, self.kinds)
        self.first, self.last = _rows(first, links, self.kinds), _rows(last, self.kinds, network.endpoints)

    def _walk(self, goals, edges, first, last):
        """All states whose destination is one of `goals`."""
        links, K, E = len(self.network.links), self.kinds, self.network.endpoints
        seen = np.zeros((max(1, links), K, len(goals)), bool)
        ends, column = (a.ravel() for a in np.meshgrid(np.arange(E), np.arange(len(goals)), indexing="ij"))
        away = self.seat[ends] != self.seat[goals[column]]
        ends, column = ends[away], column[away]
        frontier = []
        for link, kind, at in self._choices(self.seat[ends], self.seat_port[ends], None, goals[column]):
            first.update(np.unique((ends[at] * links + link) * K + kind).tolist())
            frontier.append((link, kind, column[at]))
        while frontier:
            link, kind, column = (np.concatenate([f[i] for f in frontier]) for i in range(3))
            frontier = []
            state = np.unique((link * K + kind) * len(goals) + column)
            state = state[~seen.reshape(-1)[state]]
            if not state.size:
                break
            seen.reshape(-1)[state] = True
            held, column = np.divmod(state, len(goals))
            link, kind = np.divmod(held, K)
            there = self.seat[goals[column]] == self.end[link]
            last.update(np.unique(held[there] * E + goals[column[there]]).tolist())
            link, kind, held, column = link[~there], kind[~there], held[~there], column[~there]
            for onward, then, at in self._choices(self.end[link], self.enters[link], kind, goals[column]):
                edges.update(np.unique(held[at] * (links * K) + onward * K + then).tolist())
                frontier.append((onward, then, column[at]))

    def _choices(self, router, port_in, kind, goal):
        """[(next link, its kind, which rows of the arguments)] of heads at input ports; `kind` None: at an endpoint."""
        net, rows = self.network, np.arange(len(router))
        port = net.table[router, goal].astype(np.int64)
        if net.phase is not None:
            turns = np.ones(len(router), bool) if kind is None else net.dims[router, port_in] != net.dims[router, port]
            port = np.where(turns, port, port_in ^ 1)
            half = net.phase[router, goal].astype(np.int64)
            half = half if kind is None else np.where(turns, half, kind)
            either = rows[turns & net.tie[router, goal]]
            return [
                self._link(router, port, goal, half, rows),
                self._link(router[either], port[either] ^ 1, goal[either], half[either], either),
            ]
        found = [self._link(router, port, goal, np.zeros(len(router), np.int64), rows)]
        if net.minimal is not None:  # who has taken the escape VC stays on it
            free = rows if kind is None else rows[kind == ADAPTIVE]
            ways = net.minimal[router[free], goal[free]]
            for p in range(int(net.ports.max())):
                at = free[(ways >> np.uint64(p) & np.uint64(1)).astype(bool)]
                found.append(self._link(router[at], np.full(len(at), p), goal[at], np.full(len(at), ADAPTIVE), at))
        return found

    def _link(self, router, port, goal, kind, rows):
        link = self.out[router, port]
        if (link < 0).any():
            at = int(np.flatnonzero(link < 0)[0])
            raise BadInput(
                f"flit network {self.network.name}: router {router[at]} sends packets for endpoint {goal[at]} "
                f"out of port {port[at]}, where no link is"
            )
        return link, kind, rows


def _rows(codes, *sizes):
    """int64[n, len(sizes) + 1]: mixed-radix numbers taken apart, in order; `sizes` are the radices of all but the first digit."""
    digits, rest = [], np.array(sorted(codes), np.int64)
    for size in reversed(sizes):
        rest, digit = np.divmod(rest, size)
        digits.append(digit)
    return np.stack([rest, *reversed(digits)], axis=1)
