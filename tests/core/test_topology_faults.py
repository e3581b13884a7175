"""Is every fault of a topology told, in one go, with its place, what is allowed and the nearest right name?"""

import re

import pytest

from chipweave import topology
from chipweave.errors import BadInput

NET = "name: n\nnetworks:\n  n: {%s, latency: 1 ns, bandwidth: 1 GB/s}\n"


@pytest.mark.parametrize(
    "wrong, right, message",
    [
        (
            "bandwidth: 3.35 TB/s",
            "bandwith: 3.35 TB/s",
            (
                "f.yaml:7:29: t.memory has no parameter 'bandwith'; "
                "allowed: latency, bandwidth, round_to; nearest: bandwidth"
            ),
        ),
        ("bandwidth: 3.35 TB/s", "bandwidth: 3.35 TB", "f.yaml:7:40: bandwidth: '3.35 TB' is not a bandwidth"),
        (
            "bandwidth: 3.35 TB/s",
            "bandwidth: {value: 3.35 TB/s}",
            "f.yaml:7:40: a value written with its source needs the source's text",
        ),
        (
            "bandwidth: 3.35 TB/s",
            "bandwidth: {value: 3.35 TB/s, source: x, kind: guessed}",
            "f.yaml:7:76: a source needs its kind; allowed: measured, datasheet, fitted, assumed",
        ),
        ("kind: t.memory", "kind: t.memry", "f.yaml:7:19: unknown component kind 't.memry'"),
        ("kind: t.memory, ", "", "f.yaml:7:7: hbm needs its kind"),
        (
            "{kind: t.router}",
            "{kind: t.router, slots: {tabel: {kind: t.table}}}",
            "f.yaml:8:40: t.router has no slot 'tabel'; allowed: table, spare; nearest: table",
        ),
        (
            "{kind: t.router}",
            "{kind: t.router, slots: {spare: {kind: t.memory}}}",
            "f.yaml:8:54: t.memory does not fit slot 'spare' of t.router; allowed: t.table",
        ),
        ("grid: [3, 2]", "grid: [3, 0]", "f.yaml:13:34: grid = 0 is out of range"),
        ("grid: [3, 2]", "grid: [3, 2], count: 2", "f.yaml:13:38: die: grid and count exclude each other"),
        ("grid: [3, 2]", "grid: [3000, 2000]", "f.yaml:13:30: die: more than 100000 parts"),
        (
            "grid: [3, 2]",
            "grid: [3, 2], gird: 2",
            (
                "f.yaml:13:38: an assembly has no 'gird' of its own; allowed: "
                "assembly, grid, count, absent, override, at; nearest: grid"
            ),
        ),
        (
            "grid: [3, 2]",
            'grid: [3, 2], absent: ["[3][0]"]',
            "f.yaml:13:47: die: [3][0] lies outside its grid of [3, 2]",
        ),
        (
            "grid: [3, 2]",
            'grid: [3, 2], override: {"[0]": {hbm: {latency: 1 ns}}}',
            "f.yaml:13:49: die: '[0]' is not a place in its grid of [3, 2]",
        ),
        (
            "grid: [3, 2]",
            'grid: [3, 2], override: {"[0][0]": {hmb: {latency: 1 ns}}}',
            (
                "f.yaml:13:60: assembly die has no part 'hmb'; allowed: "
                "sm, hbm, router, or a new one with its kind; nearest: hbm"
            ),
        ),
        (
            "grid: [3, 2]",
            'grid: [3, 2], override: {"[0][0]": 3}',
            "f.yaml:13:59: die: override [0][0] must be a mapping of what changes, not '3'",
        ),
        (
            "grid: [3, 2]",
            'grid: [3, 2], override: {"[0][1]": {router: {kind: t.memory}}}',
            "f.yaml:15:16: die[0][1].router: t.memory has no port 'mesh'; allowed: access",
        ),
        ("assembly: die,", "assembly: dye,", "f.yaml:13:19: unknown assembly 'dye'; allowed: die; nearest: die"),
        (
            "sm.memory, hbm.access",
            "sm.memory, hmb.access",
            (
                "f.yaml:10:31: 'hmb.access' is not PART.PORT of a part that is there; "
                "allowed: hbm.PORT, router.PORT, router.table.PORT, sm.PORT; nearest: hbm"
            ),
        ),
        (
            "sm.memory, hbm.access",
            "sm.memory, hbm.acces",
            "f.yaml:10:31: t.memory has no port 'acces'; allowed: access; nearest: access",
        ),
        (
            "sm.memory, hbm.access",
            "sm.memory, router.mesh",
            "f.yaml:10:9: these ports do not fit: t.source.memory uses memory.access, t.router.mesh uses network",
        ),
        ("latency: 2 ns,", "latency: 0 ns,", "f.yaml:11:55: latency = 0 ns is out of range; allowed: time from 1 ps"),
        ("latency: 2 ns,", "", "f.yaml:11:9: a link needs 'latency'"),
        ("latency: 2 ns, bandwidth: 1 TB/s", "latency: 2 ns", "f.yaml:11:9: a link needs 'bandwidth'"),
        ("latency: 200 ns", "latency: 0 s", "f.yaml:15:55: latency = 0 s is out of range"),
        (
            "joins: die.router.mesh",
            "joins: die.hbm.access",
            "f.yaml:15:16: t.memory.access cannot take part in a network; allowed: a port that uses network",
        ),
        (
            "shape: mesh",
            "shape: mess",
            (
                "f.yaml:15:40: shape cannot be 'mess'; allowed: anynet, cmesh, csv, dragonfly, "
                "edges, fat_tree, full, graphml, joined, mesh, ring, switch, torus; nearest: mesh"
            ),
        ),
        (
            "shape: mesh",
            "shape: ring, routing: xy",
            "f.yaml:15:46: routing xy needs a grid; ring has none; allowed: shortest",
        ),
        (
            "shape: mesh",
            "shape: mesh, link_model: fair, admission: early_booking",
            "f.yaml:15:46: early_booking books links behind a hold whose end is known; under fair",
        ),
        ("shape: mesh", "shape: mesh, switches: 2", "f.yaml:15:46: only shape: switch has switches"),
        ("shape: mesh", "shape: mesh, routers: 6", "needs one of joins, grid and routers"),
        (
            "shape: mesh",
            "shape: mesh, override: [{between: ['[0][0]', '[0][1]'], absent: true, latency: 1 ns}]",
            "f.yaml:15:57: a link that is absent has no latency and no bandwidth; allowed: one of the two",
        ),
        (
            "shape: mesh",
            "shape: mesh, override: [{between: ['[0][0]', '[0][1]'], one_way: true, latency: 1 ns}, "
            "{between: ['[0][0]', '[0][1]'], latency: 2 ns}]",
            "is changed twice, first at",
        ),
        (
            "joins: die.router.mesh",
            "joins: [die.router.mesh, 'die[0][0].router.mesh']",
            "f.yaml:15:16: network 'd2d': die[0][0].router joins twice; allowed: each part once",
        ),
        (
            "shape: mesh",
            "shape: mesh, override: [{between: ['[0][0]', '[1][1]'], latency: 1 ns}]",
            "there is no link die[0][0].router - die[1][1].router; allowed: two neighbours",
        ),
        (
            "shape: mesh",
            "shape: mesh, override: [{between: ['[*][0]', '[0..1][1]'], latency: 1 ns}]",
            "[*][0] are 3 routers, [0..1][1] are 2; allowed: as many on each side, or one on one side",
        ),
        (
            "shape: mesh",
            "shape: mesh, override: [{between: ['[0..9][0]', '[0..9][1]'], latency: 1 ns}]",
            "[0..9][0] lies outside the grid of [3, 2] of network 'd2d'",
        ),
        (
            "shape: mesh",
            "shape: mesh, override: [{between: ['[0][0]', '[9][1]'], latency: 1 ns}]",
            "[9][1] is no router of network 'd2d'",
        ),
        ("name: w", "name: w\nnetwork: {}", "f.yaml:3:1: a topology has no 'network'; allowed: schema, name"),
        ("name: w", "about: w", "a topology needs a name"),
        ("name: w", "name: w\nschema: chipweave.run/1", "f.yaml:3:9: schema 'chipweave.run/1' is not a topology's"),
        ("parts:\n  die", "parts: [1]\nno:\n  die", "parts must be a mapping, not a list"),
    ],
)
def test_a_fault_is_told_with_its_place(faults, wafer, wrong, right, message):
    assert wrong in wafer
    assert any(message in fault for fault in faults(wafer.replace(wrong, right, 1))), faults(
        wafer.replace(wrong, right, 1)
    )


