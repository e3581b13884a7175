"""Shortest ways, chosen by the room ahead, with an escape VC: free of deadlock on any connected graph (Duato, 1993).

Under flit a packet may take any port on a shortest way over all but the first VC of its class; the first VC is the
escape: who takes it goes by `up_down` from there to the end. Needs two VCs a class. Under circuit and fair it is
`shortest`. Checked by: tests/flit/test_routings.py; dragonflies, rings and graphs with holes run under saturating
traffic."""

from __future__ import annotations

import numpy as np

from chipweave.noc.route_rule import routing
from chipweave.noc.routings.shortest import Shortest
from chipweave.noc.routings.up_down import UpDown


@routing("shortest_escape")
class ShortestEscape(Shortest):
    """Shortest ways chosen by the room ahead, and an escape VC that goes up and down a tree."""

    spreads = False  # under flit the routers choose
    adaptive = True

    def escape(self, here: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """The router after each router on the escape VC."""
        return UpDown(self.network).hop(here, goal, 0)

    def choices(self) -> np.ndarray:
        """bool[links between routers, nodes]: whether a link leads nearer to a router."""
        links = self.network.router_adjacency
        nearer = np.zeros((len(links.src), links.n), bool)
        for goals in links.chunks(self.goals):
            nearer[:, goals] = links.nearest(links.distances(goals))
        return nearer
