"""Where things stand in the picture of a system: positions only, no drawing.

A network's endpoints stand in their grid, in a ring, in a row under their switches, or where forces between neighbours
pull them; the parts of one assembly stand in columns, those that only ask on the left, those that only answer on the
right.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from chipweave.component.replicas import dies_of
from chipweave.declare import units
from chipweave.io.late import late
from chipweave.noc.graph_network import Network
from chipweave.topology.patterns import bare
from chipweave.topology.system import System

nx = late("networkx")
MOST_BY_DISTANCE = 300  # nodes; the time goes with their square
CLEAR, ROUNDS = 0.55, 120  # from a router's middle to a link that passes it; steps of getting clear


def positions(network: Network, system: System | None = None) -> dict[Any, Any]:
    """Router name -> (x, y), about one unit apart, y upwards; row 0 of a grid is at the top, layers side by side.

    system: whose `at` holds before all else, and whose grids of parts are kept in networks of other shapes.
    """
    endpoints = network.endpoints
    given = _given(network, system) if system else {}
    if given:
        return given
    if network.shape in ("mesh", "torus"):
        return {name: _of_place(place, network.dims) for name, place in network.place_of.items()}
    if network.shape in ("ring", "full"):
        radius = max(1.0, len(endpoints) / (2 * math.pi) * 1.15)
        turns = {n: math.pi / 2 - 2 * math.pi * i / len(endpoints) for i, n in enumerate(endpoints)}
        return {n: (radius * math.cos(t), radius * math.sin(t)) for n, t in turns.items()}
    if network.shape == "switch":
        switches = network.nodes[len(endpoints) :]
        wide = len(endpoints) - 1
        above = {n: (wide * (i + 1) / (len(switches) + 1), 1.6) for i, n in enumerate(switches)}
        return {**{n: (i, 0) for i, n in enumerate(endpoints)}, **above}
    blocks = _blocks(network, system) if system else {}
    if blocks:
        return blocks
    if network.node_count > MOST_BY_DISTANCE:
        return _apart(_by_force(network))
    return _clear(network, _apart(_by_distance(network)))


def _given(network: Network, system: System) -> dict[Any, Any]:
    """Positions that the files give for all endpoints; other routers stand amid their neighbours. Empty where not."""
    said = {n: system.at.get(n, system.at.get(owner(system, n))) for n in network.endpoints}
    found = {n: (at[0], -at[1]) for n, at in said.items() if at is not None}
    return _amid(network, found) if found and len(found) == len(said) else {}


def _blocks(network: Network, system: System) -> dict[Any, Any]:
    """Parts of grids as they lie in their grid, one grid beside the other, and what lies in none in a column behind.

    Empty where no parts lie in a grid of two axes or more."""
    blocks: dict[str, list[tuple[Any, tuple[int, ...]]]] = {}
    for name in network.endpoints:
        whole = owner(system, name)
        place = tuple(int(i) for i in re.findall(r"\[(\d+)\]", whole))
        blocks.setdefault(bare(whole) if len(place) > 1 else "", []).append((name, place))
    if not any(blocks):
        return {}
    found: dict[Any, Any] = {}
    left = 0.0
    for base in sorted(blocks, key=lambda base: base == ""):
        dims = [max(place[i] for _, place in blocks[base]) + 1 for i in range(len(blocks[base][0][1]))] if base else []
        spots = {n: _of_place(p, tuple(dims)) if base else (0, -i) for i, (n, p) in enumerate(blocks[base])}
        found |= {n: (x + left, y) for n, (x, y) in spots.items()}
        left += max(x for x, _ in spots.values()) + 1.6
    return _amid(network, found)


def _amid(network: Network, found: dict[Any, Any]) -> dict[Any, Any]:
    """Positions of endpoints, and of the other routers amid those they have a link to, above where that is taken."""
    for name in network.nodes[network.endpoint_count :]:
        near = [found[n] for n in network.graph.predecessors(name) if n in found] or list(found.values())
        x, y = (sum(p[i] for p in near) / len(near) for i in (0, 1))
        while any(abs(x - p[0]) < 0.7 and abs(y - p[1]) < 0.6 for p in found.values()):
            y += 0.65
        found[name] = x, y
    return found


def _of_place(place: tuple[int, ...], dims: tuple[int, ...]) -> tuple[float, float]:
    """Where a place of a grid is drawn: [y][x] as it lies, further axes as blocks beside one another."""
    if len(place) == 1:
        return place[0], 0
    across, block = place[-1], dims[-1] + 1
    for i, length in zip(reversed(place[:-2]), reversed(dims[:-2]), strict=True):
        across, block = across + i * block, block * length + 1
    return across, -place[-2]


def _by_distance(network: Network) -> dict[Any, Any]:
    """Positions whose distances are near those on the graph: stress majorization (Gansner, Koren and North, 2004).

    It starts from a circle in endpoint order, and comes out the same every time.
    """
    graph = network.graph.to_undirected()
    names, count = list(graph), len(graph)
    rank = {name: i for i, name in enumerate(names)}
    hops = np.full((count, count), 2.0 * math.sqrt(count))  # of what no way joins
    for start, ends in nx.all_pairs_shortest_path_length(graph):
        for end, length in ends.items():
            hops[rank[start], rank[end]] = length
    weight = 1 / np.maximum(hops, 1) ** 2
    np.fill_diagonal(weight, 0)
    inverse = np.linalg.pinv(np.diag(weight.sum(axis=1)) - weight)
    turn = np.arange(count) * 2 * math.pi / max(1, count)
    at = np.stack([np.cos(turn), np.sin(turn)], axis=1) * math.sqrt(count)
    for _ in range(300):
        apart = np.linalg.norm(at[:, None] - at[None], axis=2)
        pull = -weight * hops / np.maximum(apart, 1e-9)
        np.fill_diagonal(pull, 0)
        np.fill_diagonal(pull, -pull.sum(axis=1))
        at = inverse @ (pull @ at)
    return dict(zip(names, map(tuple, (at * 1.3).tolist()), strict=True))


def _by_force(network: Network) -> dict[Any, Any]:
    """Positions by NetworkX's force-directed layout, which draws neighbours near one another; the same every time."""
    graph = network.graph.to_undirected()
    rounds = 400 if len(graph) <= 200 else 50
    return nx.spring_layout(graph, pos=nx.circular_layout(graph), iterations=rounds, seed=1)


