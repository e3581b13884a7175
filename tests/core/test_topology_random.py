"""Whatever is written, is the answer a system or faults with places, and do the invariants of networks hold?"""

import string

import networkx as nx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chipweave import topology
from chipweave.declare import yamlfile
from chipweave.errors import BadInput

RICH = """
name: w
assemblies:
  die:
    parts:
      sm: {kind: t.source}
      hbm:
        kind: t.memory
        bandwidth: {value: 3.35 TB/s, source: x, kind: assumed}
        latency: 300 ns
      router:
        kind: t.router
        slots:
          spare:
            kind: t.table
            entries: 4
    links:
      - {between: [sm.memory, hbm.access], latency: included}
      - between: [router.home, hbm.access]
        latency: 2 ns
        bandwidth: 1 TB/s
parts:
  die:
    assembly: die
    grid: [3, 2]
    override:
      "[0..1][*]":
        hbm: {bandwidth: 2 TB/s}
  boss: {kind: t.boss}
links:
  - {between: [boss.dies, die.sm.launch], latency: 1 us, bandwidth: 1 GB/s}
networks:
  d2d:
    joins: die.router.mesh
    shape: mesh
    routing: xy
    latency: 200 ns
    bandwidth: 1.7 TB/s
    router:
      vcs: 4
    override:
      - {between: ["[0][0]", "[0][1]"], bandwidth: 1 GB/s}
expect:
  parts: {die: 6}
  d2d:
    links: 7
    degree: {2: 4, 3: 2}
"""
NASTY = st.sampled_from(
    [
        "",
        "~",
        "[]",
        "{}",
        "[1, 2]",
        "{a: 1}",
        "0",
        "-1",
        "1e99",
        "1e9",
        "010",
        "1:30",
        "on",
        "true",
        "3.35 TB",
        "1 ns",
        "die",
        "die.hbm.access",
        "[[0, 1]]",
        "[a, b, c]",
        '"[0][0]"',
        '["[0][0]"]',
        "{value: 1}",
        "{value: 1 ns, source: x, kind: assumed}",
        "{kind: t.memory}",
        "t.memory",
        "./x.py:X",
        "mesh",
        "switch",
        "\u00b5",
        "'",
        "*a",
        "!!x y",
    ]
)
KEYS = st.sampled_from(
    [
        "kind",
        "parts",
        "grid",
        "count",
        "between",
        "joins",
        "slots",
        "override",
        "absent",
        "expect",
        "links",
        "networks",
        "assembly",
        "latency",
        "routing",
        "edges",
        "<<",
    ]
)


def outcome(text):
    """The system, or the faults; anything else raised is a bug."""
    try:
        return topology.build(yamlfile.loads(text, "f.yaml"))
    except BadInput as error:
        assert error.faults and all(f.what for f in error.faults)
        assert not any("\n" in str(f) for f in error.faults)
        return error.faults


@pytest.mark.slow
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_file_spoilt_in_places_gives_faults_or_a_system(kinds, data):
    lines = RICH.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        i = data.draw(st.integers(0, len(lines) - 1))
        head, colon, tail = lines[i].partition(": ")
        change = data.draw(st.sampled_from(["value", "key", "drop", "twice", "cut"]))
        if change == "value" and colon:
            lines[i] = f"{head}: {data.draw(NASTY)}"
        elif change == "key":
            lines[i] = lines[i][: len(lines[i]) - len(lines[i].lstrip())] + data.draw(KEYS) + ": " + data.draw(NASTY)
        elif change == "drop" and len(lines) > 1:
            del lines[i]
        elif change == "twice":
            lines.insert(i, lines[i])
        else:
            lines[i] = lines[i][: data.draw(st.integers(0, len(lines[i])))]
    outcome("\n".join(lines))


def test_the_file_that_is_spoilt_is_whole_to_begin_with(build):
    assert build(RICH).parts["die[1][1].router.spare"].entries == 4


@settings(max_examples=150)
@given(st.text(alphabet=string.printable, max_size=80))
def test_any_text_is_read_or_refused(text):
    try:
        yamlfile.loads(text)
    except BadInput:
        pass


@settings(max_examples=150)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    try:
        yamlfile.loads(data)
    except BadInput:
        pass


@settings(max_examples=100)
@given(st.text(alphabet="abcdie.[]0=*{}: hbm", max_size=40))
def test_any_setting_is_applied_or_refused(setting):
    try:
        topology.build(
            yamlfile.loads("name: n\nnetworks: {n: {routers: 2, shape: ring, latency: 1 ns, bandwidth: 1 GB/s}}"),
            sets=[setting],
        )
    except BadInput:
        pass


@pytest.mark.slow
@settings(max_examples=40)
@given(st.integers(1, 5), st.integers(1, 5), st.sampled_from(["mesh", "torus"]), st.data())
def test_a_grid_without_some_links_is_refused_or_every_route_is_there(rows, columns, shape, data):
    routing = data.draw(st.sampled_from(["xy", "yx", "shortest", "shortest_latency"]))
    edges = (
        data.draw(st.lists(st.sampled_from(sorted(_edges(rows, columns, shape))), max_size=2))
        if rows * columns > 1
        else []
    )
    cut = [f"{{between: [{a}, {b}], absent: true}}" for a, b in dict.fromkeys(edges)]
    text = (
        f"name: n\nnetworks: {{n: {{grid: [{rows}, {columns}], shape: {shape}, routing: "
        f"{routing}, latency: 1 ns, bandwidth: 1 GB/s, override: [{', '.join(cut)}]}}}}"
    )
    found = outcome(text)
    if isinstance(found, list):
        assert cut and "cannot be reached" in str(found[0])
        return
    network = found.networks["n"]
    assert nx.is_strongly_connected(network.graph)
    for i in range(len(network.endpoints)):
        for j in range(len(network.endpoints)):
            assert (
                all(link in network.graph.edges for link in network.route(i, j))
                and len(network.route(i, j)) == network.distance[i, j]
            )


def _edges(rows, columns, shape):
    """Pairs of endpoint numbers with a link between them."""
    network = topology.build(
        yamlfile.loads(
            f"name: n\nnetworks: {{n: {{grid: [{rows}, {columns}], shape: {shape}, latency: 1 ns, bandwidth: 1 GB/s}}}}"
        )
    ).networks["n"]
    return [tuple(network.rank[n] for n in pair) for pair in network.pairs()] or [(0, 1)]
