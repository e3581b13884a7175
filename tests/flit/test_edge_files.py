"""Are graphs read from CSV, GraphML and BookSim 2's anynet files the graphs that they hold, and bad files refused with
their line?"""

import networkx as nx
import numpy as np
import pytest

from chipweave import topology
from chipweave.errors import BadInput
from chipweave.fabric.noc import replay
from chipweave.noc import network as flit_network
from chipweave.noc import routing
from chipweave.plain.noc import Packet, PlainNetwork

SHIPPED = """router 0 node 0 node 1 node 2 router 1
router 1 node 3 node 4 node 5
router 2 node 6 node 7 node 8 router 1 router 0
"""  # src/examples/anynet/anynet_file of BookSim 2 (BSD-2-Clause)


@pytest.fixture
def build(tmp_path):
    def made(name, text, settings):
        (tmp_path / name).write_text(text)
        file = tmp_path / "n.yaml"
        rates = "latency: 1 ns, bandwidth: 32 GB/s, link_model: flit"
        file.write_text(f"name: n\nnetworks: {{n: {{{settings}, file: {name}, {rates}}}}}\n")
        return topology.load(file).networks["n"]

    return made


def edges(network):
    return {
        (a, b): (int(ps), rate)
        for (a, b), ps, rate in zip(network.links, network.latency_ps, network.bandwidth, strict=True)
    }


def test_a_csv_file_is_the_list_of_its_links(build):
    text = "source,target,latency,bandwidth,one_way\n0,1,,,\n1,2,5 ns,16 GB/s,\n2,0,,,true\n0,2,,,true\n"
    network = build("a.csv", text, "shape: csv")
    slow, usual = (5000, 16 * 10**9), (1000, 32 * 10**9)
    expected = {("n[0]", "n[1]"): usual, ("n[1]", "n[0]"): usual, ("n[1]", "n[2]"): slow, ("n[2]", "n[1]"): slow}
    assert edges(network) == expected | {("n[2]", "n[0]"): usual, ("n[0]", "n[2]"): usual}
    named = build("a.csv", "source,target\nbern,rome\nrome,oslo\n", "shape: csv")
    assert named.endpoints == ("n.bern", "n.rome", "n.oslo") and len(named.pair_numbers()) == 2


@pytest.mark.parametrize(
    "text, message",
    [
        ("source,target\n0,1\n1,0\n", "a.csv:3: the link 1 - 0 is listed twice, first at"),
        ("source,target\n0,0\n", "a.csv:2: a link from 0 to itself"),
        ("source,target,latncy\n0,1,\n", "a.csv:1: there is no column 'latncy'; allowed: source, target, latency"),
        ("source,target,latency,latency\n0,1,,\n", "a.csv:1: column 'latency' is given twice"),
        ("source\n0\n", "a.csv:1: columns source and target are needed"),
        ("source,target\n0,1,2\n", "a.csv:2: 3 cells, and 2 columns"),
        ("source,target,latency\n0,1,5 GB\n", "a.csv:2: latency: "),
        ("source,target,latency\n0,1,0 ns\n", "a.csv:2: latency = 0 ns must be above zero"),
        ("source,target,one_way\n0,1,maybe\n", "a.csv:2: one_way: 'maybe' is neither true nor false"),
    ],
)
def test_a_bad_csv_file_is_refused_with_its_line(build, text, message):
    with pytest.raises(BadInput) as raised:
        build("a.csv", text, "shape: csv")
    assert any(message in str(fault) for fault in raised.value.faults), [str(f) for f in raised.value.faults]


def test_graphml_comes_back_as_networkx_wrote_it(build, tmp_path):
    graph = nx.petersen_graph()
    nx.set_edge_attributes(graph, {(0, 1): {"latency": "7 ns", "bandwidth": "8 GB/s"}})
    nx.write_graphml(graph, tmp_path / "g.graphml")
    network = build("g.graphml", (tmp_path / "g.graphml").read_text(), "shape: graphml, routing: up_down")
    found = {tuple(sorted((network.rank[a], network.rank[b]))) for a, b in network.pairs()}
    assert found == {tuple(sorted(e)) for e in graph.edges} and edges(network)["n[1]", "n[0]"] == (7000, 8 * 10**9)
    assert flit_network.check(network) == []
    one_way = nx.DiGraph([("a", "b"), ("b", "c"), ("c", "a"), ("a", "c")])
    nx.write_graphml(one_way, tmp_path / "g.graphml")
    network = build("g.graphml", (tmp_path / "g.graphml").read_text(), "shape: graphml")
    assert set(network.links) == {(f"n.{a}", f"n.{b}") for a, b in one_way.edges}


