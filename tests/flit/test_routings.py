"""Does each routing lead everywhere, by the ways it promises, and never into a circle of waiting packets?"""

from math import prod

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipweave import topology
from chipweave.declare import yamlfile
from chipweave.errors import BadInput
from chipweave.noc import deadlock, routing
from chipweave.noc import network as flit_network
from chipweave.noc.routing import Turns
from chipweave.traffic import synthetic

from .test_kernel_is_twin import agree, traffic

RATES = "latency: 2 ns, bandwidth: 32 GB/s, link_model: flit"


def built(text):
    return topology.build(yamlfile.loads(f"name: n\nnetworks: {{n: {{{text}, {RATES}}}}}", "f.yaml")).networks["n"]


@st.composite
def connected(draw):
    """YAML of a connected graph of 2 to 12 routers, whatever its circles."""
    size = draw(st.integers(2, 12))
    pairs = {(draw(st.integers(0, child - 1)), child) for child in range(1, size)}
    other = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)).filter(lambda p: p[0] < p[1])
    pairs |= set(draw(st.lists(other, max_size=10)))
    return f"routers: {size}, shape: edges, edges: {[list(p) for p in sorted(pairs)]}"


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(connected(), st.sampled_from(["up_down", "shortest_escape"]))
def test_any_connected_graph_is_free_of_deadlock_and_every_pair_is_reached(graph, how):
    network = built(f"{graph}, routing: {how}")
    assert flit_network.check(network) == []
    for s in range(network.endpoint_count):
        lengths = nx.single_source_shortest_path_length(network.graph, network.nodes[s])
        for t in range(network.endpoint_count):
            route = network.route(s, t)
            at = [network.nodes[s], *(b for _, b in route)]
            assert at[-1] == network.nodes[t] and all(a == b for (a, _), b in zip(route, at, strict=False))
            if how == "shortest_escape":
                assert len(route) == lengths[network.nodes[t]]


@settings(max_examples=40, deadline=None)
@given(connected())
def test_up_down_never_goes_up_after_down(graph):
    network = built(f"{graph}, routing: up_down")
    up = network.rule.up
    for s in range(network.endpoint_count):
        for t in range(network.endpoint_count):
            ways = [bool(up[i]) for i in network.link_route(s, t)]
            assert ways == sorted(ways, reverse=True)


@settings(max_examples=30, deadline=None)
@given(connected(), st.sampled_from(["up_down", "shortest_escape"]), st.data())
def test_kernel_and_twin_agree_on_random_graphs_under_routings_for_any_graph(graph, how, data):
    spec = flit_network.of(built(f"{graph}, routing: {how}, router: {{vc_depth: 2, vcs: 2}}"))
    agree(spec.network, spec.router, data.draw(traffic(spec.network, spec.router)), general=how == "shortest_escape")


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=4).filter(lambda dims: prod(dims) <= 40),
    st.booleans(),
    st.sampled_from(["rows", "columns"]),
    st.sampled_from(["xy", "yx"]),
)
def test_the_turns_of_a_grid_are_its_routes(dims, closed, order, how):
    """The rule that large grids have in place of a table, against the ways that every other link model takes."""
    network = built(f"grid: {dims}, shape: {'torus' if closed else 'mesh'}, order: {order}, routing: {how}")
    made = flit_network.of(network).network
    out = {(k.src, k.src_port): k.dst for k in made.links}
    table = made.turns.table(made.routers)
    for s in range(made.routers):
        for t in range(made.routers):
            path = [s]
            while path[-1] != t:
                path.append(out[path[-1], int(table[path[-1], t]) & 63])
            assert path == network.rule.path(s, t)


@pytest.mark.parametrize(
    "radices, wrap", [((3, 4), False), ((4, 4), True), ((5,), True), ((2, 3, 4), False), ((3, 4, 3), True)]
)
@pytest.mark.parametrize("vcs", [2, 3, 4])
def test_the_proof_by_dimension_is_that_of_the_general_walk(radices, wrap, vcs):
    net, router = routing.grid(radices, wrap), flit_network.Router(vcs=vcs)
    assert deadlock.by_rule(net)
    general = bool(deadlock.find_cycle(deadlock.dependencies(net, router)))
    assert any(deadlock.has_cycle(line, router) for line in deadlock.lines(net.turns)) == general
    assert deadlock.has_cycle(net, router) == general == bool(deadlock.prove(net, router, allow=True))


