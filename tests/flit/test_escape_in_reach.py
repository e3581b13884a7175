"""Can every packet of a network with escape VCs come to one? Packets behind others in a VC cannot."""

from dataclasses import replace

import pytest

from chipweave import topology
from chipweave.errors import BadInput
from chipweave.noc import network as flit_network
from chipweave.run import simulate
from chipweave.run.spec import RunSpec

ADAPTIVE, SHARED = "d2d.routing=min_adapt", "d2d.router.wait_for_tail_credit=0"


def d2d(*sets):
    return topology.load("wafer_5x5", sets=sets).networks["d2d"]


@pytest.mark.parametrize("routing", ["min_adapt", "shortest_escape"])
def test_a_vc_of_a_system_has_one_packet_where_there_are_escape_vcs(routing):
    assert flit_network.of(d2d(f"d2d.routing={routing}")).router.wait_for_tail_credit == 1
    assert flit_network.of(d2d()).router.wait_for_tail_credit == 0


def test_several_packets_a_vc_are_refused_with_the_cure_and_allowed_in_words():
    with pytest.raises(BadInput, match="cannot take the escape VC.*wait_for_tail_credit: 1"):
        flit_network.check(d2d(ADAPTIVE, SHARED))
    said = flit_network.check(d2d(ADAPTIVE, SHARED, "d2d.allow_deadlock=true"))
    assert (
        "network d2d: allow_deadlock lets through that packets behind others in a VC cannot take the escape VC" in said
    )


def test_a_bare_network_keeps_booksims_default():
    made = topology.load("mesh_4x4", sets=("mesh.routing=min_adapt",)).networks["mesh"]
    assert flit_network.of(made).router.wait_for_tail_credit == 0 and flit_network.check(made) == []


@pytest.mark.slow
def test_a_run_that_several_packets_a_vc_would_hang_ends(small_model, tmp_path):
    """With two packets a VC this run stopped at cycle 204,986: four VCs waited for each other."""
    spec = RunSpec(model="deepseek-v2-lite", batch=2, steps=2, link_model="flit", preset="physical", sets=(ADAPTIVE,))
    assert simulate.simulate(replace(spec, strategy="base")).row["decode_time_ns"] > 0
    with pytest.raises(BadInput, match="cannot take the escape VC"):
        simulate.simulate(replace(spec, sets=(ADAPTIVE, SHARED)))
