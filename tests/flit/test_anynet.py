"""Is a graph of BookSim 2 (`anynet`, routing `min`), written down in YAML, the graph that it ran on?"""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipweave import topology
from chipweave.declare import yamlfile
from chipweave.noc import network as flit_network
from chipweave.noc import routing

from .booksim_traces import index, packets, rows
from .test_commands import main

HEAD = (
    "schema: chipweave.topology/1\nname: graph\nnetworks:\n  net:\n    link_model: flit\n"
    "    shape: edges\n    routing: {routing}\n    routers: {routers}\n"
)
WIRE = (
    "    latency: {value: 1 ns, source: x, kind: assumed}\n    bandwidth: {value: 32 GB/s, source: x, kind: assumed}\n"
)


def text(routers, latencies, how="shortest_latency", more=""):
    """YAML of directed links {(a, b): cycles} at a flit of 32 B in 1 ns."""
    edges = ", ".join(
        f"{{between: [{a}, {b}], latency: {cycles} ns, one_way: true}}" for (a, b), cycles in latencies.items()
    )
    return HEAD.format(routing=how, routers=routers) + f"    edges: [{edges}]\n" + WIRE + more


@st.composite
def graphs(draw):
    routers = draw(st.integers(2, 9))
    pairs = {(child, draw(st.integers(0, child - 1))) for child in range(1, routers)}
    other = st.tuples(st.integers(0, routers - 1), st.integers(0, routers - 1)).filter(lambda p: p[0] > p[1])
    pairs |= set(draw(st.lists(other, max_size=8)))
    cycles = st.integers(1, 4)  # few, so that there are ties
    return routers, {way: draw(cycles) for a, b in sorted(pairs) for way in ((a, b), (b, a))}


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(graphs())
def test_routes_by_latency_are_those_of_booksim(graph):
    network = topology.build(yamlfile.loads(text(*graph, more="    allow_deadlock: true\n"))).networks["net"]
    made, expected = flit_network.of(network).network, routing.irregular(*graph)
    assert (
        np.array_equal(made.table, expected.table)
        and made.links == expected.links
        and made.terminals == expected.terminals
    )


@pytest.mark.parametrize("how, equal", [("shortest_latency", True), ("shortest", False)])
def test_a_recorded_run_on_a_graph_of_unequal_latencies_is_replayed_to_the_cycle(tmp_path, how, equal):
    """By `chipweave replay`, from YAML and a list of packets; routes by number of links are others."""
    row = index()["T07"]
    links = {
        (int(r["src_router"]), int(r["dst_router"])): int(r["latency"])
        for r in rows("anynet_links.csv")
        if r["net"] == row["network"]
    }
    (tmp_path / "graph.yaml").write_text(text(int(row["k"]), links, how))
    with open(tmp_path / "packets.csv", "w", newline="") as file:
        csv.writer(file).writerows([("src", "dst", "size", "ctime"), *(p[:4] for p in packets()["T07"])])
    sets = [
        x
        for name in ("num_vcs", "vc_buf_size", "routing_delay", "credit_delay")
        for x in ("--set", f"{name}={row[name]}")
    ]
    assert (
        main(
            [
                "replay",
                str(tmp_path / "graph.yaml"),
                str(tmp_path / "packets.csv"),
                "--csv",
                str(tmp_path / "out.csv"),
                "--allow-deadlock",
                *sets,
            ]
        )
        == 0
    )
    with open(tmp_path / "out.csv", newline="") as file:
        got = [tuple(int(r[c]) for c in ("itime", "atime", "hops")) for r in csv.DictReader(file)]
    assert (got == [p[4:] for p in packets()["T07"]]) == equal


def test_routes_by_latency_that_can_deadlock_are_refused_by_check(tmp_path, capsys):
    """A ring of five: ways of two links close the circle; with one link slower than all others together no way passes
    it."""
    ring = {way: 1 for i in range(5) for way in ((i, (i + 1) % 5), ((i + 1) % 5, i))}
    file = tmp_path / "ring.yaml"
    file.write_text(text(5, ring))
    assert main(["check", str(file)]) == 2 and "deadlock" in capsys.readouterr().err
    file.write_text(text(5, ring | {(4, 0): 9, (0, 4): 9}))
    assert main(["check", str(file)]) == 0
    capsys.readouterr()
    assert main(["info", str(file)]) == 0 and "shortest_latency" in capsys.readouterr().out