@pytest.mark.parametrize(
    "settings, message",
    [
        ("shape: edges, routers: 3, edges: [[0, 1]]", "n[2] cannot be reached from n[0] by routing shortest"),
        ("shape: edges, routers: 3", "shape: edges and a list of edges belong together"),
        ("shape: edges, routers: 3, edges: [[0, 0]]", "a link from n[0] to itself"),
        ("shape: edges, routers: 3, edges: [[0, 1], [1, 0]]", "n[1] - n[0] is listed twice, first at f.yaml:3:41"),
        ("shape: edges, routers: 3, edges: [[0, 7]]", "7 is no router of network 'n'"),
        ("shape: mesh, grid: [300, 300]", "90,000 routers need about 1.4 GiB, and "),
        ("shape: ring, routers: 1e9", "1,000,000,000 routers need about 15,258.8 GiB, and "),
        ("shape: mesh, grid: [2, 2, 2, 2, 2, 2, 2, 2, 2]", "a grid is [Y, X], not [2, 2, 2, 2, 2, 2, 2, 2, 2]"),
        ("shape: full, routers: 3000", "more than 1000000 links"),
        (
            "shape: mesh, grid: [2, 2], override: [{between: [0, 1], absent: true}]",
            "by routing xy: there is no link n[0][0] - n[1][0]",
        ),
        ("shape: mesh, grid: [2, 2], router: {vcz: 4}", "f.yaml:3:43: FlitRouter has no parameter 'vcz'"),
        (
            "shape: mesh, grid: [2, 2], vc_depth: 4",
            "f.yaml:3:34: network n: 'vc_depth' is a parameter of its routers; allowed: router: {vc_depth: ...}",
        ),
        (
            "shape: mesh, grid: [2, 2], rooter: {vcs: 4}",
            "joins, at, links, links_as, override, router; nearest: router",
        ),
        ("shape: mesh, grid: [2, 2], router: {vcs: 0}", "vcs = 0 is out of range; allowed: int from 1 to 32"),
    ],
)
def test_a_bare_network_s_fault_is_told(faults, settings, message):
    assert any(message in fault for fault in faults(NET % settings)), faults(NET % settings)


