"""Does the YAML of a system become the parts, links and routes it says?"""

from fractions import Fraction

import networkx as nx
import pytest

from chipweave import topology
from chipweave.errors import BadInput


def test_an_assembly_is_replicated_over_its_grid_with_die_id_y_plus_x_times_Y(build, wafer):
    system = build(wafer)
    assert system.grid("die") == (3, 2)
    assert system.instances("die") == [f"die[{y}][{x}]" for x in range(2) for y in range(3)]
    assert system.networks["d2d"].endpoints == tuple(f"die[{y}][{x}].router" for x in range(2) for y in range(3))
    part = system.parts["die[2][1].hbm"]
    assert (part.index, part.assembly, part.bandwidth) == ((), "die[2][1]", Fraction(3_350_000_000_000))
    assert system.parts["die[0][0].router.table"].entries == 512 and system.parts["die[0][0].router"].spare is None
    assert len(system.parts) == 6 * 4


def test_links_join_ports_and_know_their_figures(build, wafer):
    system = build(wafer)
    edge = system.graph.get_edge_data("die[1][0].router", "die[1][0].hbm")[0]
    assert edge == {"network": "", "ports": ("home", "access"), "latency_ps": 2000, "bandwidth": Fraction(10**12)}
    assert system.graph.get_edge_data("die[1][0].sm", "die[1][0].hbm")[0]["latency_ps"] == 0
    mesh = system.graph.get_edge_data("die[1][0].router", "die[1][1].router")[0]
    assert (mesh["network"], mesh["latency_ps"], mesh["bandwidth"]) == ("d2d", 200_000, Fraction(1_700_000_000_000))
    hbm, router = system.parts["die[1][0].hbm"], system.parts["die[1][0].router"]
    assert router.links["home"] == [(hbm, "access")] and len(hbm.links["access"]) == 2
    assert router.links["mesh"] == [(system.networks["d2d"], 1)]


HOLED = (
    "name: n\nnetworks:\n  n: {grid: [3, 3], shape: mesh, routing: "
    "shortest, latency: 1 ns, bandwidth: 8 GB/s, override: [%s]}\n"
)


@pytest.mark.parametrize(
    "between, slow",
    [
        ('["[*][1]", "[*][2]"]', {(y, 1, y, 2) for y in range(3)}),
        ('["[1][0]", "[0..2][0]"]', None),
        ('["[0..1][0]", "[1..2][0]"]', {(0, 0, 1, 0), (1, 0, 2, 0)}),
        ('["[1][1]", "[1][2]"]', {(1, 1, 1, 2)}),
    ],
)
def test_an_override_of_links_takes_patterns_pair_by_pair(build, between, slow):
    text = HOLED % f"{{between: {between}, bandwidth: 1 GB/s}}"
    if slow is None:  # one of the three is [1][0] itself
        with pytest.raises(BadInput, match=r"a link from n\[1\]\[0\] to itself"):
            build(text)
        return
    network = build(text).networks["n"]
    place = network.place_of
    found = {(*place[a], *place[b]) for a, b, d in network.graph.edges(data=True) if d["bandwidth"] == 10**9}
    assert found == slow | {(c, d, a, b) for a, b, c, d in slow}


def test_a_hole_that_a_pattern_covers_is_left_out(build, wafer):
    text = wafer.replace("grid: [3, 2]", 'grid: [3, 2], absent: ["[1][0]"]')
    network = build(
        text, "d2d.routing=shortest", "d2d.override=[{between: ['[*][0]', '[*][1]'], bandwidth: 1 GB/s}]"
    ).networks["d2d"]
    assert sorted(a for a, _, d in network.graph.edges(data=True) if d["bandwidth"] == 10**9) == [
        f"die[{y}][{x}].router" for y in (0, 2) for x in (0, 1)
    ]


def test_numbers_of_an_override_are_listed_by_its_place(build, wafer):
    text = wafer.replace("grid: [3, 2]", 'grid: [3, 2], override: {"[0][*]": {hbm: {latency: 7 ns}}}')
    system = build(text, "d2d.override=[{between: ['[0][0]', '[0][1]'], bandwidth: 1 GB/s}]")
    found = {path: value.text for path, value, _ in system.sources}
    assert (
        found["parts.die[0][*].hbm.latency"] == "7 ns"
        and found["networks.d2d.links [0][0] - [0][1].bandwidth"] == "1 GB/s"
    )
    assert found["assemblies.die.parts.hbm.bandwidth"] == "3.35 TB/s" and not any(
        p.startswith("parts.die[0][*].sm") for p in found
    )


def test_an_override_changes_one_instance_or_a_range(build, wafer):
    text = wafer.replace(
        "grid: [3, 2]",
        (
            'grid: [3, 2], override: {"[0..1][*]": {hbm: {bandwidth: 2 TB/s}}, "[1][1]": '
            "{hbm: {latency: 9 ns}, router: {slots: {table: {kind: t.table, entries: 4}}}}}"
        ),
    )
    system = build(text)
    assert [int(p.bandwidth / 10**9) for p in system.of_kind("t.memory")] == [2000, 2000, 2000, 2000, 3350, 3350]
    assert [p.latency for p in system.of_kind("t.memory")] == [300_000] * 3 + [9_000] + [300_000] * 2
    assert [p.entries for p in system.of_kind("t.table")] == [512, 512, 512, 4, 512, 512]


