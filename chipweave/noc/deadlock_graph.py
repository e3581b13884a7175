"""Channel dependencies of a routed network: who holds which VC of which link while asking for which.

A packet that has reached router B over link a, on VCs of one *kind*, and is routed to link b there, makes the
dependency (a, kind) -> (b, kind'). Kinds are what routing tells apart: the two halves of the VCs on a torus with
datelines, escape and adaptive VCs under adaptive routing, else one. Walked for all destinations at once, over states
(link, kind, destination) that packets can really reach, starting at every endpoint.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.errors import BadInput

CHUNK = 1 << 24  # states looked at in one go
ESCAPE, ADAPTIVE = 0, 1


class Walk:
    """The dependencies of `network` (chipweave.noc.routing.RouterGraph).

    Attributes:
        kinds: 1, or 2 with datelines (low, high half) and under adaptive routing (escape, adaptive).
        edges: int64[n, 4], rows (link, kind, next link, next kind), each once.
        first: int64[n, 3], rows (endpoint, link, kind): what a packet asks for first.
        last: int64[n, 3], rows (link, kind, endpoint): what it holds when it asks for its ejection port.
    """

    def __init__(self, network: Any) -> None:
        self.network = network
        self.kinds = self.kinds_of(network)
        self.out = np.full((network.routers, 64), -1, np.int64)  # (router, port) -> link
        rows = network.links.rows.astype(np.int64)
        self.out[rows[:, 0], rows[:, 1]] = np.arange(len(rows))
        self.end, self.enters = rows[:, 2], rows[:, 3]
        self.terminal = np.array([router for router, _ in network.terminals], np.int64)
        self.terminal_port = np.array([port for _, port in network.terminals], np.int64)
        edges: set[int] = set()
        first: set[int] = set()
        last: set[int] = set()
        step = max(1, CHUNK // max(1, len(network.links) * self.kinds))
        columns = network.endpoints * network.ways
        for low in range(0, columns, step):
            self._walk(np.arange(low, min(low + step, columns)), edges, first, last)
        links = max(1, len(network.links))
        self.edges = _rows(edges, self.kinds, links, self.kinds)
        self.first, self.last = _rows(first, links, self.kinds), _rows(last, self.kinds, network.endpoints)

    def kinds_of(self, network: Any) -> Any:
        """How many kinds of VCs the routing tells apart."""
        return 1 if network.phase is None and network.minimal is None else 2

    def _walk(self, goals: np.ndarray, edges: set[Any], first: set[Any], last: set[Any]) -> None:
        """All states whose destination is one of `goals`."""
        links, K, E = len(self.network.links), self.kinds, self.network.endpoints
        seen = np.zeros((max(1, links), K, len(goals)), bool)
        ends, column = (a.ravel() for a in np.meshgrid(np.arange(E), np.arange(len(goals)), indexing="ij"))
        reached = self.terminal[goals % E]  # a destination stands once for each of its parallel ways
        away = self.terminal[ends] != reached[column]
        ends, column = ends[away], column[away]
        frontier = []
        for link, kind, at in self._choices(self.terminal[ends], self.terminal_port[ends], None, goals[column]):
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
            there = reached[column] == self.end[link]
            last.update(np.unique(held[there] * E + goals[column[there]] % E).tolist())
            link, kind, held, column = link[~there], kind[~there], held[~there], column[~there]
            for onward, then, at in self._choices(self.end[link], self.enters[link], kind, goals[column]):
                edges.update(np.unique(held[at] * (links * K) + onward * K + then).tolist())
                frontier.append((onward, then, column[at]))

    def _choices(
        self, router: np.ndarray, port_in: np.ndarray, kind: np.ndarray | None, goal: np.ndarray
    ) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
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

    def _link(
        self, router: np.ndarray, port: np.ndarray, goal: np.ndarray, kind: np.ndarray, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The links out of (router, port), and what follows; BadInput where the table leads out of
        a port without one.
        """
        link = self.out[router, port]
        if (link < 0).any():
            at = int(np.flatnonzero(link < 0)[0])
            raise BadInput(
                f"flit network {self.network.name}: router {router[at]} sends packets for endpoint {goal[at]} "
                f"out of port {port[at]}, where no link is"
            )
        return link, kind, rows


class TableWalk(Walk):
    """The same where each router has one output port for each destination: what a packet came by does not matter.

    Then the dependencies are, for each destination once, the links that follow one another on the way there, of those
    links that packets really use. Of adaptive routing it has the escape routes, which may be entered at any router.
    """

    def kinds_of(self, network: Any) -> Any:
        """A table tells none apart."""
        return 1

    def _walk(self, goals: Any, edges: Any, first: Any, last: Any) -> None:
        """Walk all routes to `goals` at once, link by link; which links follow which is put into `edges`."""
        net, links, count = self.network, len(self.network.links), self.network.endpoints
        column = np.arange(len(goals))
        at = self.terminal[goals % count]
        out = self.out[np.arange(net.routers)[:, None], net.table[:, goals]]
        out[at, column] = -1
        used = np.zeros((net.routers, len(goals)), bool)
        used[self.terminal if net.minimal is None else slice(None)] = True
        used[at, column] = False
        routers, columns = np.nonzero(used)
        lost = used & (out < 0)
        if lost.any():
            r, c = (int(x[0]) for x in np.nonzero(lost))
            self._link(np.array([r]), net.table[[r], [goals[c]]].astype(np.int64), goals[[c]], column[:1], column[:1])
        while len(routers):
            routers = self.end[out[routers, columns]]
            fresh = ~used[routers, columns] & (at[columns] != routers)
            code = np.unique(routers[fresh] * len(goals) + columns[fresh])
            routers, columns = np.divmod(code, len(goals))
            used[routers, columns] = True
            if (out[routers, columns] < 0).any():
                i = int(np.argmax(out[routers, columns] < 0))
                self._link(
                    routers[[i]],
                    net.table[routers[[i]], goals[columns[[i]]]].astype(np.int64),
                    goals[columns[[i]]],
                    column[:1],
                    column[:1],
                )
        link = np.where(used, out, -1)
        row, held = np.nonzero(used)
        here = link[row, held]
        there = self.end[here]
        onward = link[there, held]
        arrived = there == at[held]
        edges.update(np.unique(here[~arrived] * links + onward[~arrived]).tolist())
        last.update(np.unique(here[arrived] * count + goals[held[arrived]] % count).tolist())
        for e, router in enumerate(self.terminal.tolist()):
            first.update((e * links + np.unique(link[router][link[router] >= 0])).tolist())


def walked(network: Any) -> Any:
    """The dependencies of a network, by the quicker way where a table is all there is to its routes."""
    return (TableWalk if network.phase is None and network.minimal is None else Walk)(network)


def _rows(codes: set[int], *sizes: Any) -> np.ndarray:
    """int64[n, len(sizes) + 1]: mixed-radix numbers taken apart, in order; `sizes` are the radices of all but the first
    digit."""
    digits, rest = [], np.array(sorted(codes), np.int64)
    for size in reversed(sizes):
        rest, digit = np.divmod(rest, size)
        digits.append(digit)
    return np.stack([rest, *reversed(digits)], axis=1)
