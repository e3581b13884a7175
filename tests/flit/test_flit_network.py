"""Is a topology's network, under flit, the network that BookSim 2 numbers, and are its cycles and buffers as
written?"""

from fractions import Fraction

import numpy as np
import pytest

from chipweave import topology
from chipweave.errors import BadInput
from chipweave.noc import network as flit_network
from chipweave.noc import routing

WAFER = "schema: chipweave.topology/1\nname: t\nnetworks:\n  n:\n    link_model: flit\n    "


def built(tmp_path, text, *sets):
    file = tmp_path / "t.yaml"
    file.write_text(WAFER + text.replace("\n", "\n    "))
    return topology.load(file, sets=sets).networks["n"]


def wires(network):
    return {(k.src, k.src_port, k.dst, k.dst_port, k.latency, k.interval) for k in network.links}


@pytest.mark.parametrize(
    "name, radices, wrap", [("mesh_4x4", (4, 4), False), ("mesh_8x8", (8, 8), False), ("torus_8x8", (8, 8), True)]
)
def test_bare_networks_equal_the_grids_that_the_booksim_traces_are_exact_on(name, radices, wrap):
    network = next(iter(topology.load(name).networks.values()))
    spec, expected = flit_network.of(network), routing.grid(radices, wrap=wrap)
    assert wires(spec.network) == wires(expected)
    assert np.array_equal(spec.network.table, expected.table) and spec.network.terminals == expected.terminals
    if wrap:
        assert np.array_equal(spec.network.phase, expected.phase) and np.array_equal(spec.network.tie, expected.tie)
    assert (spec.router.vcs, spec.router.vc_depth, spec.router.vc_classes) == (4, 8, 1)
    assert flit_network.check(network) == []


@pytest.mark.parametrize(
    "text",
    [
        "grid: [3, 4]\nshape: mesh\nlatency: 3 ns\nbandwidth: 32 GB/s",
        "grid: [3, 4]\nshape: mesh\nrouting: yx\nlatency: 3 ns\nbandwidth: 32 GB/s",
        "grid: [5, 4]\nshape: torus\norder: rows\nlatency: 3 ns\nbandwidth: 32 GB/s",
        "grid: [2, 4]\nshape: torus\nlatency: 3 ns\nbandwidth: 32 GB/s",
        "routers: 6\nshape: ring\nlatency: 3 ns\nbandwidth: 32 GB/s",
        "routers: 5\nshape: switch\nswitches: 2\nlatency: 3 ns\nbandwidth: 32 GB/s",
        (
            "grid: [3, 3]\nshape: mesh\nrouting: shortest\nlatency: 3 ns\n"
            "bandwidth: 32 GB/s\noverride: [{between: [0, 1], absent: true}]"
        ),
        (
            "grid: [3, 3]\nshape: mesh\nrouting: shortest_latency\nlatency: 3 ns\n"
            "bandwidth: 32 GB/s\noverride: [{between: [0, 1], latency: 20 ns}]"
        ),
        "routers: 4\nshape: switch\nswitches: 2\nrouting: shortest_latency\nlatency: 3 ns\nbandwidth: 32 GB/s",
    ],
)
def test_routes_are_those_of_the_topology(tmp_path, text):
    network = built(tmp_path, text)
    made = flit_network.of(network).network
    out = {(k.src, k.src_port): k.dst for k in made.links}
    for source in range(len(network.endpoints)):
        for goal in range(len(network.endpoints)):
            here, path = source, []
            while here != goal:
                onward = out[here, int(made.table[here, goal])]
                path.append((here, onward))
                here = onward
            assert path == [(network.rank[a], network.rank[b]) for a, b in network.route(source, goal)]


def test_latency_width_and_depth_in_cycles_and_flits(tmp_path):
    text = (
        "grid: [2, 2]\nshape: mesh\nlatency: 2500 ps\nbandwidth: 64 GB/s\n"
        "override:\n  - {between: [0, 1], bandwidth: 20 GB/s, latency: 100 ps}"
    )
    spec = flit_network.of(built(tmp_path, text))
    assert spec.clock == 2 * 10**9
    assert {(k.latency, k.interval) for k in spec.network.links} == {
        (5, 1),
        (1, Fraction(16, 5)),
    }  # 0.2 cycles is 1; 3.2 cycles a flit are kept in the mean
    assert spec.router.vc_depth == 8
    with pytest.raises(BadInput, match="less than the bandwidth"):
        flit_network.of(built(tmp_path, text, "n.router.clock=1.9 GHz"))


def test_a_buffer_below_the_credit_loop_is_warned_of_with_the_share_it_leaves(tmp_path):
    text = (
        "grid: [2, 2]\nshape: mesh\nlatency: 20 ns\nbandwidth: 32 GB/s\n"
        "router: {message_vcs: 1, vcs: 2, max_packet: 1 MiB}"
    )
    network = built(tmp_path, text)  # loop: ST 1 + 2 x 20 + credit 1 + 2 = 44 flits
    assert flit_network.of(network).share()[1] == 44
    [warning] = flit_network.check(network)
    assert "8 flits (256 B)" in warning and "44 flits (1,408 B)" in warning and "18.2% of the bandwidth" in warning
    assert flit_network.check(built(tmp_path, text, "n.router.vc_depth=44")) == []


def test_a_torus_with_an_odd_number_of_vcs_is_refused_and_allowed_where_the_yaml_says_so(tmp_path):
    text = "grid: [4, 4]\nshape: torus\nlatency: 2 ns\nbandwidth: 32 GB/s\nrouter: {vcs: 3}"
    with pytest.raises(BadInput, match="VC of both halves 1"):
        flit_network.check(built(tmp_path, text))
    [warning] = flit_network.check(built(tmp_path, text + "\nallow_deadlock: true"))
    assert "in a circle" in warning


def test_a_ring_by_shortest_ways_is_refused_by_name(tmp_path):
    ring = "routers: 5\nshape: ring\nlatency: 1 ns\nbandwidth: 1 GB/s"
    with pytest.raises(BadInput, match=r"n\[0\] -> n\[1\] \(class 0, VCs 0-3\)"):
        flit_network.check(built(tmp_path, ring + "\nrouting: shortest"))
    assert flit_network.check(built(tmp_path, ring)) == []  # its own routing has a dateline


def test_vcs_that_do_not_divide_into_ranges_are_refused(tmp_path):
    network = built(
        tmp_path,
        "grid: [2, 2]\nshape: mesh\nlatency: 1 ns\nbandwidth: 32 GB/s\nrouter: {vcs: 6, message_vcs: 2, vc_classes: 2}",
    )
    with pytest.raises(BadInput, match="multiple of 4"):
        flit_network.of(network)
