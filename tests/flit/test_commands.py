"""Do `traffic` and `replay` give what they promise, with router parameters by every spelling, and refuse the rest in
words?"""

import csv
import json

import pytest

from chipweave.__main__ import main as entry
from chipweave.errors import BadInput
from chipweave.noc.router import Router
from chipweave.noc.routing import grid, irregular
from chipweave.traffic import network_of as routing_system
from chipweave.traffic import synthetic as traffic

from .booksim_traces import trace


def main(arguments):
    with pytest.raises(SystemExit) as end:
        entry(arguments)
    return end.value.code


def test_replay_lists_every_packet_of_a_trace_in_the_order_given(tmp_path):
    _, _, packets, expected = trace("T03")
    given, out = tmp_path / "in.csv", tmp_path / "out.csv"
    given.write_text("src,dst,size,ctime\n" + "".join(f"{s},{d},{n},{c}\n" for s, d, n, c in packets))
    assert main(["replay", "mesh_8x8", str(given), "--csv", str(out)]) == 0
    rows = list(csv.DictReader(out.open()))
    assert [(int(r["itime"]), int(r["atime"]), int(r["hops"])) for r in rows] == expected


@pytest.mark.parametrize(
    "line, word",
    [
        ("1,2,0,0", "size is '0'; allowed: a whole number, 1 to"),
        ("1,99,1,0", "dst is '99'; allowed: a whole number, 0 to 15"),
        ("1,2,x,0", "size is 'x'; allowed: a whole number"),
        ("1,2,1,-4", "ctime is '-4'"),
    ],
)
def test_a_bad_packet_line_is_named(tmp_path, capsys, line, word):
    path = tmp_path / "bad.csv"
    path.write_text(f"src,dst,size,ctime\n{line}\n")
    assert main(["replay", "mesh_4x4", str(path)]) == 2
    error = capsys.readouterr().err
    assert "bad.csv:2: " in error and word in error


def test_a_packet_list_as_a_spreadsheet_saves_it_is_read(tmp_path, capsys):
    path = tmp_path / "list.csv"
    path.write_bytes(b"\xef\xbb\xbfsrc,dst,size,ctime\r\n1,2,3,4\r\n")
    assert main(["replay", "mesh_4x4", str(path)]) == 0 and capsys.readouterr().out.splitlines()[1].startswith(
        "1,2,3,4,4,"
    )


def test_the_latency_load_curve_says_what_each_line_is(tmp_path):
    assert (
        main(["traffic", "mesh_4x4", "--load", "0.1,0.2", "--cycles", "50", "--picture", str(tmp_path / "c.svg")]) == 0
    )
    assert all(
        f"<!-- {words} -->" in (tmp_path / "c.svg").read_text() for words in ("mean latency", "p99 latency", "accepted")
    )


@pytest.mark.parametrize("loads", [["--load", "0.1,0.2,0.3"], ["--load", "0.1", "--load", "0.2, 0.3"]])
def test_several_loads_are_listed_or_repeated(tmp_path, loads):
    assert main(["traffic", "mesh_4x4", *loads, "--cycles", "50", "--json", str(tmp_path / "j")]) == 0
    assert len(json.loads((tmp_path / "j").read_text())) == 3


@pytest.mark.parametrize("name", ["message_vcs", "max_packet", "skip", "clock", "flit"])
def test_a_parameter_of_the_routers_needs_no_path(name):
    assert routing_system.router_sets([f"{name}=1"], "mesh") == [f"networks.mesh.router.{name}=1"]


def test_a_setting_of_the_network_is_none_of_its_routers():
    assert routing_system.router_sets(["spread=none"], "mesh") == ["networks.mesh.spread=none"]
    with pytest.raises(BadInput, match="no parameter 'latency'"):
        routing_system.load("mesh_4x4", ["router.latency=3 ns"])


@pytest.mark.parametrize("name", ["num_vcs=8", "vcs=8", "router.vcs=8", "networks.mesh.router.vcs=8"])
def test_router_parameters_are_set_by_every_spelling(name):
    assert routing_system.load("mesh_4x4", [name])[1] == Router(vcs=8)


HALF = """schema: chipweave.topology/1
name: half
networks: {net: {shape: mesh, link_model: flit, latency: 1 ns, bandwidth: 32 GB/s}}
"""


def test_a_topology_that_needs_its_settings_is_built_once_with_them(tmp_path, monkeypatch):
    from chipweave import topology

    built, build = [], topology.build
    monkeypatch.setattr(topology, "build", lambda *a: built.append(a) or build(*a))
    (tmp_path / "half.yaml").write_text(HALF)
    for sets in (["grid=[2, 3]"], ["networks.net.grid=[2, 3]"]):
        assert routing_system.load(tmp_path / "half.yaml", sets)[0].routers == 6
    assert len(built) == 2
    with pytest.raises(BadInput, match="needs one of joins, grid and routers"):
        routing_system.load(tmp_path / "half.yaml")
    with pytest.raises(BadInput, match="has no network 'nett'.*nearest: net"):
        routing_system.load_flit(tmp_path / "half.yaml", ["grid=[2, 3]"], network="nett")


def test_the_bare_mesh_is_the_grid_of_booksim():
    net, router = routing_system.load("mesh_8x8")
    ours = grid([8, 8])
    assert router == Router() and set(net.links) == set(ours.links) and (net.table == ours.table).all()
    assert {link.latency for link in routing_system.load("torus_8x8")[0].links} == {2}


