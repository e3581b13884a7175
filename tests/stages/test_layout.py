"""Does a layout give parts their numbers and names, and refuse what does not fit, before any engine sees it?"""

from fractions import Fraction
from types import SimpleNamespace

import pytest

from chipweave.chain import Constant, Layout, equal
from chipweave.errors import BadInput


def test_parts_are_numbered_in_the_order_of_their_family():
    layout = Layout()
    first, second = layout.counter("reads", 4), layout.counter("writes", 2)
    table = layout.bits("bits", 3, 5)
    assert [(p.name, p.number) for p in (first, second, table)] == [("reads", 0), ("writes", 1), ("bits", 0)]
    assert layout.find("writes") is second and layout.find("bits") is table
    with pytest.raises(BadInput, match="no part named 'erases' in the layout"):
        layout.find("erases")


def test_a_name_is_taken_once_in_its_family():
    layout = Layout()
    layout.resources("port", 1)
    layout.counter("port", 1)
    with pytest.raises(BadInput, match="resources: 'port' is there already"):
        layout.resources("port", 2)


@pytest.mark.parametrize("sets, most, each", [(8, 8, ()), ([4, 8, 2], 8, (4, 8, 2)), ([4, 4, 4], 4, ())])
def test_sets_are_one_number_or_one_for_each_instance(sets, most, each):
    """Equal ones are kept as one: the engines then need no array."""
    tags = Layout().tags("llc", 3, sets, sets)
    assert (tags.sets, tags.sets_of) == (tags.ways, tags.ways_of) == (most, each)
    keyed = Layout().keyed("atu", 3, 100, sets)
    assert (keyed.capacity, keyed.capacity_of) == (most, each)


@pytest.mark.parametrize("sets", [[1, 2], [1, 2, 3, 4]])
def test_as_many_values_as_instances(sets):
    with pytest.raises(BadInput, match=f"{len(sets)} values for 3 instances"):
        Layout().tags("llc", 3, sets, 2)


def test_equal_questions_share_a_map_and_others_do_not():
    layout = Layout()
    one, same, other = layout.which([0, 1, 1]), layout.which(iter([0, 1, 1])), layout.which([1, 0, 0])
    assert one is same and other is not one and len(layout.parts["maps"]) == 2
    assert (one.values, other.values) == ((0, 1, 1), (1, 0, 0))


def test_a_choice_goes_on_at_no_for_0_and_at_yes_for_1():
    chain = Layout().chain("c", ["a", "b"])
    chain.choose("same", equal("a", "b"), yes="hit", no="miss")
    chain.choose("which", equal("a", "b"), branches=["zero", "one", "two"])
    assert chain.stages["same"].branches == ("miss", "hit")
    assert chain.stages["which"].branches == ("zero", "one", "two")


def test_numbers_become_rules_and_exact_fractions():
    layout = Layout()
    chain = layout.chain("c", ["a", "b"])
    network = layout.network("n", "circuit", 2, [], lambda source, target: [])
    chain.hold("wait", lasts=7, then="go")
    chain.send("go", network, "a", "b", 64, efficiency=0.9)
    assert chain.stages["wait"].lasts == Constant(7) and chain.first() == "wait"
    assert chain.stages["go"].message.efficiency == Fraction(9, 10)
    with pytest.raises(BadInput, match="a stage named 'go' is there already"):
        chain.hold("go", lasts=1)


def test_a_chain_that_two_groups_publish_has_an_entry_for_each():
    layout = Layout()
    entries = []
    for group, operands in (("big.sm", ["die"]), ("small.sm", ["die"])):
        layout.publisher = SimpleNamespace(group=group)
        entries.append(layout.chain("slice", operands))
        entries[-1].hold(f"{group}.read", lasts=1)
    assert [e.publisher.group for e in entries] == ["big.sm", "small.sm"] and entries[0].chain is entries[1].chain
    assert [e.first() for e in entries] == ["big.sm.read", "small.sm.read"] and len(layout.chains) == 1
    layout.publisher = SimpleNamespace(group="odd.sm")
    with pytest.raises(
        BadInput, match="odd.sm publishes it with operands line and priority '', big.sm with die and ''"
    ):
        layout.chain("slice", ["line"])


def test_a_listing_has_a_line_for_each_stage():
    layout = Layout()
    port = layout.resources("port", 2)
    chain = layout.chain("c", ["a", "b"])
    chain.choose("same", equal("a", "b"), yes="wait", no="wait")
    chain.hold("wait", port.at("a"), lasts=7)
    first, second, third = chain.listing().split("\n")
    assert first == "chain c(a, b)" and second == "  choose  same: equal(a, b) -> wait | wait"
    assert third.startswith("  hold    wait") and "takes port[a]" in third