def test_a_table_that_is_not_the_rule_is_walked():
    net = routing.grid((4, 4))
    net.table[0, 5] = 2  # y first from one corner: a turn that dimension order never makes
    assert not deadlock.by_rule(net)


def test_quick_walks_have_the_dependencies_of_the_general_one():
    for text in ("grid: [4, 4], shape: cmesh, concentration: [2, 2]", "routers: 8, shape: fat_tree, down: [2, 2, 2]"):
        made = flit_network.of(built(text)).network
        quick, general = deadlock.TableWalk(made), deadlock.Walk(made)
        for name in ("edges", "first", "last"):
            assert np.array_equal(getattr(quick, name), getattr(general, name)), name


@pytest.mark.parametrize("how", ["up_down", "shortest_escape"])
@pytest.mark.parametrize(
    "graph",
    [
        "routers: 9, shape: ring",
        (
            "grid: [4, 4], shape: mesh, override: [{between: ['[1][1]', '[1][2]'], "
            "absent: true}, {between: ['[2][1]', '[2][2]'], absent: true}]"
        ),
        "routers: 30, shape: dragonfly, terminals: 1, routers_per_group: 5, global_links: 1",
    ],
)
def test_circles_run_under_saturating_traffic(graph, how):
    spec = flit_network.of(built(f"{graph}, routing: {how}, router: {{vc_depth: 2}}"))
    result = synthetic.run(
        spec.network, spec.router, "uniform", 1.0, packet_flits="5", warmup=200, cycles=1500, drain_limit=10**6
    )
    assert result["packets"] > 500 and result["accepted_flits"] > 0.05


def test_a_wafer_with_a_dead_die_and_one_with_a_cut_link_pass_check_and_run(tmp_path):
    for name, change in (
        ("hole", "parts: {die: {absent: ['[2][2]']}}"),
        ("cut", "networks: {d2d: {override: [{between: ['[2][2]', '[2][3]'], absent: true}]}}"),
    ):
        for how in ("up_down", "shortest_escape"):
            file = tmp_path / f"{name}.yaml"
            file.write_text(f"extends: wafer_5x5\nname: {name}\nexpect: null\n{change}\n")
            network = topology.load(file, [f"d2d.routing={how}", "d2d.link_model=flit"]).networks["d2d"]
            assert flit_network.check(network) == []
            assert flit_network.of(network, 2).prove([(0, 1)]) == ""


def test_an_escape_needs_a_second_vc():
    network = built("routers: 5, shape: ring, routing: shortest_escape, router: {vcs: 1}")
    with pytest.raises(BadInput, match="needs 2 VCs a class"):
        flit_network.check(network)


def test_min_adapt_is_booksims_on_whole_meshes_and_refused_elsewhere():
    made = flit_network.of(built("grid: [3, 4], shape: mesh, order: rows, routing: min_adapt")).network
    expected = routing.grid((4, 3), routing="min_adapt")
    out = {(k.src, k.src_port): k.dst for k in made.links}
    other = {(k.src, k.src_port): k.dst for k in expected.links}
    for r in range(12):
        for e in range(12):
            ways = {out[r, p] for p in range(64) if int(made.minimal[r, e]) >> p & 1}
            assert ways == {other[r, p] for p in range(64) if int(expected.minimal[r, e]) >> p & 1}
    with pytest.raises(BadInput, match="min_adapt needs a whole mesh"):
        built("grid: [3, 4], shape: torus, routing: min_adapt")


def test_turns_too_long_for_memory_are_refused_with_their_size():
    with pytest.raises(BadInput, match="a dimension of 65,536 routers"):
        Turns.of([1 << 16], [1], [False])
