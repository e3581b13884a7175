"""Whole systems as parts of a larger one, and networks as regions of one: is the whole what was written by hand?"""

import pytest
from small_systems import figures

from chipweave import topology
from chipweave.errors import BadInput
from chipweave.run import beside
from chipweave.run.spec import RunSpec
from chipweave.views.filetypes import check_and_warn

TRACE = [[[0, 1], [2, 3], [4, 5], [6, 0]], [[0, 1], [3, 6]], [[5, 2], [0, 4]]]
SLOW = "latency: 2 us, bandwidth: 100 GB/s"
TWO = f"""systems:
  a: {{extends: wafer, parts: {{die: {{grid: [3, 3]}}}}}}
  b: {{extends: wafer, parts: {{die: {{grid: [3, 3]}}}}}}
parts: {{cp: {{kind: cp.global}}}}
networks:
  d2d: {{edges: [{{between: ["a_die[1][2].d2d", "b_die[1][0].d2d"], {SLOW}}}]}}
"""
BY_HAND = f"""extends: wafer
parts: {{die: {{grid: null, count: 18}}}}
networks:
  d2d:
    shape: joined
    regions:
      - {{of: 0..8, shape: mesh, grid: [3, 3]}}
      - {{of: 9..17, shape: mesh, grid: [3, 3]}}
    edges: [{{between: [7, 10], {SLOW}}}]
"""
RUN = dict(preset="physical", batch=2, link_model="circuit")


def links(network):
    return sorted(zip(network.links, network.latency_ps.tolist(), network.bandwidth, strict=True))


@pytest.mark.parametrize("strategy", ["base", "allo+pred"])
def test_two_systems_and_a_link_are_the_same_listed_by_hand(desk, strategy):
    """Dies of `a` are 0 to 8 and those of `b` 9 to 17, each column by column."""
    trace = desk.trace(TRACE, TRACE)
    two, hand = desk.topology(TWO, "two"), desk.topology(BY_HAND, "hand")
    assert figures(desk.run(two, trace, strategy, **RUN)) == figures(desk.run(hand, trace, strategy, **RUN))


def test_what_a_system_says_of_its_dies_and_links_is_its_own(desk):
    fast = "override: {'[0][0]': {hbm: {bandwidth: 8 TB/s}}}"
    slow = "networks: {d2d: {override: [{between: ['[*][0]', '[*][1]'], latency: 300 ns}]}}"
    text = TWO.replace(
        "b: {extends: wafer, parts: {die: {grid: [3, 3]}}",
        f"b: {{extends: wafer, {slow}, parts: {{die: {{grid: [3, 3], {fast}}}}}",
    )
    one, two = (topology.load(desk.topology(t, n)) for t, n in ((TWO, "one"), (text, "other")))
    rates = {name: part.bandwidth for name, part in two.parts.items() if name.endswith(".hbm")}
    assert rates.pop("b_die[0][0].hbm") == 8 * 10**12 and set(rates.values()) == {3350 * 10**9}
    changed = set(links(two.networks["d2d"])) - set(links(one.networks["d2d"]))
    pairs = {(f"b_die[{y}][{x}].d2d", f"b_die[{y}][{1 - x}].d2d") for y in range(3) for x in (0, 1)}
    assert {link[0] for link in changed} == pairs and {link[1] for link in changed} == {300_000}


