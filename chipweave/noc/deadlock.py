"""Deadlock freedom, proved before a run from the channel dependency graph over (link, VCs).

    deterministic routing   the graph over all VCs is acyclic (Dally and Seitz, 1987)
    escape class            the graph of the escape VCs is acyclic and from every state a packet can take one and be
                            led to its endpoint (Duato, 1993); who has taken an escape VC stays on them, so the
                            extended graph has no further edges; a VC must have one packet at a time, which
                            FlitNetwork.escape_in_reach sees to
    through endpoints       a request that arrives and asks for a reply joins its ejection channel to the injection
                            channel of the reply: both on one set of VCs make a cycle

VCs that two halves of a dateline share (an odd number of them) belong to both. Buffers hold several packets behind
one another, so a shared VC makes the one half wait for the other, and counts as held by either.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from chipweave.errors import BadInput, Fault, Place
from chipweave.io.late import late
from chipweave.noc.deadlock_graph import ESCAPE, TableWalk, Walk, walked  # noqa: F401  (Walk: the twin)
from chipweave.noc.routing import HALF, HERE, PORT, TIE, grid

nx = late("networkx")

STARTS_TRIED = 64
CURES = (
    "routing without circles (xy on a mesh, datelines with an "
    "even number of VCs on a torus, up_down or shortest_escape "
    "on any graph), a class of VCs for each of request and reply (vc_classes), or allow_deadlock: true"
)
TERMINALS = "or no endpoints but those that send and receive (shape: fat_tree, or terminals with shape: edges)"


def vc_parts(router: Any, network: Any) -> dict[int, list[tuple[str, int, int]]]:
    """{kind: [(words, first VC, last VC), ...]} within a class: the sets of VCs that packets of a kind may hold."""
    width = router.vcs // router.vc_classes
    if network.minimal is not None:
        return {0: [("escape VC", 0, 0)], 1: [("adaptive VCs", 1, width - 1)] if width > 1 else []}
    if network.phase is None:
        return {0: [("VCs", 0, width - 1)]}
    half = width // 2
    both = [("VC of both halves", half, width - half - 1)] if width % 2 else []
    low, high = ([("low VCs", 0, half - 1)], [("high VCs", width - half, width - 1)]) if half else ([], [])
    return {0: low + both, 1: both + high}


def dependencies(network: Any, router: Any, replies: Sequence[tuple[int, int]] = ()) -> Any:
    """The channel dependency graph, nx.DiGraph.

    network: chipweave.noc.routing.RouterGraph; router: chipweave.noc.router.Router;
    replies: pairs (class, class): arriving packets of the first are answered by packets of the second.

    Nodes: ("link", index, class, (words, first VC, last VC)), ("inject", endpoint, class), ("eject", endpoint, class).
    All classes are routed alike, so only those that `replies` bind in a circle are drawn, else class 0 for all.
    Under adaptive routing only escape VCs are drawn.
    """
    walk, parts, graph = walked(network), vc_parts(router, network), nx.DiGraph()
    bound = _bound_classes(replies)
    for group in bound or [{0}]:
        for vc_class in sorted(group):
            _draw_class(graph, walk, parts, vc_class, network.minimal is not None)
        for asked, answer in replies:
            if {asked, answer} <= group:
                graph.add_edges_from((("eject", e, asked), ("inject", e, answer)) for e in range(network.endpoints))
    return graph


def _bound_classes(replies: Sequence[tuple[int, int]]) -> list[Any]:
    """Sets of classes that depend on each other, or a class on itself, through endpoints."""
    if not {asked for asked, _ in replies} & {answer for _, answer in replies}:
        return []  # nothing is answered that answers
    graph = nx.DiGraph(replies)
    return [
        group
        for group in nx.strongly_connected_components(graph)
        if len(group) > 1 or any(graph.has_edge(c, c) for c in group)
    ]


def _draw_class(
    graph: Any, walk: Walk, parts: dict[int, list[tuple[str, int, int]]], vc_class: int, escape_only: bool
) -> None:
    """Add one traffic class to the graph of channels: an edge where a packet may hold one and wait for the next.

    escape_only: the argument of Duato (1993): adaptive channels may form circles if the escape
    channels do not.
    """

    def nodes(link: Any, kind: Any) -> Any:
        return [("link", link, vc_class, part) for part in parts[kind]] if not (escape_only and kind != ESCAPE) else []

    for link, kind, onward, then in walk.edges.tolist():
        graph.add_edges_from((a, b) for a in nodes(link, kind) for b in nodes(onward, then))
    for endpoint, link, kind in walk.first.tolist():
        graph.add_edges_from((("inject", endpoint, vc_class), b) for b in nodes(link, kind))
    for link, kind, endpoint in walk.last.tolist():
        graph.add_edges_from((a, ("eject", endpoint, vc_class)) for a in nodes(link, kind))


def find_cycle(graph: Any) -> list[Any]:
    """The nodes of a short cycle in their order; empty where there is none."""
    tangled = [
        group
        for group in nx.strongly_connected_components(graph)
        if len(group) > 1 or any(graph.has_edge(n, n) for n in group)
    ]
    if not tangled:
        return []
    group = min(tangled, key=lambda g: (len(g), min(map(repr, g))))
    starts = sorted(group, key=repr)[:STARTS_TRIED]
    return min((_shortest_through(graph, start, group) for start in starts), key=len)


def _shortest_through(graph: Any, start: tuple[int | str | tuple[str, int, int], ...], group: set[Any]) -> list[Any]:
    """The shortest cycle through `start` (breadth first, back to it) within a strongly connected group."""
    came: dict[Any, Any] = {}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        for there in sorted((n for n in graph.successors(here) if n in group), key=repr):
            if there == start:
                path = [here]
                while path[-1] != start:
                    path.append(came[path[-1]])
                return path[::-1]
            if there not in came:
                came[there] = here
                queue.append(there)
    return []


def without_escape(network: Any) -> Any:
    """(router, endpoint) from where escape routes never arrive; None where all do."""
    out = np.tile(np.arange(network.routers)[:, None], (1, 64))
    rows = network.links.rows
    out[rows[:, 0], rows[:, 1]] = rows[:, 2]
    step = out[np.arange(network.routers)[:, None], network.table]
    for _ in range(network.routers.bit_length()):  # each turn doubles the links gone along
        step = np.take_along_axis(step, step, 0)
    lost = np.argwhere(step != np.array([router for router, _ in network.terminals])[None, :])
    return tuple(int(x) for x in lost[0]) if len(lost) else None


def prove(
    network: Any,
    router: Any,
    replies: Sequence[tuple[int, int]] = (),
    allow: bool = False,
    names: dict[str, list[str]] | None = None,
    place: Place = Place(),
) -> str:
    """Raise BadInput with the cycle where the network can deadlock, unless `allow` (`allow_deadlock: true` in YAML).

    names: {"links": [...], "endpoints": [...], "classes": [...]}, words for the message; the network's own without
    them.
    place: where in the user's files the network stands.
    Returns the cycle as text where `allow` let one through, else "".
    """
    text = _circle(network, router, replies, names or {}) or _lost(network)
    if not text or allow:
        return text
    cures = CURES + (f"; or spread: none, {TERMINALS}" if network.ways > 1 else "")
    raise BadInput(Fault(f"network {network.name} can deadlock: {text}", place, cures))


def _circle(network: Any, router: Any, replies: Any, names: Any) -> str:
    """The shortest circle found, in words; "" where there is none.

    A grid by dimension order is proved by its rule: packets leave a dimension for later ones only, so a circle would
    lie within one dimension, and a dimension is a line or ring of its own. Else the circle is looked for among all
    channels."""
    bound = _bound_classes(replies)
    if not bound:
        if by_rule(network):
            if not any(has_cycle(line, router) for line in lines(network.turns)):
                return ""
        elif not has_cycle(network, router):
            return ""
    if network.table is None:
        return f"a dimension of {network.name} is a circle" if not bound else "requests and replies share their VCs"
    cycle = find_cycle(dependencies(network, router, replies))
    words = [_name(node, network, names) for node in cycle]
    return "packets can wait for each other in a circle: " + " -> ".join([*words, words[0]]) if cycle else ""


def _lost(network: Any) -> str:
    """Where escape VCs do not lead to an endpoint, in words; "" where they all do."""
    lost = without_escape(network) if network.minimal is not None else None
    return f"from router {lost[0]} the escape VCs do not lead to endpoint {lost[1]}" if lost else ""


def by_rule(network: Any) -> bool:
    """Whether dimension order is all there is to the routes: a table beside it, if there is one, says the same."""
    turns = network.turns
    if turns is None or network.minimal is not None:
        return False
    if network.table is None:
        return True
    entries = turns.table(network.routers)
    lined = bool((entries & HALF).any()) == (network.phase is not None)
    return lined and np.array_equal(network.table, entries & PORT)


def lines(turns: Any) -> Any:
    """Each dimension as a network of its own; equal ones once."""
    found = {}
    for k, entry in zip(turns.radices, turns.entries, strict=True):
        wrap = bool(((entry != HERE) & ((entry & TIE) > 0)).any() or (entry[entry != HERE] & HALF).any())
        found[k, wrap] = grid((k,), wrap)
    return list(found.values())


def has_cycle(network: Any, router: Any) -> bool:
    """Whether the channel dependency graph of one class has a cycle, over numbers instead of names."""
    parts = vc_parts(router, network)
    if network.phase is not None and len(parts[0]) + len(parts[1]) != 2:
        return bool(find_cycle(dependencies(network, router)))  # VCs of both halves
    walk = walked(network) if network.minimal is None else TableWalk(network)  # escape routes, from every router on
    edges = walk.edges
    kinds, links = walk.kinds, len(network.links)
    return circular(links * kinds, edges[:, 0] * kinds + edges[:, 1], edges[:, 2] * kinds + edges[:, 3])


def circular(n: int, a: np.ndarray, b: np.ndarray) -> bool:
    """Whether the graph of the edges a -> b between 0 and n - 1 has a cycle: what is left when ends are taken off."""
    order = np.argsort(a, kind="stable")
    a, b = a[order], b[order]
    start = np.searchsorted(a, np.arange(n + 1))
    waits = np.bincount(b, minlength=n)
    free, taken = np.flatnonzero(waits == 0), 0
    while len(free):
        taken += len(free)
        count = start[free + 1] - start[free]
        first = np.repeat(start[free] - np.cumsum(count) + count, count)
        onward = b[first + np.arange(len(first))]
        np.subtract.at(waits, onward, 1)
        free = np.unique(onward[waits[onward] == 0])
    return taken < n


def _name(node: tuple[str, int, int, tuple[str, int, int]], network: Any, names: dict[str, list[str]]) -> str:
    """One channel for people: "die[0][0] -> die[0][1] (reply, low VCs 2-3)"."""
    what, number, vc_class = node[:3]
    classes, ends = names.get("classes"), names.get("endpoints")
    of = classes[vc_class] if classes else f"class {vc_class}"
    if what == "link":
        words, first, last = node[3]
        link = network.links[number]
        own = f"{network.router_name(link.src)} -> {network.router_name(link.dst)}"
        link_name = names["links"][number] if "links" in names else own
        return f"{link_name} ({of}, {words} {first if first == last else f'{first}-{last}'})"
    end = ends[number] if ends else network.endpoint_name(number)
    return f"{end} {'accepts' if what == 'eject' else 'answers with'} {of}"