def test_one_slow_link_and_one_dead_link(build, wafer):
    network = build(
        wafer + "    \n".join([""]),
        "d2d.routing=shortest",
        (
            "d2d.override=[{between: ['[0][0]', '[0][1]'], bandwidth: "
            "1 GB/s}, {between: ['[1][0]', '[1][1]'], absent: true}]"
        ),
    ).networks["d2d"]
    assert network.graph["die[0][1].router"]["die[0][0].router"]["bandwidth"] == 10**9
    assert not network.graph.has_edge("die[1][0].router", "die[1][1].router") and not network.whole
    assert network.hops("die[1][0].router", "die[1][1].router") == 3


def test_a_dead_die_keeps_the_others_names_and_needs_another_routing(build, faults, wafer):
    text = wafer.replace("grid: [3, 2]", 'grid: [3, 2], absent: ["[1][0]"]')
    assert (
        "cannot be reached" in faults(text)[0]
        and "nothing is at [1][0]" in faults(text)[0]
        and "routing: shortest" in faults(text)[0]
    )
    network = build(text, "d2d.routing=shortest").networks["d2d"]
    assert network.endpoints == (
        "die[0][0].router",
        "die[2][0].router",
        "die[0][1].router",
        "die[1][1].router",
        "die[2][1].router",
    )
    assert network.hops(0, 1) == 4
    assert build(text, "d2d.routing=shortest").instances("die") == [
        "die[0][0]",
        "die[2][0]",
        "die[0][1]",
        "die[1][1]",
        "die[2][1]",
    ]


def test_xy_goes_along_x_first(build):
    network = build("name: m\nnetworks: {m: {grid: [3, 4], shape: mesh, latency: 1 ns, bandwidth: 1 GB/s}}").networks[
        "m"
    ]
    assert network.route("m[0][0]", "m[2][1]") == [
        ("m[0][0]", "m[0][1]"),
        ("m[0][1]", "m[1][1]"),
        ("m[1][1]", "m[2][1]"),
    ]
    assert network.route(3, 3) == []
    assert network.endpoint(3) == "m[0][1]"


@pytest.mark.parametrize(
    "shape, n_links, diameter",
    [
        ("shape: mesh, grid: [5, 5]", 40, 8),
        ("shape: mesh, grid: [8, 3]", 37, 9),
        ("shape: mesh, grid: [1, 1]", 0, 0),
        ("shape: mesh, routers: 5", 4, 4),
        ("shape: torus, grid: [4, 4]", 32, 4),
        ("shape: torus, grid: [2, 5]", 15, 3),
        ("shape: ring, routers: 6", 6, 3),
        ("shape: ring, routers: 2", 1, 1),
        ("shape: full, routers: 8", 28, 1),
        ("shape: switch, routers: 8", 8, 2),
        ("shape: switch, routers: 8, switches: 4", 32, 2),
        ("shape: edges, routers: 3, edges: [[0, 1], [1, 2]]", 2, 2),
    ],
)
def test_a_shape_has_the_links_and_diameter_of_its_closed_form(build, shape, n_links, diameter):
    network = build(f"name: n\nnetworks: {{n: {{{shape}, latency: 1 ns, bandwidth: 1 GB/s}}}}").networks["n"]
    assert (len(network.pairs()), len(network.links), int(network.distance.max())) == (n_links, 2 * n_links, diameter)
    assert nx.diameter(network.graph) == diameter


@pytest.mark.parametrize(
    "settings",
    [
        "shape: mesh, grid: [4, 3]",
        "shape: mesh, grid: [4, 3], routing: yx",
        "shape: torus, grid: [4, 5]",
        "shape: mesh, grid: [4, 3], routing: shortest",
        "shape: ring, routers: 7",
        "shape: switch, routers: 5",
    ],
)
def test_every_route_is_a_shortest_path_over_links_that_are_there(build, settings):
    network = build(f"name: n\nnetworks: {{n: {{{settings}, latency: 1 ns, bandwidth: 1 GB/s}}}}").networks["n"]
    for i, source in enumerate(network.endpoints):
        lengths = nx.single_source_shortest_path_length(network.graph, source)
        for j, target in enumerate(network.endpoints):
            route = network.route(i, j)
            assert (
                all(link in network.link_index for link in route)
                and len(route) == lengths[target] == network.distance[i, j]
            )
            assert [a for a, _ in route] + [target] == [source] + [b for _, b in route] or not route


def test_shortest_takes_the_neighbour_that_comes_first(build):
    text = (
        "name: n\nnetworks: {n: {shape: edges, routers: 4, edges: [[3, "
        "2], [2, 0], [3, 1], [1, 0]], latency: 1 ns, bandwidth: 1 GB/s}}"
    )
    assert build(text).networks["n"].route(3, 0) == [("n[3]", "n[1]"), ("n[1]", "n[0]")]