def test_an_unconnected_port_of_every_die_is_told_once(faults, wafer):
    text = wafer.replace("      - {between: [sm.memory, hbm.access], latency: included}\n", "")
    assert faults(text) == [
        (
            "f.yaml:6:11: port die[0][0].sm.memory, which uses memory.access, "
            "is not connected (and 5 more like it); allowed: one link"
        )
    ]


def test_a_doubly_connected_port_is_told(faults, wafer):
    line = "      - {between: [sm.memory, hbm.access], latency: included}\n"
    assert (
        "port die[0][0].sm.memory, which uses memory.access, is connected 2 times (and 5 more like it)"
        in faults(wafer.replace(line, line * 2))[0]
    )


def test_faults_of_parts_links_and_networks_come_in_one_go(faults, wafer):
    text = (
        wafer.replace("bandwidth: 3.35 TB/s", "bandwith: 1")
        .replace("shape: mesh", "shape: mess")
        .replace("kind: t.source", "kind: t.sauce")
    )
    assert len(faults(text)) == 3
    text = (
        wafer.replace("sm.memory, hbm", "sm.memory, hmb")
        .replace("latency: 2 ns", "latency: 0 ns")
        .replace("shape: mesh", "shape: ring, routing: yx")
    )
    assert len(faults(text)) == 3


def test_code_is_named_and_all_else_is_still_checked(faults, wafer):
    text = wafer.replace("kind: t.memory", "kind: ./my_hbm.py:Hbm").replace("kind: t.source", "kind: t.sauce")
    told = faults(text)
    assert len(told) == 2 and "t.sauce" in told[0]
    assert (
        "these parts are code, which is not run unasked: ./my_hbm.py:Hbm (f.yaml:7:19); allowed: --allow-code"
        in told[1]
    )


def test_a_missing_topology_names_the_nearest(tmp_path):
    with pytest.raises(BadInput, match="no file none.yaml"):
        topology.load("none.yaml")
    with pytest.raises(BadInput, match="no topology is called 'no_such'"):
        topology.load("no_such")