def _apart(spots: dict[Any, Any]) -> dict[Any, Any]:
    """The same picture, scaled so that neighbours are one unit apart; routers that still overlap are moved off on a
    spiral."""
    at = np.array(list(spots.values())).reshape(-1, 2)
    gaps = np.linalg.norm(at[:, None] - at[None], axis=2) + np.eye(len(at)) * 1e9
    near = float(np.quantile(gaps.min(axis=1), 0.3)) if len(at) > 1 else 1.0
    at = at / max(near, 1e-3)
    for i in range(1, len(at)):
        origin, turn = at[i].copy(), 0
        while np.linalg.norm(at[:i] - at[i], axis=1).min() < 0.9:
            turn += 1
            at[i] = origin + 0.2 * math.sqrt(turn) * np.array([math.cos(2.4 * turn), math.sin(2.4 * turn)])
    return dict(zip(spots, map(tuple, at.tolist()), strict=True))


def _clear(network: Network, spots: dict[Any, Any]) -> dict[Any, Any]:
    """Routers moved off the links that pass behind them, and off one another; the best picture of ROUNDS small steps.

    So that a link leads to where it seems to lead; rows of routers are bent where links skip one.
    """
    names = list(spots)
    rank = {name: i for i, name in enumerate(names)}
    at = np.array([spots[name] for name in names], float).reshape(-1, 2)
    ends = np.array([(rank[a], rank[b]) for a, b in network.pairs()]).reshape(-1, 2)
    apart = (ends[:, :1] != np.arange(len(at))) & (ends[:, 1:] != np.arange(len(at)))  # [link, router]
    best, least = at, np.inf
    for _ in range(ROUNDS):
        start, along = at[ends[:, 0]], at[ends[:, 1]] - at[ends[:, 0]]
        length = np.maximum(np.square(along).sum(axis=1), 1e-9)
        share = ((at[None] - start[:, None]) * along[:, None]).sum(axis=2) / length[:, None]
        off = at[None] - start[:, None] - np.clip(share, 0, 1)[..., None] * along[:, None]
        far = np.linalg.norm(off, axis=2)
        side = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.sqrt(length)[:, None]
        lack = np.where(apart & (far < CLEAR), CLEAR - far, 0)
        if lack.sum() < least:
            best, least = at, lack.sum()
        if not lack.any():
            break
        way = np.where(far[..., None] > 1e-3, off / np.maximum(far, 1e-9)[..., None], side[:, None])
        at = at + 0.6 * (lack[..., None] * way).sum(axis=0)
        between = at[:, None] - at[None]
        gaps = np.linalg.norm(between, axis=2) + np.eye(len(at)) * 1e9
        push = np.maximum(1.0 - gaps, 0) / np.maximum(gaps, 1e-3)
        at = at + 0.5 * (push[..., None] * between).sum(axis=1)
    return dict(zip(names, map(tuple, best.tolist()), strict=True))


def numbers(network: Network, system: System) -> dict[str, int]:
    """Endpoint -> the number it bears: that of its die, on a system of dies; elsewhere its place in endpoint order."""
    dies = {die.name: die.number for die in dies_of(system.parts.values()).values()}
    if not dies or not network.port:
        return {name: i for i, name in enumerate(network.endpoints)}
    found = {name: dies.get(owner(system, name)) for name in network.endpoints}
    return {name: number for name, number in found.items() if number is not None}