def test_rows_and_columns_as_networks_of_their_own_are_the_mesh_of_both(desk):
    """Routes lead across both through the dies; a mesh whose links have a sort each is the same system."""
    rows = ", ".join(f'["[{y}][{x}]", "[{y}][{x + 1}]"]' for y in range(3) for x in range(2))
    columns = ", ".join(f'["[{y}][{x}]", "[{y + 1}][{x}]"]' for y in range(2) for x in range(3))
    both = f"""extends: wafer
parts: {{die: {{grid: [3, 3]}}}}
networks:
  rows: {{joins: die.d2d.mesh, shape: edges, edges: [{rows}], latency: 100 ns, bandwidth: 3 TB/s}}
  columns: {{joins: die.d2d.mesh, shape: edges, edges: [{columns}], latency: 300 ns, bandwidth: 1 TB/s}}
  d2d: {{joins: null, shape: joined, regions: [{{network: rows}}, {{network: columns}}], routing: shortest_latency}}
"""
    mesh = """extends: wafer
parts: {die: {grid: [3, 3]}}
networks:
  d2d:
    links: {x: {latency: 100 ns, bandwidth: 3 TB/s}, y: {latency: 300 ns, bandwidth: 1 TB/s}}
    routing: shortest_latency
"""
    apart, one = desk.topology(both, "apart"), desk.topology(mesh, "mesh")
    assert links(topology.load(apart).networks["d2d"]) == links(topology.load(one).networks["d2d"])
    assert list(topology.load(apart).networks) == ["d2d"]
    trace = desk.trace(TRACE, TRACE)
    row = desk.run(apart, trace, "base", **RUN).row
    assert row["hops"] == desk.run(one, trace, "base", **RUN).row["hops"] > 0


def test_systems_of_systems_and_systems_with_links_as(desk):
    desk.topology(TWO, "two")
    four = desk.topology(
        f"""systems: {{l: {{extends: ./two.yaml}}, r: {{extends: ./two.yaml}}}}
parts: {{cp: {{kind: cp.global}}}}
networks: {{d2d: {{edges: [{{between: ["l_b_die[0][2].d2d", "r_a_die[0][0].d2d"], {SLOW}}}]}}}}
""",
        "four",
    )
    network = topology.load(four).networks["d2d"]
    assert (network.endpoint_count, len(network.pairs())) == (36, 4 * 12 + 3)
    nodes = desk.topology(
        f"""systems: {{a: {{extends: dgx_h100}}, b: {{extends: dgx_h100}}}}
parts: {{cp: {{kind: cp.global}}}}
networks: {{d2d: {{edges: [{{between: ["a_die[0].d2d", "b_die[0].d2d"], {SLOW}}}]}}}}
""",
        "nodes",
    )
    made = topology.load(nodes, sets=["a_nvlink.bandwidth=100 GB/s"])
    rates = {
        rate for (start, end), _, rate in links(made.networks["d2d"]) if "a_" in start + end and "b_" not in start + end
    }
    assert sorted(made.networks) == ["a_nvlink", "b_nvlink", "d2d"] and rates == {100 * 10**9}
    assert check_and_warn(nodes)[1] == []


def test_a_wafer_with_a_memory_pool_at_its_edge(desk):
    pool = """systems:
  w: {extends: wafer, parts: {die: {grid: [2, 2]}}}
assemblies:
  pool:
    parts:
      hbm: {kind: memory.hbm, bandwidth: 500 GB/s, latency: 600 ns, capacity: 2 TB}
      d2d: {kind: d2d.router, slots: {atu: {kind: d2d.atu}, pdu: {kind: d2d.pdu}}}
    links: [{between: [d2d.memory, hbm.access], latency: included}]
parts: {cp: {kind: cp.global}, pool: {assembly: pool}}
networks:
  edge: {joins: pool.d2d.mesh, shape: full, latency: 1 ns, bandwidth: 64 GB/s}
  d2d:
    regions: [{network: w_d2d}, {network: edge}]
    edges: [{between: ["w_die[1][1].d2d", pool.d2d], latency: 400 ns, bandwidth: 64 GB/s}]
"""
    system = topology.load(desk.topology(pool))
    assert system.networks["d2d"].endpoint_count == 5 and len(system.networks["d2d"].pairs()) == 5
    assert desk.run(desk.topology(pool), desk.trace(TRACE), "ep", preset="physical").row["decode_time_ns"] > 0


FAULTS = {
    "systems: {a: {extends: wafr}, 2b: {parts: {}}, c: 3}": [
        "2:24: no topology is called 'wafr'; allowed: a path, or",
        "2:31: '2b' is not a system's name; allowed: letters, digits and _, a letter first",
        "2:51: system 'c' must be a topology, not '3'; allowed: {extends: ..., ...}",
    ],
    "systems: 3": [
        "2:10: systems must be a mapping of names to topologies; allowed: {west: {extends: wafer_5x5}, ...}"
    ],
}


