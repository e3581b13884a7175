"""`links_as`: are the links that two networks share written once, and is a second statement refused?"""

import pytest

from chipweave import topology
from chipweave.declare import yamlfile
from chipweave.errors import BadInput

TEXT = """
name: n
networks:
  first: {routers: 4, shape: switch, switches: 2, latency: 3 ns, bandwidth: 8 GB/s, link_model: fair,
          override: [{between: [0, "first.switch[0]"], bandwidth: 1 GB/s}]}
  second: {routers: 4, links_as: first}
"""


def build(*sets, text=TEXT):
    return topology.build(yamlfile.loads(text, "f.yaml"), sets=sets).networks


def refused(*sets, text=TEXT):
    with pytest.raises(BadInput) as error:
        build(*sets, text=text)
    return [str(fault) for fault in error.value.faults]


PLAIN = TEXT.replace('"first.switch[0]"', "4")  # by number an end means the same in both


@pytest.mark.parametrize("sets", [(), ("first.bandwidth=2 GB/s",), ("first.latency=9 ns", "first.switches=3")])
def test_what_one_network_says_of_its_links_holds_for_both(sets):
    first, second = build(*sets, text=PLAIN).values()
    for name in ("src", "dst", "latency_ps"):
        assert getattr(first, name).tolist() == getattr(second, name).tolist()
    assert first.bandwidth == second.bandwidth and min(second.bandwidth) == 10**9


def test_who_takes_part_and_how_links_are_used_is_each_networks_own():
    second = build("second.link_model=circuit", "second.spread=none", text=PLAIN)["second"]
    assert (second.link_model, second.spread, second.shape) == ("circuit", "none", "switch")
    assert build(text=PLAIN)["second"].link_model == "circuit"  # its default, not what the first network says


@pytest.mark.parametrize("key, value", [("bandwidth", "1 GB/s"), ("latency", "1 ns"), ("shape", "full")])
def test_a_key_of_links_that_both_write_is_refused_with_the_cure(key, value):
    (fault,) = refused(f"second.{key}={value}", text=PLAIN)
    assert fault == (
        f"--set second.{key}={value}: network 'second' has the links of 'first', which writes {key} too; "
        f"allowed: first.{key}; or links_as: null, and all of the links of second written out"
    )


@pytest.mark.parametrize("name, near", [("frist", "; nearest: first"), ("second", ""), ("[first]", "")])
def test_the_other_network_must_be_there_and_write_its_own_links(name, near):
    (fault,) = refused(f"second.links_as={name}", text=PLAIN)
    assert fault == (
        f"--set second.links_as={name}: network 'second': links_as names no network that writes its own links; "
        f"allowed: first{near}"
    )


def test_an_end_that_only_the_other_network_has_is_refused():
    assert any("first.switch[0] is no router of network 'second'" in fault for fault in refused())


@pytest.mark.parametrize("name", ["dgx_h100", "dgx_h800"])
def test_the_gpus_and_the_dies_of_a_node_have_the_same_links(name):
    loaded = topology.load(name, sets=["nvlink.bandwidth=100 GB/s", "nvlink.latency=1 us"]).networks
    for key in ("nvlink", "d2d"):
        assert set(loaded[key].bandwidth) == {10**11} and set(loaded[key].latency_ps.tolist()) == {10**6}
    with pytest.raises(BadInput, match="which writes bandwidth too"):
        topology.load(name, sets=["d2d.bandwidth=100 GB/s"])
