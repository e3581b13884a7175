"""A network of the topology as the flit kernel is given it: ports, links in cycles, and next ports by destination.

Regular grids are given their rule (dimension order as small tables), all others compact tables: one byte for each
router and destination."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from chipweave.errors import BadInput, Fault
from chipweave.noc import routing
from chipweave.noc.graph_network import Network

PS = 10**12
LARGEST_RATIO = 1 << 20  # numerator and denominator of a link's interval


def routed(network: Network, clock: Fraction, flit: int) -> tuple[routing.RouterGraph, np.ndarray]:
    """(routers, links and routes in cycles and flits, for each link of the topology its row of Kernel.counts()).

    Raises:
        BadInput: a router has more ports than the kernel, or a link is slower than the kernel can keep.
    """
    latency, ratio = cycles(network, clock, flit)
    rule = network.rule
    regular = (
        network.whole and network.grid is not None and rule.grid and network.terminals is None and not rule.adaptive
    )
    made = of_grid(network, latency, ratio) if regular else of_graph(network, latency, ratio)
    starts = np.concatenate([[0], made.ports.cumsum()])
    rows = made.links.rows.astype(np.int64)
    first, size = network.first_router, made.routers
    key = rows[:, 0] * size + rows[:, 2]
    order = np.argsort(key)
    found = np.empty(len(network.src), np.int64)
    inner = network.router_links
    wanted = (network.src[inner] - first) * size + network.dst[inner] - first
    at = order[np.searchsorted(key[order], wanted)] if len(key) else wanted
    found[inner] = starts[rows[at, 0]] + rows[at, 1] if len(key) else wanted
    if network.terminals is not None:
        ports = np.array([port for _, port in made.terminals], np.int64)
        leaving, coming = network.src < first, network.dst < first
        found[leaving] = starts[-1] + network.src[leaving]
        ends = network.dst[coming]
        found[coming] = starts[network.terminals[ends] - first] + ports[ends]
        made.terminal_latency = terminals(network, latency, leaving, coming, clock * flit)
    return made, found


def terminals(
    network: Network, latency: np.ndarray, leaving: np.ndarray, coming: np.ndarray, rate: Fraction
) -> np.ndarray:
    """int64[E]: cycles of each endpoint's terminal link; BadInput where it is slower than a flit a cycle, or unlike
    both ways."""
    out, back = np.empty((2, network.endpoint_count), np.int64)
    out[network.src[leaving]], back[network.dst[coming]] = latency[leaving], latency[coming]
    slow = [network.rates[i] for i in np.unique(network.rate[leaving | coming]).tolist() if network.rates[i] < rate]
    if slow or (out != back).any():
        what = f"carry {float(min(slow)):.6g} B/s" if slow else "differ in latency between the two directions"
        raise BadInput(
            Fault(
                (
                    f"network {network.name}: terminal links {what}; under "
                    f"flit they take a flit every cycle, {float(rate):.6g} B/s"
                ),
                network.written,
                "links: {terminal: {bandwidth: ...}} of the fastest link, or link_model: fair",
            )
        )
    return out


def cycles(network: Network, clock: Fraction, flit: int) -> tuple[np.ndarray, np.ndarray]:
    """(latency int64[n], interval int64[n, 2] as a fraction) of every link in cycles.

    A latency is rounded to the nearest cycle, halves up, at least 1. An interval is kept to one part in a million.
    """
    ps, back = np.unique(network.latency_ps, return_inverse=True)
    latency = np.array([max(1, int(p * clock / PS + Fraction(1, 2))) for p in ps.tolist()], np.int64)[back]
    ratios = []
    for rate in network.rates:
        exact = max(Fraction(1), clock * flit / Fraction(rate))
        near = exact if exact.denominator < LARGEST_RATIO else exact.limit_denominator(LARGEST_RATIO)
        ratios.append((near.numerator, near.denominator))
    return latency, np.array(ratios, np.int64).reshape(-1, 2)[network.rate]


def of_grid(network: Network, latency: np.ndarray, ratio: np.ndarray) -> routing.RouterGraph:
    """Ports 2j up and 2j + 1 down the j-th axis travelled, 2n local: BookSim 2's numbers where x is travelled first.

    latency: int64 [links], cycles; ratio: interval of a flit as a fraction, [links, 2]. A closed
    axis of two has no wrap link of its own: it would be the same link twice.
    """
    grid, axes = network.in_grid, network.rule.axes()
    lengths = [grid.dims[a] for a in axes]
    wraps = [grid.wraps and k > 2 for k in lengths]
    a, b = grid.at[network.src], grid.at[network.dst]
    axis = np.argmax(a != b, axis=1)
    rows = np.arange(len(axis))
    step = (b[rows, axis] - a[rows, axis]).astype(np.int64)
    j = np.argsort(axes)[axis]
    closed = np.array(wraps)[j]
    down = np.where(closed, step % np.array(lengths)[j] != 1, step < 0)
    port = 2 * j + down
    links = np.column_stack([network.src, port, network.dst, port ^ 1, latency, ratio])
    strides = [stride_of(grid.at, axis, k) for axis, k in zip(axes, lengths, strict=True)]
    turns = routing.Turns.of(lengths, strides, wraps)
    return routing.of_turns(turns, routing.LinkList(links), wraps, name=network.name)


def stride_of(at: np.ndarray, axis: int, length: int) -> int:
    """By how much a router's number grows along an axis."""
    if length == 1:
        return 1
    one = np.zeros(at.shape[1], at.dtype)
    one[axis] = 1
    return int(np.flatnonzero((at == one).all(axis=1))[0])


def of_graph(network: Network, latency: np.ndarray, ratio: np.ndarray) -> routing.RouterGraph:
    """Any graph, by the next router of each destination.

    The table is uint8 [routers, ways x endpoints]: a port for each destination and way. Adaptive
    routings add the ports that lead nearer, as bits; their table is that of the escape VC.
    """
    first, inner = network.first_router, network.router_links
    routers = network.node_count - first
    terminals = (np.arange(network.endpoint_count) if network.terminals is None else network.terminals) - first
    pairs = np.column_stack([network.src[inner], network.dst[inner]]) - first
    here, goal = np.meshgrid(np.arange(routers), terminals, indexing="ij")
    steps = []
    for way in range(network.ways):
        step = np.where(here == goal, here, -1)
        moving = here != goal
        far = here[moving] + first, goal[moving] + first
        step[moving] = (network.rule.escape(*far) if network.rule.adaptive else network.rule.hop(*far, way)) - first
        steps.append(step)
    nearer = network.rule.choices()[:, first:] if network.rule.adaptive else None
    try:
        return routing.of_steps(
            routers,
            pairs,
            latency[inner],
            ratio[inner],
            terminals,
            np.concatenate(steps, axis=1),
            network.name,
            nearer,
            network.ways,
            network.spread,
        )
    except routing.TooManyPorts as many:
        name = network.nodes[many.router + first]
        raise BadInput(
            Fault(
                f"network {network.name}: {name} has {many.ports} ports under flit",
                network.written,
                f"at most {routing.MAX_PORTS}; or link_model: fair, or several switches",
            )
        ) from None