def faults_of(text, folder):
    """What is said of a topology that is refused."""
    (folder / "f.yaml").write_text(text)
    with pytest.raises(BadInput) as caught:
        topology.load(folder / "f.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    "inside, words",
    [
        ("netwroks: {}", "3:23: a topology has no 'netwroks'"),
        ("schema: chipweave.preset/1", "3:31: schema 'chipweave.preset/1' is not a topology's"),
        ("parts: 3", "3:30: parts must be a mapping, not '3'"),
        ("links: 3", "3:30: links must be a list, not '3'"),
        ("sources: 3", "3:32: sources must be a mapping, not '3'"),
        ("device: [3]", "3:31: device must be a text, not a list"),
    ],
)
def test_what_a_system_says_that_no_topology_does_is_refused(tmp_path, inside, words):
    text = f"name: f\nsystems:\n  a: {{extends: wafer, {inside}}}\nparts: {{cp: {{kind: cp.global}}}}\n"
    assert f"f.yaml:{words}" in faults_of(text, tmp_path)


@pytest.mark.parametrize("parts, words", [("{}", "2:10: a system that holds itself"), ("[3]", "3:8: parts must be")])
def test_a_whole_that_is_none_is_refused(tmp_path, parts, words):
    text = f"name: f\nsystems: {{a: {{extends: f.yaml}}}}\nparts: {parts}\n"
    assert f"f.yaml:{words}" in faults_of(text, tmp_path)


@pytest.mark.parametrize("text", FAULTS)
def test_faults_of_systems_are_told_with_place_and_cure(tmp_path, text):
    path = tmp_path / "f.yaml"
    path.write_text("name: f\n" + text)
    with pytest.raises(BadInput) as caught:
        topology.load(path)
    told = str(caught.value)
    assert all(words in told for words in FAULTS[text]), told


@pytest.mark.parametrize(
    "text, words",
    [
        (
            "regions: [{network: rows}], routing: shortest",
            "6:87: network rows: link_model is not read, since it is a region",
        ),
        ("regions: [{network: none}]", "7:57: region 'none' of network 'd2d' is no other network; allowed: rows"),
        ("regions: [{network: d2d}]", "7:57: region 'd2d' of network 'd2d' is no other network; allowed: rows"),
        ("regions: [{network: rows, of: 0..1}]", "7:63: a region that is a network has no 'of' of its own"),
    ],
)
def test_faults_of_regions_are_told_with_place_and_cure(desk, text, words):
    model = ", link_model: fair" if "link_model" in words else ""
    rows = f"rows: {{joins: die.d2d.mesh, shape: ring, latency: 1 ns, bandwidth: 1 TB/s{model}}}"
    path = desk.topology(
        "extends: wafer\nparts: {die: {grid: [1, 4]}}\n"
        f"networks: {{{rows},\n  d2d: {{joins: null, shape: joined, {text}}}}}\n"
    )
    with pytest.raises(BadInput) as caught:
        topology.load(path)
    assert f"system.yaml:{words}" in str(caught.value)


def test_networks_that_are_regions_of_one_another_are_refused(desk):
    one = "{joins: null, shape: joined, regions: [{network: %s}], latency: 1 ns, bandwidth: 1 TB/s}"
    path = desk.topology(f"extends: wafer\nnetworks: {{d2d: {one % 'b'}, b: {one % 'd2d'}}}\n")
    with pytest.raises(BadInput, match="regions of one another|is no other network"):
        topology.load(path)


def test_two_global_cps_are_refused_with_the_cure(desk):
    text = TWO.replace("parts: {cp: {kind: cp.global}}\n", "")
    words = "a_cp.launch: no wire leads to die .* of 18; allowed: one part of control with wires to all dies"
    with pytest.raises(BadInput, match=words):
        check_and_warn(desk.topology(text))


