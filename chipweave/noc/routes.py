"""Routes: the links that lead from one router of a network to another. One route for each pair, always the same.

    xy                 along x first, then along y (mesh and torus)
    yx                 along y first, then along x
    shortest           fewest links; of several, at each router the neighbour that comes first in endpoint order
    shortest_latency   least sum of the links' latencies; ties as chipweave.noc.routing.first_hops, BookSim 2's `min` on a graph

On a torus each axis is gone along in the shorter direction; at equal lengths towards higher coordinates.
"""

import networkx as nx

from chipweave.noc import routing
from chipweave.noc.shapes import GRIDS

ANYWHERE = ("shortest", "shortest_latency")  # on graphs of any shape
NAMES = ("xy", "yx", *ANYWHERE)


class Unroutable(Exception):
    """No route; `at` is the router or the pair of neighbours that is missing."""

    def __init__(self, at):
        super().__init__(at)
        self.at = at


def dimension_order(network, source, target, axes):
    """Names of the routers from `source` to `target`, one axis after the other.

    Raises:
        Unroutable: a router or link on the way is not there.
    """
    here, goal = list(network.place_of[source]), network.place_of[target]
    path = [source]
    for axis in axes:
        step = _direction(network, here[axis], goal[axis], axis)
        while here[axis] != goal[axis]:
            here[axis] = (here[axis] + step) % network.dims[axis]
            name = network.name_at.get(tuple(here))
            if name is None:
                raise Unroutable(tuple(here))
            if not network.graph.has_edge(path[-1], name):
                raise Unroutable((path[-1], name))
            path.append(name)
    return path


def _direction(network, here, goal, axis):
    ahead = (goal - here) % network.dims[axis]
    if network.shape == "torus" and network.dims[axis] > 2:
        return 1 if 2 * ahead <= network.dims[axis] else -1
    return 1 if goal > here else -1


def shortest(network, source, target):
    """Names of the routers on the shortest way from `source` to `target`, ties as the module says.

    Raises:
        Unroutable: there is no way.
    """
    far = network.distances_to(target)
    if source not in far:
        raise Unroutable((source, target))
    path = [source]
    while path[-1] != target:
        nearer = [n for n in network.graph.successors(path[-1]) if far.get(n, -1) == far[path[-1]] - 1]
        path.append(min(nearer, key=network.rank.__getitem__))
    return path


def quickest(network, source, target):
    """Names of the routers on the way of least latency from `source` to `target`, each router going by its own first hops.

    Raises:
        Unroutable: there is no way.
    """
    path = [source]
    while path[-1] != target:
        step = network.first_hops(path[-1]).get(target)
        if step is None:
            raise Unroutable((source, target))
        path.append(step)
    return path


def numbered(network):
    """(neighbours of each router, ascending; latency of each link as (ps,)): by rank, as chipweave.noc.routing.first_hops wants them."""
    rank = network.rank
    latency = {(rank[a], rank[b]): (ps,) for a, b, ps in network.graph.edges(data="latency_ps")}
    return [sorted(rank[n] for n in network.graph.successors(name)) for name in network.graph.nodes], latency


def first_hops(network, source):
    """{router: the neighbour of `source` on the way of least latency to it}, by names."""
    names = list(network.graph.nodes)
    return {
        names[goal]: names[step] for goal, step in routing.first_hops(network.rank[source], *network.numbered).items()
    }


def path(network, source, target):
    """Router names from `source` to `target` under the network's routing."""
    if network.routing in ANYWHERE:
        return (shortest if network.routing == "shortest" else quickest)(network, source, target)
    return dimension_order(
        network,
        source,
        target,
        (1, 0) if network.routing == "xy" and len(network.dims) > 1 else range(len(network.dims)),
    )


def first_unroutable(network):
    """(source, target, what is missing) of the first pair of endpoints without a route, or None.

    Where nothing is missing from a grid every dimension-order route exists, so no pair need be tried.
    """
    if network.routing in ANYWHERE:
        if nx.is_strongly_connected(network.graph):
            return None
    elif network.shape in GRIDS and network.whole:
        return None
    for source in network.endpoints:
        for target in network.endpoints:
            try:
                path(network, source, target)
            except Unroutable as error:
                return source, target, error.at
    return None


def bisection(network):
    """Links (each pair of neighbours once) cut by the narrowest straight halving of the network.

    A grid is cut across each axis in the middle (an odd axis on either side of its middle row); anything else
    between the first and the second half of the endpoints in their order.
    """
    edges = {frozenset(e) for e in network.graph.edges}
    if network.shape in GRIDS:
        cuts = [
            {n for n, p in network.place_of.items() if p[axis] < middle}
            for axis, length in enumerate(network.dims)
            if length > 1
            for middle in {length // 2, (length + 1) // 2}
        ]
    else:
        cuts = [set(network.endpoints[: len(network.endpoints) // 2])]
    return min((sum(len(e & half) == 1 for e in edges) for half in cuts), default=0)
