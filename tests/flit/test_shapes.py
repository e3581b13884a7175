"""Has each shape the routers, links and distances of its closed form, and does its own routing run under flit?"""

from math import comb, prod

import networkx as nx
import numpy as np
import pytest

from chipweave import topology
from chipweave.declare import yamlfile
from chipweave.errors import BadInput
from chipweave.noc import network as flit_network
from chipweave.noc.shape import shapes
from chipweave.traffic import synthetic
from chipweave.views.draw_layout import positions

RATES = "latency: 2 ns, bandwidth: 32 GB/s"


def built(settings):
    text = f"name: n\nnetworks: {{n: {{{settings}, {RATES}, link_model: flit}}}}"
    return topology.build(yamlfile.loads(text, "f.yaml")).networks["n"]


def links(network):
    return len(network.pair_numbers())


@pytest.mark.parametrize("dims", [(7,), (3, 4), (3, 4, 2), (2, 3, 2, 3)])
@pytest.mark.parametrize("shape", ["mesh", "torus"])
@pytest.mark.parametrize("order", ["rows", "columns"])
def test_grids_of_any_number_of_axes_are_those_of_networkx(dims, shape, order):
    network = built(f"grid: {list(dims)}, shape: {shape}, order: {order}")
    expected = nx.grid_graph(dims[::-1], periodic=[k > 2 for k in dims[::-1]] if shape == "torus" else False)
    found = {frozenset((network.place_of[a], network.place_of[b])) for a, b in network.pairs()}
    one = len(dims) == 1
    assert found == {frozenset(((a,), (b,)) if one else (a, b)) for a, b in expected.edges}
    assert network.diameter == nx.diameter(expected) == int(network.distance.max())
    strides = np.cumprod([1, *(dims[:-1] if order == "columns" else dims[:0:-1])])
    place = network.places.at if order == "columns" else network.places.at[:, ::-1]
    assert (place @ strides == np.arange(prod(dims))).all()
    assert flit_network.check(network) == []


def test_a_ring_has_the_links_and_routes_of_a_torus_of_one_axis():
    ring, torus = built("routers: 8, shape: ring"), built("grid: [8], shape: torus")
    assert links(ring) == 8 and ring.diameter == 4
    ways = [(s, t) for s in range(8) for t in range(8)]
    assert [ring.link_route(*w) for w in ways] == [torus.link_route(*w) for w in ways]
    a, b = (flit_network.of(n).network for n in (ring, torus))
    assert np.array_equal(a.table, b.table) and np.array_equal(a.phase, b.phase) and a.links == b.links


def test_full_and_switch_by_count():
    assert links(built("routers: 9, shape: full")) == comb(9, 2)
    planes = built("routers: 6, shape: switch, switches: 3")
    assert links(planes) == 18 and planes.nodes[6:] == ("n.switch[0]", "n.switch[1]", "n.switch[2]")


def test_a_concentrated_mesh_seats_blocks_of_endpoints_at_the_routers_of_a_mesh():
    network = built("grid: [4, 6], shape: cmesh, concentration: [2, 2]")
    assert network.node_count - network.endpoint_count == 6 and links(network) == (2 * 3 * 2 - 2 - 3) + 24
    terminals = {
        tuple(network.place_of[e]): network.nodes[s] for e, s in zip(network.endpoints, network.terminals, strict=True)
    }
    assert (
        terminals[0, 0] == terminals[1, 1] == "n.router[0][0]"
        and terminals[3, 5] == terminals[2, 4] == "n.router[1][2]"
    )
    assert network.diameter == 3 + 2 and flit_network.check(network) == []


@pytest.mark.parametrize(
    "down, up", [([3], [1]), ([2, 2, 2], None), ([4, 3], [1, 2]), ([2, 4, 2], [1, 3, 1]), ([3, 2], [2, 2])]
)
def test_a_fat_tree_has_the_switches_links_and_ways_of_its_closed_form(down, up):
    count = prod(down)
    network = built(f"routers: {count}, shape: fat_tree, down: {down}" + (f", up: {up}" if up else ""))
    up = up or [1, *down[:-1]]
    assert network.node_count - count == sum(prod(down[i:]) * prod(up[:i]) for i in range(1, len(down) + 1))
    assert links(network) == sum(prod(down[i:]) * prod(up[: i + 1]) for i in range(len(down)))
    far = nx.single_source_shortest_path_length(network.graph, network.nodes[0])
    assert max(far[e] for e in network.endpoints) == 2 * len(down)
    paths = list(nx.all_shortest_paths(network.graph, network.nodes[0], network.nodes[count - 1]))
    assert len(paths) == prod(up)
    assert flit_network.check(network) == []


