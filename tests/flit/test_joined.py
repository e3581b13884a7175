"""Are regions with a shape each, joined by single links, the network that the same links listed by hand are?"""

import pytest

from chipweave import topology
from chipweave.declare import yamlfile
from chipweave.errors import BadInput
from chipweave.noc import network as flit_network

RATES = "latency: 200 ns, bandwidth: 1.7 TB/s"
SLOW = "{between: [7, 10], latency: 2 us, bandwidth: 100 GB/s}"


def built(text):
    return topology.build(yamlfile.loads(f"name: n\nnetworks: {{n: {{{text}, {RATES}}}}}", "f.yaml")).networks["n"]


def links(network):
    return list(zip(network.links, network.latency_ps.tolist(), network.bandwidth, strict=True))


def test_two_wafers_and_a_slow_link_are_their_links_listed_by_hand():
    grid = [(o + i, o + j) for o in (0, 9) for i in range(9) for j in (i + 1, i + 3) if j < 9 and (j != i + 1 or j % 3)]
    listed = built(f"routers: 18, shape: edges, edges: [{', '.join(str(list(e)) for e in grid)}, {SLOW}]")
    mesh = "shape: mesh, grid: [3, 3]"
    joined = built(
        f"routers: 18, shape: joined, regions: [{{of: 0..8, {mesh}}}, {{of: 9..17, {mesh}}}], edges: [{SLOW}]"
    )
    assert links(joined) == links(listed)
    ways = [(s, t) for s in range(18) for t in range(18)]
    assert [joined.route(*w) for w in ways] == [listed.route(*w) for w in ways]


def test_a_sort_of_links_of_a_region_has_figures_of_its_own():
    """A stack of two layers on a base: links through it are short, terminals of the base slow, others as said."""
    stack = "{of: 0..7, shape: mesh, grid: [2, 2, 2], links: {z: {latency: 20 ns, bandwidth: 5 TB/s}}}"
    switch = "{of: 8..9, shape: cmesh, grid: [1, 2], concentration: [1, 2], links: {terminal: {latency: 7 ns}}}"
    network = built(f"routers: 10, shape: joined, regions: [{stack}, {switch}], edges: [[7, 8]]")
    alone = built("grid: [2, 2, 2], shape: mesh, links: {z: {latency: 20 ns, bandwidth: 5 TB/s}}")
    assert [link for link in links(network) if "8" not in str(link[0]) and "9" not in str(link[0])] == [
        (tuple(alone_name(alone, n) for n in pair), ps, rate) for pair, ps, rate in links(alone)
    ]
    assert [ps for (a, b), ps, _ in links(network) if "region[1]" in a + b] == [7000] * 4


def alone_name(alone, name):
    """Of a router of a grid its name in a row: n[1][0][1] -> n[its number]."""
    return f"n[{alone.rank[name]}]"


@pytest.mark.parametrize(
    "links, words", [("{w: {latency: 1 ns}}", "has no links of sort 'w'"), ("3", "links must be a")]
)
def test_sorts_that_a_region_has_not_are_refused(links, words):
    with pytest.raises(BadInput, match=words):
        built(f"routers: 4, shape: joined, regions: [{{of: all, shape: ring, links: {links}}}]")


def test_latencies_that_an_anynet_file_names_hold_in_a_region_in_units_of_the_region(tmp_path):
    """Node 1 is 5 units away, router 1 is 15 away from router 0 and 1 back; a unit is the region's latency."""
    (tmp_path / "two.txt").write_text("router 0 node 0 node 1 5 router 1 15\nrouter 1 node 2\n")
    region = "{of: 0..2, shape: anynet, file: two.txt, latency: 3 ns}"
    file = tmp_path / "n.yaml"
    file.write_text(
        f"name: n\nnetworks: {{n: {{routers: 4, shape: joined, regions: [{region}], edges: [[2, 3]], {RATES}}}}}\n"
    )
    network = topology.load(file).networks["n"]
    ps = dict(zip(network.links, network.latency_ps.tolist(), strict=True))
    first, second = "n.region[0].router[0]", "n.region[0].router[1]"
    assert (ps["n[0]", first], ps["n[1]", first], ps[first, "n[1]"]) == (3000, 15_000, 15_000)
    assert (ps[first, second], ps[second, first], ps["n[2]", "n[3]"]) == (45_000, 3000, 200_000)


def test_gpus_on_the_planes_of_their_nodes_and_on_rails_between_nodes():
    """Two nodes of four GPUs: within a node by its switch, GPU i to GPU i of the other node by rail i, else by both."""
    rails = ", ".join(f"{{of: '{i}, {i + 4}', shape: switch, latency: 1 us, bandwidth: 50 GB/s}}" for i in range(4))
    network = built(
        f"routers: 8, shape: joined, regions: [{{of: 0..3, shape: switch}}, {{of: 4..7, shape: switch}}, {rails}], "
        "routing: up_down, link_model: flit"
    )
    assert network.nodes[8:] == tuple(f"n.region[{i}].switch" for i in range(6))
    assert flit_network.of(network).prove() == ""
    by_links = built(
        f"routers: 8, shape: joined, regions: [{{of: 0..3, shape: switch}}, {{of: 4..7, shape: switch}}, {rails}]"
    )
    assert [by_links.hops(0, t) for t in range(1, 8)] == [2, 2, 2, 2, 4, 4, 4]
    assert {b for _, b in by_links.route(1, 5)} == {"n.region[3].switch", "n[5]"}
    slow = [ps for (a, b), ps, _ in links(by_links) if "region[3]" in a + b]
    assert slow == [10**6] * 4


@pytest.mark.parametrize(
    "regions, message",
    [
        ("[{of: 0..8, shape: mesh, grid: [3, 4]}]", "region 0 of 9 endpoints: its grid has 12 places"),
        (
            "[{of: 0..99, shape: ring}]",
            "'0..99' names no endpoints of network 'n'; allowed: all, or numbers and ranges of 0..17",
        ),
        ("[{of: all, shape: messh}]", "nearest: mesh"),
        ("[{of: all, shape: ring}, {of: 0..8, shape: ring}]", "two links lead from n[0] to n[1]"),
        ("[{of: '0, 0', shape: ring}]", "a region names an endpoint twice"),
        ("[{of: all, shape: ring, latncy: 1 ns}]", "region 0 has no parameter 'latncy'"),
        ("[{of: 0..8, shape: full}]", "n[9] cannot be reached from n[0]"),
    ],
)
def test_regions_that_do_not_fit_are_refused(regions, message):
    with pytest.raises(BadInput) as raised:
        built(f"routers: 18, shape: joined, regions: {regions}")
    assert any(message in str(fault) and "f.yaml:2" in str(fault) for fault in raised.value.faults), raised.value.faults
