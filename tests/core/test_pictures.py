"""Where do things stand in the picture of a system, and is what differs marked against the most common?"""

import math
import random

import numpy as np
import pytest

from chipweave import topology
from chipweave.declare import yamlfile
from chipweave.errors import BadInput
from chipweave.views import draw_layout
from chipweave.views.draw import draw
from chipweave.views.draw_layout import alike, positions

RATES = "latency: 1 ns, bandwidth: 1 TB/s"


def load(folder, text, **more):
    path = folder / "f.yaml"
    path.write_text("name: f\n" + text)
    return topology.load(path, **more)


def test_dies_stand_where_the_file_says(tmp_path):
    system = load(
        tmp_path,
        "extends: wafer\nparts: {die: {grid: null, count: 3, at: [[0, 0], [2, 0], [0.5, 1]]}}\n"
        "networks: {d2d: {shape: ring}}\n",
    )
    assert positions(system.networks["d2d"], system) == {
        "die[0].d2d": (0, 0),
        "die[1].d2d": (2, 0),
        "die[2].d2d": (0.5, -1),
    }


def test_bare_routers_stand_where_the_file_says_and_switches_amid_them():
    text = f"name: n\nnetworks: {{n: {{routers: 2, shape: switch, at: [[0, 0], [4, 2]], {RATES}}}}}"
    system = topology.build(yamlfile.loads(text, "f.yaml"))
    assert positions(system.networks["n"], system) == {"n[0]": (0, 0), "n[1]": (4, -2), "n.switch": (2, -1)}


@pytest.mark.parametrize(
    "parts, words",
    [
        (
            "{die: {grid: null, count: 3, at: [[0, 0], [2, 0]]}}",
            "3:41: die: at does not say where they stand; allowed: a list of 3",
        ),
        (
            "{die: {grid: null, count: 1, at: [0, far]}}",
            "3:41: die: at does not say where it stands; allowed: [x, y], numbers",
        ),
    ],
)
def test_positions_that_are_none_are_refused(tmp_path, parts, words):
    with pytest.raises(BadInput) as caught:
        load(tmp_path, f"extends: wafer\nparts: {parts}\nnetworks: {{d2d: {{shape: full}}}}\n")
    assert f"f.yaml:{words}" in str(caught.value)


def test_positions_of_parts_within_a_die_are_refused(tmp_path):
    with pytest.raises(BadInput, match=r"f.yaml:3:38: hbm: at is of dies and other parts of a system"):
        load(tmp_path, "extends: wafer_5x5\nassemblies: {die: {parts: {hbm: {at: [1, 1]}}}}\n")


def test_systems_stand_as_grids_beside_one_another(tmp_path):
    system = load(
        tmp_path,
        "systems: {a: {extends: wafer, parts: {die: {grid: [2, 3]}}},\n"
        "  b: {extends: wafer, parts: {die: {grid: [2, 2]}}}}\n"
        "parts: {cp: {kind: cp.global}}\n"
        f"networks: {{d2d: {{edges: [{{between: ['a_die[0][2].d2d', 'b_die[0][0].d2d'], {RATES}}}]}}}}\n",
    )
    at = positions(system.networks["d2d"], system)
    assert [at[f"a_die[{y}][{x}].d2d"] for y in range(2) for x in range(3)] == [
        (x, -y) for y in range(2) for x in range(3)
    ]
    left = at["b_die[0][0].d2d"][0]
    assert left > 3 and at["b_die[1][1].d2d"] == (left + 1, -1)


def test_thirty_irregular_dies_are_apart_and_their_links_short():
    """Boxes are 0.66 wide: none covers another, and neighbours are near, whatever the seed."""
    for seed in range(3):
        draws = random.Random(seed)
        edges = {(draws.randrange(max(0, i - 6), i), i) for i in range(1, 30)}
        edges |= {(i, i + 5) for i in draws.sample(range(25), 14)}
        listed = ", ".join(map(str, map(list, sorted(edges))))
        text = f"name: n\nnetworks: {{n: {{routers: 30, shape: edges, edges: [{listed}], {RATES}}}}}"
        network = topology.build(yamlfile.loads(text, "f.yaml")).networks["n"]
        at = list(positions(network).values())
        assert min(math.dist(p, q) for i, p in enumerate(at) for q in at[:i]) > 0.89
        lengths = [math.dist(at[a], at[b]) for a, b in edges]
        assert sum(lengths) / len(lengths) < 3 and max(lengths) < 6


def test_what_differs_is_marked_against_the_most_common_and_said(tmp_path):
    """Two of four dies are alike, and neither is the first."""
    system = load(
        tmp_path,
        "extends: wafer\nparts:\n  die:\n    grid: [1, 4]\n    override:\n"
        "      '[0][0]': {hbm: {bandwidth: 8 TB/s}, llc: {kind: memory.llc_plain}}\n"
        "      '[0][3]': {sm: {peak: 1 TFLOPS}}\n",
    )
    usual, others = alike(system)["die"]
    assert usual == "die[0][1]"
    assert others == {"die[0][0]": "llc: memory.llc_plain\nhbm 8 TB/s", "die[0][3]": "sm 1 TFLOPS"}
    draw(system, tmp_path / "f.svg")
    text = (tmp_path / "f.svg").read_text()
    assert "hbm 8 TB/s" in text and "sm 1 TFLOPS" in text and "bandwidth 3.35 TB/s" in text


NODES = """schema: chipweave.topology/1
name: nodes
networks:
  d2d:
    routers: 8
    shape: joined
    latency: 100 ns
    bandwidth: 225 GB/s
    regions: [{of: 0..3, shape: switch, switches: 2}, {of: 4..7, shape: switch, switches: 2}]
    edges: [[0, 4], [1, 5], [2, 6], [3, 7]]
"""


def behind(network, spots):
    """(link, router) of routers whose middle a link between two others passes nearer than half a box."""
    found = []
    for a, b in network.pairs():
        start, way = np.array(spots[a]), np.subtract(spots[b], spots[a])
        for name, at in spots.items():
            share = np.clip(np.dot(np.subtract(at, start), way) / np.dot(way, way), 0, 1)
            if name not in (a, b) and np.linalg.norm(np.subtract(at, start) - share * way) < 0.33:
                found.append(((a, b), name))
    return found


def test_no_link_of_two_nodes_passes_behind_a_router(tmp_path):
    path = tmp_path / "nodes.yaml"
    path.write_text(NODES)
    network = topology.load(path).networks["d2d"]
    spots = draw_layout.positions(network)
    assert behind(network, spots) == []
    at = np.array(list(spots.values()))
    gaps = np.linalg.norm(at[:, None] - at[None], axis=2) + np.eye(len(at)) * 9
    assert gaps.min() > 0.7


def test_a_die_bears_one_number_in_every_network(tmp_path):
    """In a control network the global CP comes first in endpoint order; dies keep the numbers of the system."""
    path = tmp_path / "control.yaml"
    path.write_text(
        "schema: chipweave.topology/1\nname: control\nextends: wafer\nparts: {die: {grid: [2, 3]}}\n"
        "links: [{between: [cp.launch, die.cp.launch], over: control}]\n"
        "networks: {control: {joins: [cp.control, die.cp.control], shape: switch, latency: 1 ns, bandwidth: 1 GB/s}}\n"
    )
    system = topology.load(path)
    data, control = (draw_layout.numbers(system.networks[name], system) for name in ("d2d", "control"))
    assert data == {f"die[{y}][{x}].d2d": y + x * 2 for y in range(2) for x in range(3)}
    assert control == {name.replace(".d2d", ".cp"): number for name, number in data.items()}