def owner(system: System, name: str) -> str:
    """What stands for a router in the picture: its assembly instance, or itself."""
    part = system.parts.get(name)
    return part.assembly or name if part is not None else name


def insides(system: System) -> list[tuple[str, str, Any, int]]:
    """[(name of an assembly, one of its usual instances, graph, how many instances differ)] of every assembly: its
    parts, what they are wired to outside and the networks they take part in. Nodes that are not parts of the instance
    have `outside` in words."""
    return [(name, usual, _inside(system, usual), len(odd)) for name, (usual, odd) in alike(system).items()]


def alike(system: System) -> dict[str, tuple[str, dict[str, str]]]:
    """Name of an assembly -> (the first of its most common instances, {each other one: in what it differs})."""
    by_assembly: dict[str, dict[str, dict[str, tuple[str, dict[str, str]]]]] = {}
    for name, part in system.parts.items():
        if part.assembly:
            values = {p: units.format(getattr(part, p), param.type) for p, param in part.params.items()}
            inner = name.removeprefix(part.assembly).strip(".")
            by_assembly.setdefault(bare(part.assembly), {}).setdefault(part.assembly, {})[inner] = part.kind, values
    found = {}
    for name, instances in by_assembly.items():
        sorts: dict[str, list[str]] = {}
        for instance, parts in instances.items():
            sorts.setdefault(repr(parts), []).append(instance)
        usual = max(sorts.values(), key=len)[0]  # the first of equals
        others = {i: _difference(instances[usual], parts) for i, parts in instances.items()}
        found[name] = usual, {i: words for i, words in others.items() if words}
    return found


def _difference(usual: dict[str, tuple[str, dict[str, str]]], other: dict[str, tuple[str, dict[str, str]]]) -> str:
    """In what the parts of an instance differ from those of another: kinds, figures, parts that are not there."""
    words = []
    for name in dict.fromkeys([*usual, *other]):
        if name not in other or name not in usual:
            words.append(f"no {name}" if name in usual else f"{name}: {other[name][0]}")
        elif other[name][0] != usual[name][0]:
            words.append(f"{name}: {other[name][0]}")
        else:
            words += [f"{name} {text}" for key, text in other[name][1].items() if usual[name][1][key] != text]
    return "\n".join(words)


def _inside(system: System, instance: Any) -> Any:
    """The parts of one die and their links as a graph; what lies outside is marked with its kind."""
    graph = nx.DiGraph()
    graph.add_nodes_from(n for n, p in system.parts.items() if p.assembly == instance and not is_in_slot(system, n))
    own = set(graph)
    for a, b, data in system.wires():
        if a in own or b in own:
            for end in {a, b} - own:
                graph.add_node(end, outside=system.parts[end].kind)
            graph.add_edge(a, b, **data)
    for network in system.networks.values():
        for router in own & set(network.endpoints):
            graph.add_node(network.name + " ", outside=f"network, {network.shape}")
            graph.add_edge(router, network.name + " ", latency_ps=0, bandwidth=None)
    return graph


def loose(system: System) -> Any:
    """Graph of the parts that belong to no assembly, and of the wires between them."""
    graph = nx.DiGraph()
    graph.add_nodes_from(n for n, p in system.parts.items() if not p.assembly and not is_in_slot(system, n))
    for a, b, data in system.wires():
        if a in graph and b in graph:
            graph.add_edge(a, b, **data)
    return graph


def is_in_slot(system: System, name: str) -> bool:
    """Whether a part sits in a slot of another."""
    return any(
        inner is system.parts[name]
        for inner in getattr(system.parts.get(name.rpartition(".")[0]), "slots", {}).values()
    )


def columns(graph: Any) -> dict[str, tuple[int, float]]:
    """Part name -> (column, row): a part stands right of all that ask it, the first to ask at the left.

    Where parts ask one another in a circle the link that closes it points back.
    """
    forward = nx.DiGraph()
    forward.add_nodes_from(graph)
    starts = [n for n in graph if not graph.in_degree(n)] + list(graph)
    for a, b in (edge for start in starts for edge in nx.edge_dfs(graph, start)):
        if not forward.has_edge(a, b) and not nx.has_path(forward, b, a):
            forward.add_edge(a, b)
    depth: dict[str, int] = {}
    rows: dict[int, int] = {}
    placed: dict[str, tuple[int, int]] = {}
    for name in nx.topological_sort(forward):
        depth[name] = 1 + max((depth[p] for p in forward.predecessors(name)), default=-1)
    for name in graph:
        placed[name] = depth[name], rows.get(depth[name], 0)
        rows[depth[name]] = rows.get(depth[name], 0) + 1
    tallest = max(rows.values(), default=1)
    return {n: (c, -(r + (tallest - rows[c]) / 2)) for n, (c, r) in placed.items()}