@pytest.mark.parametrize(
    "text, message",
    [
        ('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><graphml/>', "a document type or entity is declared"),
        ("<graphml><graph", "not XML: "),
        ('<?xml version="1.0" encoding="UTF-flit8"?><graphml/>', "g.graphml:1: the encoding 'UTF-flit8' is not read"),
        (
            '<?xml version="1.0" encoding="latin-1"?><graphml a="é"/>',
            "the encoding 'latin-1' is not read; allowed: UTF-8",
        ),
        ("<graphml></graphml>", "not a single plain graph"),
        ("plain text", "not XML: "),
    ],
)
def test_graphml_with_entities_or_without_a_graph_is_refused(build, text, message):
    with pytest.raises(BadInput, match=message):
        build("g.graphml", text, "shape: graphml")


def packets(count, endpoints):
    rng = np.random.default_rng(3)
    return [
        (int(s), int(d), int(size), int(t))
        for s, d, size, t in zip(
            rng.integers(0, endpoints, count),
            rng.integers(0, endpoints, count),
            rng.integers(1, 6, count),
            np.sort(rng.integers(0, 60, count)),
            strict=True,
        )
    ]


def test_booksims_own_anynet_example_is_its_graph_packet_by_packet(build):
    """Three endpoints at each of three routers; the same network written as `edges` with `terminals`, and by hand."""
    router = "router: {vcs: 1, vc_depth: 3}, allow_deadlock: true"
    spec = flit_network.of(build("anynet_file", SHIPPED, f"shape: anynet, {router}"))
    by_hand = routing.irregular(
        3, {(a, b): 1 for a in range(3) for b in range(3) if a != b}, [0, 0, 0, 1, 1, 1, 2, 2, 2]
    )
    assert np.array_equal(spec.network.table, by_hand.table) and spec.network.links == by_hand.links
    assert spec.network.terminals == by_hand.terminals and spec.network.terminal_latencies() == [1] * 9
    sent = packets(200, 9)
    assert replay(spec.network, spec.router, sent) == replay(by_hand, spec.router, sent)


@pytest.mark.parametrize("key", ["terminals", "seats"])
def test_seats_in_yaml_are_the_anynet_file(tmp_path, build, key):
    text = (
        f"routers: 9, shape: edges, {key}: [0, 0, 0, 1, 1, 1, 2, 2, "
        "2], edges: [[0, 1], [2, 1], [2, 0]], routing: shortest_latency"
    )
    file = tmp_path / "e.yaml"
    file.write_text(f"name: e\nnetworks: {{n: {{{text}, latency: 1 ns, bandwidth: 32 GB/s}}}}\n")
    listed = topology.load(file).networks["n"]
    read = build("anynet_file", SHIPPED, "shape: anynet")
    assert listed.links == read.links and listed.nodes == read.nodes
    a, b = (flit_network.of(n).network for n in (listed, read))
    assert np.array_equal(a.table, b.table) and a.terminals == b.terminals


def test_latencies_of_nodes_and_of_each_direction_hold(build):
    """Node 1 is 5 units away, node 2 two; router 1 is 15 away from router 0 and 1 back."""
    network = build("any", "router 0 node 0 node 1 5 router 1 15\nrouter 1 node 2 2\n", "shape: anynet")
    spec = flit_network.of(network)
    assert spec.network.terminal_latencies() == [1, 5, 2]
    ps = edges(network)
    assert ps["n.router[0]", "n.router[1]"][0] == 15_000 and ps["n.router[1]", "n.router[0]"][0] == 1000
    sent = [(0, 2, 1, 0), (2, 1, 1, 0), (1, 1, 1, 0), *packets(60, 3)]
    twins = PlainNetwork(spec.network, spec.router).run([Packet(*p) for p in sent])
    for general in (False, True):
        assert replay(spec.network, spec.router, sent, general=general) == [(p.itime, p.atime, p.hops) for p in twins]
    alone = [replay(spec.network, spec.router, [p])[0] for p in ((0, 2, 1, 0), (2, 1, 1, 0), (0, 1, 1, 0))]
    # 1 + injection + h x 4 + links + ejection, of zero-load latency
    assert [a for _, a, _ in alone] == [1 + 1 + 8 + 15 + 2, 1 + 2 + 8 + 1 + 5, 1 + 1 + 4 + 5]


@pytest.mark.parametrize(
    "text, message",
    [
        ("router 0 node 0 node 2\n", "nodes must be numbered from 0 on without a gap"),
        ("router 0 node 0\nrouter 1 node 0\n", ":2: node 0 sits at two routers"),
        ("router 0 node 0 nod 1\n", ":1: 'router 0 node 0 nod 1' is no line of an anynet file"),
        ("router 0 node 0 router 0\n", ":1: a link from router 0 to itself"),
    ],
)
def test_a_bad_anynet_file_is_refused_with_its_line(build, text, message):
    with pytest.raises(BadInput) as raised:
        build("any", text, "shape: anynet")
    assert any(message in str(fault) for fault in raised.value.faults), [str(f) for f in raised.value.faults]
