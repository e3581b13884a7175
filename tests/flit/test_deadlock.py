"""Which networks can deadlock, by their channel dependency graph, against closed forms."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

from chipweave.errors import BadInput
from chipweave.noc import deadlock, routing
from chipweave.noc.router import Router

REQUEST_REPLY = [(0, 1)]


def cycle_of(network, replies=(), **options):
    return deadlock.find_cycle(deadlock.dependencies(network, Router(**options), replies))


def links(graph):
    return graph.subgraph([n for n in graph if n[0] == "link"])


def without_datelines(radices):
    return replace(routing.grid(radices, wrap=True), phase=None, tie=None)


def one_way_ring(n):
    """Wormhole on the shortest (only) way round."""
    return routing.irregular(n, {(i, (i + 1) % n): 1 for i in range(n)})


@pytest.mark.parametrize("y, x", [(2, 2), (3, 3), (4, 4), (5, 3)])
def test_a_mesh_by_dimension_order_has_the_turns_of_the_closed_form_and_no_cycle(y, x):
    graph = links(deadlock.dependencies(routing.grid((x, y)), Router()))
    straight = 2 * (y * (x - 2) + x * (y - 2))
    turns = 4 * (x - 1) * (y - 1)  # each x link turns up and down where there is a row above and below
    assert graph.number_of_edges() == straight + turns
    assert nx.is_directed_acyclic_graph(graph)


@pytest.mark.parametrize("k", [4, 5, 6, 8])
def test_a_torus_is_cyclic_without_datelines_and_acyclic_with_them(k):
    assert len(cycle_of(without_datelines((k, 2)))) == k
    assert cycle_of(routing.grid((k, k), wrap=True)) == []


def test_a_torus_of_three_has_no_circle_to_close():
    """Every way along a ring of three is one link long."""
    assert cycle_of(without_datelines((3, 3))) == []


@pytest.mark.parametrize("vcs, shared", [(2, False), (3, True), (4, False), (5, True), (6, False)])
def test_on_a_torus_an_odd_number_of_vcs_overlaps_and_can_deadlock(vcs, shared):
    cycle = cycle_of(routing.grid((8,), wrap=True), vcs=vcs)
    assert bool(cycle) is shared
    assert all(node[3][0] == "VC of both halves" for node in cycle)


@pytest.mark.parametrize("n, cyclic", [(3, True), (4, True), (9, True)])
def test_wormhole_round_a_one_way_ring_deadlocks(n, cyclic):
    cycle = cycle_of(one_way_ring(n))
    assert len(cycle) == n and len({node[1] for node in cycle}) == n


def test_shortest_paths_in_a_ring_of_four_do_not_close_it_and_in_one_of_five_do():
    both = lambda n: {(i, (i + s) % n): 1 for i in range(n) for s in (1, -1)}  # noqa: E731
    assert cycle_of(routing.irregular(3, both(3))) == []
    assert len(cycle_of(routing.irregular(5, both(5)))) == 5


def test_a_tree_never_deadlocks():
    edges = {e: 1 for i in range(1, 15) for e in ((i, (i - 1) // 2), ((i - 1) // 2, i))}
    assert cycle_of(routing.irregular(15, edges)) == []


def test_request_and_reply_on_one_class_deadlock_through_the_endpoints_and_apart_they_do_not():
    mesh = routing.grid((3, 3))
    assert cycle_of(mesh, REQUEST_REPLY, vcs=4, vc_classes=2) == []
    cycle = cycle_of(mesh, [(0, 0)], vcs=4)
    assert {node[0] for node in cycle} == {"link", "eject", "inject"}


def test_replies_that_ask_again_bind_two_classes():
    mesh = routing.grid((2, 2))
    assert cycle_of(mesh, [(0, 1), (1, 2)], vcs=3, vc_classes=3) == []
    cycle = cycle_of(mesh, [(0, 1), (1, 0)], vcs=2, vc_classes=2)
    assert {node[2] for node in cycle} == {0, 1}


def test_minimal_adaptive_routing_is_free_by_its_escape_vc_although_its_other_vcs_make_circles():
    mesh = routing.grid((4, 4), routing="min_adapt")
    assert cycle_of(mesh, vcs=2) == []
    everywhere = deadlock.Walk(mesh).edges
    graph = nx.DiGraph([(tuple(row[:2]), tuple(row[2:])) for row in everywhere.tolist() if row[1] == row[3] == 1])
    assert not nx.is_directed_acyclic_graph(graph)


def test_escape_routes_must_arrive_from_everywhere():
    mesh = routing.grid((3, 1), routing="min_adapt")
    assert deadlock.without_escape(mesh) is None
    mesh.table[1, 2] = 1  # back to router 0
    assert deadlock.without_escape(mesh) in ((0, 2), (1, 2))
    with pytest.raises(BadInput, match="deadlock"):
        deadlock.prove(mesh, Router(vcs=2))


def test_refusal_prints_the_cycle_by_name_and_allow_lets_it_through():
    ring = one_way_ring(3)
    names = {"links": ["a -> b", "b -> c", "c -> a"], "endpoints": list("abc"), "classes": ["data"]}
    with pytest.raises(BadInput) as raised:
        deadlock.prove(ring, Router(vcs=4), names=names)
    assert "a -> b (data, VCs 0-3) -> b -> c (data, VCs 0-3) -> c -> a (data, VCs 0-3) -> a -> b" in str(raised.value)
    assert "allow_deadlock: true" in str(raised.value)
    assert "in a circle" in deadlock.prove(ring, Router(vcs=4), names=names, allow=True)


def test_a_route_out_of_a_port_without_a_link_is_named():
    mesh = routing.grid((2, 1))
    mesh.table[0, 1] = 1
    with pytest.raises(BadInput, match="router 0 sends packets for endpoint 1 out of port 1"):
        deadlock.dependencies(mesh, Router())


@pytest.mark.parametrize("seed", range(6))
def test_walked_dependencies_equal_those_of_every_path_followed_by_itself(seed):
    rng = np.random.default_rng(seed)
    edges = {}
    for i in range(1, 9):
        j = int(rng.integers(0, i))
        edges[i, j] = edges[j, i] = int(rng.integers(1, 4))
    for a, b in rng.integers(0, 9, (6, 2)).tolist():
        if a != b:
            edges[a, b] = edges[b, a] = 1
    net = routing.irregular(9, edges)
    where = {(k.src, k.src_port): i for i, k in enumerate(net.links)}
    expected = set()
    for source in range(9):
        for goal in range(9):
            here, before = source, None
            while here != goal:
                link = where[here, int(net.table[here, goal])]
                if before is not None:
                    expected.add((before, 0, link, 0))
                here, before = net.links[link].dst, link
    assert {tuple(row) for row in deadlock.Walk(net).edges.tolist()} == expected