UNEQUAL = "routers: 4, edges: [{between: [0, 1], latency: 9 ns}, [0, 2], [2, 3], [3, 1]]"


def test_shortest_latency_takes_the_least_time_and_shortest_the_fewest_links(build):
    text = "name: n\nnetworks: {n: {shape: edges, %s, latency: %s ns, bandwidth: 1 GB/s, routing: %s}}"
    route = lambda *given: build(text % (UNEQUAL, *given)).networks["n"].route(0, 1)  # noqa: E731
    assert route(1, "shortest") == [("n[0]", "n[1]")]
    assert route(1, "shortest_latency") == [("n[0]", "n[2]"), ("n[2]", "n[3]"), ("n[3]", "n[1]")]
    assert route(3, "shortest_latency") == [("n[0]", "n[1]")]  # 9 ns either way: found first, and not replaced


def test_shortest_latency_goes_round_a_slow_link_of_a_grid_under_every_link_model(build):
    text = (
        "name: n\nnetworks: {n: {shape: mesh, grid: [2, 2], latency: 1 ns, bandwidth: 1 GB/s, routing: "
        "shortest_latency, link_model: %s, override: [{between: ['[0][0]', '[0][1]'], latency: 5 ns}]}}"
    )
    for model in ("circuit", "fair", "flit"):
        network = build(text % model).networks["n"]
        assert (
            network.hops("n[0][0]", "n[0][1]") == 3 == network.distance[0, 2] and network.routing == "shortest_latency"
        )


def test_rows_number_endpoints_along_x(build):
    text = "name: n\nnetworks: {n: {shape: mesh, grid: [2, 3], order: rows, latency: 1 ns, bandwidth: 1 GB/s}}"
    assert build(text).networks["n"].endpoints == ("n[0][0]", "n[0][1]", "n[0][2]", "n[1][0]", "n[1][1]", "n[1][2]")


def test_an_edge_may_have_its_own_figures_or_one_direction(build):
    text = """
name: n
networks:
  n:
    shape: edges
    routers: 3
    latency: 1 ns
    bandwidth: 1 GB/s
    edges: [{between: [0, 1], latency: 5 ns, one_way: true}, [1, 2], [2, 0]]
"""
    network = build(text).networks["n"]
    assert network.graph["n[0]"]["n[1]"]["latency_ps"] == 5000 and not network.graph.has_edge("n[1]", "n[0]")
    assert network.hops(1, 0) == 2


def test_counted_parts_are_joined_one_to_one_and_one_to_all(build):
    text = """
name: n
parts:
  sm: {kind: t.source, count: 3}
  hbm: {kind: t.memory, count: 3}
  boss: {kind: t.boss}
links:
  - {between: [sm.memory, hbm.access], latency: 1 ns, bandwidth: 1 GB/s}
  - {between: ["sm[1..2].launch", boss.dies], latency: 7 ns, bandwidth: 1 GB/s}
"""
    system = build(text)
    assert [(a, b) for a, b, _ in system.wires()] == [
        ("sm[0]", "hbm[0]"),
        ("sm[1]", "hbm[1]"),
        ("sm[2]", "hbm[2]"),
        ("boss", "sm[1]"),
        ("boss", "sm[2]"),
    ]


def test_assemblies_may_hold_assemblies(build, wafer):
    text = wafer.replace(
        "parts:\n  die: {assembly: die, grid: [3, 2]}",
        "  tray: {parts: {die: {assembly: die, grid: [3, 2]}}}\nparts:\n  tray: {assembly: tray, count: 2}",
    )
    system = build(text.replace("joins: die.router.mesh, shape: mesh", "joins: tray.die.router.mesh, shape: full"))
    assert "tray[1].die[2][0].hbm" in system.parts and len(system.networks["d2d"].endpoints) == 12


def test_a_file_may_extend_another(tmp_path, wafer):
    (tmp_path / "base.yaml").write_text(wafer)
    (tmp_path / "fast.yaml").write_text(
        "extends: base.yaml\nname: fast\nassemblies: {die: {parts: {hbm: {bandwidth: 8 TB/s}}}}\n"
        "networks: {d2d: {bandwidth: 2 TB/s}}"
    )
    system = topology.load(tmp_path / "fast.yaml")
    assert system.name == "fast" and system.parts["die[0][0].hbm"].bandwidth == 8 * 10**12
    assert system.networks["d2d"].graph["die[0][0].router"]["die[0][1].router"]["bandwidth"] == 2 * 10**12
    (tmp_path / "base.yaml").write_text("extends: fast.yaml\nname: b")
    with pytest.raises(BadInput, match="extends itself"):
        topology.load(tmp_path / "fast.yaml")


def test_resolved_builds_the_same_system_again(build, wafer):
    system = build(wafer, "die.hbm.bandwidth=5 TB/s", "die[0][1].hbm.latency=4 ns")
    again = topology.load(system.resolved)
    assert {n: p.values for n, p in again.parts.items()} == {n: p.values for n, p in system.parts.items()}
    assert again.graph.edges == system.graph.edges and again.resolved["topology"] == system.resolved["topology"]
