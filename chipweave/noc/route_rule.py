"""Routings: what a routing is, and the registry of them. Each routing is one file of chipweave/noc/routings/.

A routing says at which router a packet goes on, by the router it is at and the endpoint it goes to. That is all that
any link model, table, picture or proof needs: a way is followed router by router. Where a routing offers several
equally good ways they are numbered, and a network's `spread` says which messages or packets go which way."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from chipweave.declare.registry import Class, Registry

if TYPE_CHECKING:
    from chipweave.noc.graph_network import Network

routings = Registry("routing", "chipweave.noc.routings")


class Unroutable(Exception):
    """No route; `at` is the place or the pair of routers where it ends."""

    def __init__(self, at: tuple) -> None:
        super().__init__(at)
        self.at = at


class Routing:
    """Base of all routings, bound to one network.

    Attributes of the class:
        kind: the name in YAML.
        grid: routers must stand in a grid.
        spreads: it numbers several ways of a pair, over which a network may spread.
        adaptive: under flit a packet may take any port of `choices` and, on the escape VC, the one of `escape`.
    """

    kind = ""
    grid = False
    spreads = False
    adaptive = False

    def __init__(self, network: Network) -> None:
        self.network = network

    @classmethod
    def about(cls) -> str:
        """First line of the class's own words."""
        return (cls.__doc__ or "").strip().split("\n")[0]

    def fault(self) -> str:
        """Why the network cannot be routed so, or "" where it can."""
        return ""

    def hop(self, here: np.ndarray, goal: np.ndarray, way: int) -> np.ndarray:
        """int[n]: the router after each router `here` on the way to router `goal`, -1 where there is none; here !=
        goal."""
        raise NotImplementedError

    def axes(self) -> list[int]:
        """Of a routing in a grid: its axes in order of travel."""
        raise NotImplementedError

    def escape(self, here: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Of an adaptive routing: the router after each router `here`, as `hop`, on the escape VC."""
        raise NotImplementedError

    def choices(self) -> np.ndarray:
        """Of an adaptive routing: bool[links between routers, nodes], whether a link leads nearer to a router."""
        raise NotImplementedError

    @cached_property
    def ways(self) -> int:
        """How many ways are numbered; more than one only where the network spreads over them."""
        return 1

    def step(self, here: np.ndarray, goal: np.ndarray, way: int = 0) -> np.ndarray:
        """int64[n]: the node after each node `here` on the way to endpoint `goal`, itself where it is there, -1: none.

        Terminals are followed here: an endpoint that has a router leads to it, and that router to the endpoint.
        """
        network = self.network
        here, goal = np.broadcast_arrays(np.asarray(here, np.int64), np.asarray(goal, np.int64))
        out = here.copy()
        moving = here != goal
        if network.terminals is not None:
            leaving = moving & (here < network.endpoint_count)
            there = moving & (here == network.terminals[goal])
            out[leaving], out[there] = network.terminals[here[leaving]], goal[there]
            moving &= ~leaving & ~there
            goal = network.terminals[goal]
        if moving.any():
            out[moving] = self.hop(here[moving], goal[moving], way)
        return out

    def path(self, source: int, target: int, way: int = 0) -> list[int]:
        """Nodes from endpoint `source` to endpoint `target`.

        Raises:
            Unroutable: there is no way; or it does not end.
        """
        path, links = [source], self.network.adjacency
        while path[-1] != target:
            there = int(self.step(np.array([path[-1]]), np.array([target]), way)[0])
            if there < 0:
                raise Unroutable(self.gap(path[-1], target))
            if links.link(np.array([path[-1]]), np.array([there]))[0] < 0:
                raise Unroutable((path[-1], there))
            path.append(there)
            if len(path) > self.network.node_count:
                raise Unroutable((source, target))
        return path

    def gap(self, here: int, goal: int) -> tuple:
        """What is missing where `hop` gave none."""
        return (here, goal)

    def first_unroutable(self) -> tuple[int, int, tuple] | None:
        """(source, target, what is missing) of the first pair of endpoints without a route, or None.

        The node after each node is found once for each target; steps are then doubled, so a target takes a number of
        passes over the nodes that grows with the logarithm of theirs.
        """
        adjacency, count, nodes = self.network.adjacency, self.network.endpoint_count, self.network.node_count
        here, first = np.arange(nodes), (count, count)
        doublings = max(1, nodes).bit_length()
        for target in range(count):
            there = self.step(here, np.full(nodes, target))
            none = (there < 0) | ((there != here) & (adjacency.link(here, np.maximum(there, 0)) < 0))
            after = np.append(np.where(none, nodes, there), nodes)  # the last one stands for where no way goes on
            for _ in range(doublings):
                after = after[after]
            lost = after[:count] != target
            if lost.any():
                first = min(first, (int(np.argmax(lost)), target))
        if first == (count, count):
            return None
        try:
            self.path(*first)
        except Unroutable as error:
            return (*first, error.at)
        return None


def routing(name: str) -> Callable[[Class], Class]:
    """Class decorator: register a Routing under `name`.

    Raises:
        TypeError: the class is no Routing.
        RegistryError: the name is taken; the message names both modules.
    """
    return routings.declares(name, Routing)
