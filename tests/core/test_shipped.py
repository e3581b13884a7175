"""Do the shipped topologies and presets load, hold to their closed forms, and say where each number is from?"""

import subprocess
import sys
from fractions import Fraction

import pytest

from chipweave import topology
from chipweave.io.shipped import shipped
from chipweave.views.filetypes import check

WAFERS = [n for n in shipped() if n.startswith(("wafer", "micro"))]

ONLY_EXTENDED = {"hopper_die"}  # what several dies share; each of them states what it lacks
WHOLE = [name for name in shipped() if name not in ONLY_EXTENDED]


@pytest.mark.parametrize("name", WHOLE)
def test_every_number_of_a_shipped_topology_has_a_source(name):
    system = topology.load(name)
    assert system.name == name and system.about
    assert not [path for path, _, source in system.sources if source is None]


@pytest.mark.parametrize("preset", shipped("presets"))
@pytest.mark.parametrize("name", WAFERS)
def test_a_preset_lies_over_every_wafer_with_a_source_on_its_numbers(name, preset):
    system = topology.load(name, preset=preset)
    assert system.preset == preset and not [path for path, _, source in system.sources if source is None]


@pytest.mark.parametrize(
    "name, links, diameter, mean",
    [
        ("wafer_5x5", 40, 8, Fraction(16, 5)),
        ("wafer_8x3", 37, 9, Fraction(253, 72)),
        ("micro_line_4", 3, 3, Fraction(5, 4)),
        ("micro_2x2", 4, 2, Fraction(1)),
    ],
)
def test_a_wafer_is_the_one_of_the_paper(name, links, diameter, mean):
    network = topology.load(name).networks["d2d"]
    assert (len(network.pairs()), network.distance.max()) == (links, diameter)
    assert Fraction(int(network.distance.sum()), len(network.endpoints) ** 2) == mean


def test_the_two_legs_of_a_diagonal_take_different_links():
    network = topology.load("micro_2x2").networks["d2d"]
    names = {n: i for i, n in enumerate(network.endpoints)}
    legs = [[(names[a], names[b]) for a, b in network.route(*pair)] for pair in ((0, 3), (3, 0))]
    assert legs == [[(0, 2), (2, 3)], [(3, 1), (1, 0)]]


def test_a_preset_s_correction_of_one_die_leaves_another_die_alone():
    def figures(name, preset):
        system = topology.load(name, preset=preset)
        link = next(iter(system.networks["d2d"].graph.edges(data=True)))[2]
        return int(system.parts["die[0][0].sm"].peak / 10**12), int(link["bandwidth"] / 10**9)

    assert figures("wafer_5x5", "artifact") == (1000, 1741)
    assert figures("wafer_5x5", "paper") == (989, 1700)
    assert figures("wafer_5x5_enhanced", "artifact") == figures("wafer_5x5_enhanced", "paper") == (4500, 2000)


def test_the_artifact_s_engine_is_what_its_preset_says():
    network = topology.load("wafer_5x5", preset="artifact").networks["d2d"]
    assert (network.duplex, network.admission, network.wait_queue) == ("undirected", "early_booking", "artifact_heap")


@pytest.mark.parametrize(
    "name, nodes", [("mesh_4x4", 16), ("mesh_8x8", 64), ("mesh_16x16", 256), ("mesh_32x32", 1024), ("torus_8x8", 64)]
)
def test_a_bare_network_is_numbered_x_fastest_and_goes_x_first(name, nodes):
    system = topology.load(name)
    network = next(iter(system.networks.values()))
    side = network.dims[1]
    assert (
        len(network.endpoints) == nodes
        and network.endpoint(1).endswith("[0][1]")
        and network.endpoint(side).endswith("[1][0]")
    )
    assert network.route(0, side + 1)[0] == (network.endpoint(0), network.endpoint(1))
    assert network.link_model == "flit" and not system.parts


@pytest.mark.parametrize("name", [*WHOLE, *(str(p) for p in shipped("presets").values())])
def test_check_finds_no_fault_in_what_is_shipped(name):
    assert check(name) in ("topology", "preset")


def test_help_is_quick(slowness):
    code = (
        "import resource, sys; from chipweave.__main__ import main\ntry: main(['--help'])\n"
        "except SystemExit: pass\nprint(resource.getrusage(resource.RUSAGE_SELF).ru_utime, file=sys.stderr)"
    )
    seconds = min(
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr.split()[-1])
        for _ in range(3)
    )
    assert seconds < 0.3 * slowness