@pytest.mark.parametrize("p, a, h, groups", [(1, 2, 1, 3), (2, 4, 2, 9), (2, 4, 2, 5), (1, 3, 1, 1)])
def test_a_dragonfly_joins_every_two_groups(p, a, h, groups):
    network = built(
        f"routers: {p * a * groups}, shape: dragonfly, terminals: {p}, routers_per_group: {a}, global_links: {h}"
    )
    group = lambda name: name.split(".")[1].split("]")[0]  # noqa: E731
    across = {frozenset(map(group, e)) for e in network.pairs() if network.rank[e[0]] >= len(network.endpoints)}
    assert {c for c in across if len(c) == 2} == {
        frozenset(c) for c in _pairs({group(r) for r in network.nodes[p * a * groups :]})
    }
    degree = network.router_adjacency
    assert int(np.diff(degree.start).max()) <= a - 1 + h
    assert network.diameter <= 3 + 2 and flit_network.check(network) == []


def _pairs(groups):
    return [(a, b) for a in groups for b in groups if a < b]


def test_sorts_of_links_have_values_of_their_own():
    cube = built("grid: [3, 3, 3], shape: mesh, links: {z: {latency: 20 ps, bandwidth: 5 TB/s}}")
    for (a, b), ps, rate in zip(cube.links, cube.latency_ps, cube.bandwidth, strict=True):
        up = cube.place_of[a][0] != cube.place_of[b][0]
        assert (ps, rate) == ((20, 5 * 10**12) if up else (2000, 32 * 10**9))
    fly = built(
        "routers: 6, shape: dragonfly, terminals: 1, routers_per_group: "
        "2, global_links: 1, links: {global: {latency: 9 ns}}"
    )
    assert sorted(set(fly.latency_ps.tolist())) == [2000, 9000] and (fly.latency_ps == 9000).sum() == 6
    with pytest.raises(BadInput, match=r"f.yaml:2:\d+: network 'n' has no links of sort 'w'; allowed: y, x"):
        built("grid: [3, 3], shape: mesh, links: {w: {latency: 1 ns}}")


@pytest.mark.parametrize(
    "settings, message",
    [
        ("routers: 7, shape: fat_tree, down: [2, 4]", "a tree of down [2, 4] has 8 endpoints, not 7"),
        ("routers: 8, shape: fat_tree, down: [2, 4], up: [1]", "need one number for each level"),
        ("grid: [3, 4], shape: cmesh, concentration: [2, 2]", "is no whole number of blocks of [2, 2]"),
        (
            "routers: 7, shape: dragonfly, terminals: 1, routers_per_group: 2, global_links: 1",
            "no whole number of groups of 2",
        ),
        ("routers: 8, shape: dragonfly, terminals: 1, routers_per_group: 2, global_links: 1", "join at most 3"),
        ("routers: 4, shape: ring, down: [2]", "only shape: fat_tree has down; allowed: shape: fat_tree"),
    ],
)
def test_endpoints_that_do_not_fit_a_shape_are_refused(settings, message):
    with pytest.raises(BadInput) as raised:
        built(settings)
    assert any(message in str(fault) and "f.yaml:2" in str(fault) for fault in raised.value.faults), raised.value.faults


SMALL = {
    "mesh": "grid: [2, 2, 3]",
    "torus": "grid: [3, 2, 3]",
    "ring": "routers: 6",
    "full": "routers: 5",
    "switch": "routers: 5, switches: 2",
    "cmesh": "grid: [4, 4], concentration: [2, 2]",
    "fat_tree": "routers: 8, down: [2, 2, 2]",
    "dragonfly": "routers: 12, terminals: 2, routers_per_group: 2, global_links: 1",
    "edges": "routers: 4, edges: [[0, 1], [1, 2], [2, 3]]",
}


@pytest.mark.parametrize("shape", sorted(set(shapes.kinds()) - {"csv", "graphml", "anynet", "joined"}))
def test_every_shape_delivers_every_packet_under_load(shape):
    spec = flit_network.of(built(f"shape: {shape}, {SMALL[shape]}"))
    result = synthetic.run(spec.network, spec.router, "uniform", 0.7, packet_flits="4", warmup=100, cycles=400)
    assert result["packets"] > 100 and result["accepted_flits"] > 0.2


@pytest.mark.parametrize(
    "text",
    [
        "grid: [3, 3, 3], shape: mesh",
        "grid: [2, 3, 2, 2], shape: torus",
        "routers: 30, shape: edges, edges: ["
        + ", ".join(f"[{i // 2}, {i}]" for i in range(1, 30))
        + ", [7, 22], [3, 29]]",
        "routers: 30, shape: dragonfly, terminals: 1, routers_per_group: 5, global_links: 1",
        "routers: 8, shape: fat_tree, down: [2, 2, 2]",
    ],
)
def test_no_two_routers_of_a_picture_overlap(text):
    spots = positions(built(text))
    at = np.array(list(spots.values()))
    gaps = np.linalg.norm(at[:, None] - at[None], axis=2) + np.eye(len(at)) * 9
    assert len(at) == built(text).node_count and gaps.min() > 0.85