NODES = """extends: wafer
parts: {die: {grid: null, count: 4}}
networks:
  d2d: null
  rack:
    joins: die.d2d.mesh
    shape: joined
    spread: packet
    bandwidth: 225 GB/s
    latency: 100 ns
    regions: [{of: 0..1, shape: switch, switches: 2}, {of: 2..3, shape: switch, switches: 2}]
    edges:
      - {between: ["die[0].d2d", "die[2].d2d"], latency: 1 us, bandwidth: 50 GB/s}
      - {between: ["die[1].d2d", "die[3].d2d"], latency: 1 us, bandwidth: 50 GB/s}
expect: null
"""


@pytest.mark.parametrize("model", ["circuit", "fair"])
def test_two_nodes_of_several_switches_run_the_job_in_both_engines_alike(desk, model):
    path, trace = desk.topology(NODES), desk.trace(TRACE, TRACE)
    runs = [desk.run(path, trace, "base", **RUN | {"link_model": model}, engine=e) for e in ("kernel", "plain")]
    assert (runs[0].table == runs[1].table).all() and runs[0].statistics == runs[1].statistics
    [(_, names, stats)] = runs[0].links
    planes = [sum(stats.bytes[i] for i, n in enumerate(names) if n.endswith(f"switch[{k}]")) for k in (0, 1)]
    assert planes[0] > 0 and abs(planes[0] / planes[1] - 1) < 1e-4


def test_what_flit_cannot_run_goes_without_its_sample_and_says_so(desk):
    """Under the default preset, whatever the network is called: fair, and a warning in place of a sample."""
    path, trace = desk.topology(NODES), desk.trace(TRACE, TRACE)
    spec = RunSpec(topology=path, model=str(desk.folder / "mini.yaml"), trace=trace, batch=2, steps=3, strategy="base")
    outcome = beside.simulate(spec)
    assert outcome.row["link_model"] == "fair" and "flit" not in outcome.row
    assert "network rack can deadlock" in outcome.facts["notes"]["no_flit_beside"]
    _, words = check_and_warn(path)
    assert any(
        "no row of fair will say by how much flit differs: network rack can deadlock" in w for w in map(str, words)
    )
    with pytest.raises(BadInput, match="network rack can deadlock"):
        desk.run(path, trace, "base", **RUN | {"link_model": "flit"})


@pytest.mark.parametrize(
    "shape, router",
    [
        (
            "dragonfly, terminals: 2, routers_per_group: 2, global_links: 1",
            lambda n: f"group[{n // 4}].router[{n // 2 % 2}]",
        ),
        ("fat_tree, down: [3, 4]", lambda n: f"level1[{n // 3}]"),
    ],
)
def test_a_dead_die_leaves_its_seat_empty_and_the_others_stay_in_theirs(desk, shape, router):
    text = "extends: wafer\nparts: {die: {grid: null, count: 12, absent: ['[5]']}}\nexpect: null\n"
    path, trace = desk.topology(text + f"networks: {{d2d: {{shape: {shape}}}}}\n"), desk.trace(TRACE, TRACE)
    network = topology.load(path).networks["d2d"]
    assert network.endpoint_count == 11 and "die[5].d2d" not in network.endpoints
    for end, name in enumerate(network.endpoints):
        number = int(name.split("[")[1].split("]")[0])
        assert network.nodes[network.terminals[end]] == f"d2d.{router(number)}"
    runs = [desk.run(path, trace, "base", **RUN, engine=e) for e in ("kernel", "plain")]
    assert (runs[0].table == runs[1].table).all() and runs[0].statistics == runs[1].statistics
    desk.run(path, trace, "ep", **RUN | {"link_model": "flit"})


def test_a_ring_with_a_dead_die_has_a_gap_there(desk):
    """Four links of six are left; round the gap, from die 1 to die 3, the way leads over 0, 5 and 4."""
    text = "extends: wafer\nparts: {die: {grid: null, count: 6, absent: ['[2]']}}\nexpect: null\n"
    text += "networks: {d2d: {shape: ring"
    network = topology.load(desk.topology(text + ", routing: up_down}}\n")).networks["d2d"]
    assert len(network.pairs()) == 4 and network.hops("die[1].d2d", "die[3].d2d") == 4
    with pytest.raises(BadInput, match=r"by routing ring: nothing is at \[2\]; allowed: routing: shortest"):
        topology.load(desk.topology(text + "}}\n"))