@pytest.mark.parametrize(
    "key, value, fact",
    [
        ("parts", "{die: 25}", "parts.die is 6, expected 25"),
        ("parts", "{dye: 6}", "no part is called 'dye'"),
        ("wires", "3", "wires is 12, expected 3"),
        ("d2d", "{links: 8}", "d2d.links is 7, expected 8"),
        ("d2d", "{diameter: 4 hops}", "d2d.diameter is 3, expected 4 hops"),
        ("d2d", "{bisection: 3}", "d2d.bisection is 2, expected 3"),
        ("d2d", "{degree: {2: 6}}", "d2d.degree is {2: 4, 3: 2}, expected {'2': 6}"),
        ("d2d", "{mean_distance: 1}", "d2d.mean_distance is 25/18 = 1.38889, expected 1"),
        ("d2d", "{raduis: 1}", "no fact is called 'raduis'"),
        ("dd2", "{links: 7}", "expect knows no 'dd2'; allowed: parts, wires, d2d; nearest: d2d"),
    ],
)
def test_an_expectation_that_fails_is_a_fault(faults, wafer, key, value, fact):
    assert any(fact in told for told in faults(f"{wafer}expect:\n  {key}: {value}\n"))


def test_expectations_that_hold_pass(build, wafer):
    assert build(
        wafer
        + (
            "expect:\n  parts: {die: 6, die.hbm: 6}\n  wires: 12\n"
            "  d2d: {endpoints: 6, routers: 6, links: 7, diameter: 3 hops, bisection: 2, degree: {2: 4, 3: 2}}\n"
        )
    )


OVER = "extends: wafer_5x5\nname: mine\n"


@pytest.mark.parametrize(
    "text, words",
    [
        (
            OVER + "parts: {die: {grid: [4, 6]}}\n",
            (
                "parts.die is 24, expected 25; allowed: what is true of "
                "mine, under `expect:` in .*mine.yaml (null: no such fact)"
            ),
        ),
        (OVER + "parts: {die: {grid: [100000, 100000]}}\n", "mine.yaml:3:21: die: more than 100000 parts"),
        (
            "name: ../../etc/x\nnetworks: {m: {routers: 2, shape: ring, latency: 1 ns, bandwidth: 1 GB/s}}\n",
            "mine.yaml:1:7: name '../../etc/x' cannot be a file's",
        ),
        (f"name: {'a' * 3000}\nnetworks: {{}}\n", "cannot be a file's; allowed: up to 100 characters"),
        ('name: "a\\e[31m"\nnetworks: {}\n', "cannot be a file's"),
        ("extends: [a]\nname: x\n", "mine.yaml:1:10: extends names one topology, not a list"),
        (
            "name: x\nassemblies: {a: {parts: {b: {assembly: a}}}}\nparts: {a: {assembly: a}}\n",
            "mine.yaml:2:40: assembly 'a' holds itself, by way of a",
        ),
        (
            OVER
            + (
                'networks: {d2d: {override: [{between: ["[0][0]", "[0][1]"], bandwidth: '
                '1 GB/s}, {between: ["[0][1]", "[0][0]"], bandwidth: 2 GB/s}]}}\n'
            ),
            "is changed twice, first at .*mine.yaml:3:29",
        ),
    ],
)
def test_a_newcomers_mistake_is_told_where_it_was_made_and_how_to_mend_it(tmp_path, text, words):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(BadInput) as caught:
        topology.load(tmp_path / "mine.yaml")
    assert re.search(re.escape(words).replace(r"\.\*", ".*"), str(caught.value)), str(caught.value)


def test_too_large_a_grid_is_one_fault(tmp_path):
    (tmp_path / "mine.yaml").write_text(OVER + "parts: {die: {grid: [100000, 100000]}}\n")
    with pytest.raises(BadInput) as caught:
        topology.load(tmp_path / "mine.yaml")
    assert len(caught.value.faults) == 1


def test_facts_that_settings_make_untrue_can_be_dropped():
    with pytest.raises(BadInput, match="--set expect=null"):
        topology.load("mesh_4x4", sets=["mesh.grid=[3, 5]"])
    assert len(topology.load("mesh_4x4", sets=["mesh.grid=[3, 5]", "expect=null"]).networks["mesh"].endpoints) == 15


def test_a_shape_may_say_its_source(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text(NET % "routers: 3, shape: {value: ring, source: a guess, kind: assumed}")
    assert topology.load(path).networks["n"].endpoint_count == 3