def test_traffic_writes_every_link_with_its_hottest_flows(tmp_path, capsys):
    path = tmp_path / "links.json"
    assert (
        main(
            [
                "traffic",
                "mesh_4x4",
                "--pattern",
                "bitcomp",
                "--load",
                "0.1",
                "--cycles",
                "500",
                "--links",
                str(path),
                "--json",
                "-",
            ]
        )
        == 0
    )
    links, result = json.loads(path.read_text()), json.loads(capsys.readouterr().out)
    assert len(links["links"]) == 48 + 2 * 16 and len(result["hottest_links"]) == 5
    assert sum(k["flits"] for k in links["links"] if k["from"].startswith("router")) == result["flit_hops"]
    assert all(k["wire_bytes"] % k["flits"] == 0 for k in links["links"] if k["flits"])
    assert all(f["dst"] == 15 - f["src"] for k in links["links"] for f in k["flows"])


def test_traffic_prints_the_documented_keys_alone_on_standard_output(capsys):
    assert main(["traffic", "mesh_4x4", "--pattern", "uniform", "--load", "0.2", "--cycles", "500", "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "chipweave.noc.traffic/1" and not document["saturated"]
    assert {
        "cycles",
        "packets",
        "latency_mean",
        "latency_p99",
        "network_latency_mean",
        "hops_mean",
        "offered_flits",
        "accepted_flits",
        "flit_hops",
        "wall_s",
        "cpu_s",
        "flit_hops_per_cpu_s",
        "peak_rss_bytes",
        "seed",
    } <= set(document)


def test_a_saturated_network_is_a_result():
    row = traffic.run(grid([4, 4]), Router(), "transpose", 1.0, cycles=2000, drain_limit=1000)
    assert row["saturated"] and 0 < row["accepted_flits"] < 0.9 * row["offered_flits"]


def test_both_engines_see_the_same_traffic():
    net, cost = grid([4, 4]), ("wall_s", "cpu_s", "flit_hops_per_cpu_s", "peak_rss_bytes")
    fast, slow = (
        traffic.run(net, Router(), "uniform", 0.4, "1,5", "3,1", "on_off(0.1,0.3)", general=g) for g in (False, True)
    )
    assert {k: v for k, v in fast.items() if k not in cost} == {k: v for k, v in slow.items() if k not in cost}


def test_fixed_patterns_are_permutations_of_the_bits():
    net = grid([4, 4])
    assert traffic.fixed(net, "transpose")[0b0111] == 0b1101
    assert traffic.fixed(net, "bitcomp")[0b0111] == 0b1000
    assert traffic.fixed(net, "bitrev")[0b0111] == 0b1110
    assert traffic.fixed(net, "shuffle")[0b1011] == 0b0111
    assert traffic.fixed(net, "neighbor")[15] == 0 and traffic.fixed(net, "tornado")[0] == 0b0101


def test_hot_spots_take_packets_by_their_weights():
    net = grid([4, 4])
    assert traffic.parse(net, "hotspot({{5,10},{1,3}})")[1:] == ([5.0, 10.0], [1.0, 3.0])
    assert traffic.parse(net, "hot_spot({7})")[1:] == ([7.0], [1.0])


@pytest.mark.parametrize("pattern", ["unifrm", "hotspot({{99}})", "hotspot({{1},{0}})", "permutation(/nowhere)"])
def test_a_wrong_pattern_is_refused(pattern):
    with pytest.raises(BadInput):
        traffic.parse(grid([4, 4]), pattern)


def test_accepted_load_is_offered_load_below_saturation():
    row = traffic.run(grid([8, 8]), Router(), "uniform", 0.2, cycles=20_000)
    assert row["accepted_flits"] == pytest.approx(0.2, rel=0.01) and row["latency_mean"] == pytest.approx(
        35.15, rel=0.01
    )


def test_a_topology_that_can_deadlock_is_refused_unless_allowed(capsys):
    odd = ["traffic", "torus_8x8", "--load", "0.01", "--cycles", "100", "--set", "num_vcs=3"]
    assert main(odd) == 2 and "deadlock" in capsys.readouterr().err
    assert main([*odd, "--allow-deadlock"]) == 0


LEAVES = """
name: leaves
networks:
  net:
    {routers: 6, shape: edges, edges: [[0, 2], [1, 3], [2, 4], [2, 5], [3, 4], [3, 5]], spread: packet,
     latency: 1 ns, bandwidth: 32 GB/s, link_model: flit}
"""


def test_allow_deadlock_of_the_network_lets_both_commands_run(tmp_path, capsys):
    """Two leaves and two spines that are endpoints, too: between spines packets go down and up again."""
    file, packets = tmp_path / "leaves.yaml", tmp_path / "p.csv"
    file.write_text(LEAVES)
    packets.write_text("src,dst,size,ctime\n0,1,10,0\n")
    for command in (["replay", str(file), str(packets)], ["traffic", str(file), "--load", "0.01", "--cycles", "100"]):
        assert main(command) == 2
        err = capsys.readouterr().err
        assert "leaves.yaml:5:18: network net can deadlock" in err and "or spread: none, or no endpoints" in err
        assert main([*command, "--set", "net.spread=none"]) == 0
        assert main([*command, "--set", "net.allow_deadlock=true"]) == 0
        assert main([*command, "--allow-deadlock"]) == 0


def test_a_deadlock_at_run_time_names_the_wait_cycle():
    from chipweave.errors import Stuck
    from chipweave.fabric.noc import replay

    ring = irregular(4, {(i, (i + 1) % 4): 1 for i in range(4)})
    packets = [(s, (s + 2) % 4, 20, 0) for s in range(4)]
    with pytest.raises(Stuck, match="wait cycle: VC 0 of router [0-3] -> router [0-3], which waits for VC 0 of router"):
        replay(ring, Router(vcs=1, vc_depth=2), packets, watchdog=500)
