"""Does the example of docs/reference/stages.md print what it says? Are faults of chains clear, and can a wait end
in `Stuck`?"""

import doctest
from pathlib import Path

import pytest

from chipweave import chain as chain_module
from chipweave import fabric
from chipweave.chain import Constant, Given, Layout, Link, RouteTime, amount
from chipweave.chain import nouns as chain_parts
from chipweave.errors import BadInput


def test_documents_and_docstrings_print_what_they_say():
    page = Path(__file__).parents[2] / "docs" / "reference" / "stages.md"
    assert doctest.testfile(str(page), module_relative=False).failed == 0
    for module in (chain_module, chain_parts):
        assert doctest.testmod(module).failed == 0


def one_chain(operands=("die", "wait")):
    layout = Layout()
    return layout, layout.resources("port", 2), layout.chain("c", operands)


def test_every_fault_of_a_chain_is_named_in_one_go():
    layout, port, chain = one_chain()
    chain.hold("first", [port.at("dye")], lasts=5, then="secnd")
    chain.hold("second", [port.at("die")])
    with pytest.raises(BadInput) as caught:
        layout.check()
    assert "unknown operand 'dye'; allowed: die, wait; nearest: die" in str(caught.value)
    assert "goes to unknown stage 'secnd'; nearest: second" in str(caught.value)


def test_a_hold_whose_duration_nothing_settles_is_refused():
    layout, port, chain = one_chain()
    chain.hold("h", [port.at("die")])
    with pytest.raises(BadInput, match="nothing settles how long 'h' lasts on the way to 'done'"):
        layout.check()


def test_instants_that_run_in_a_circle_are_refused():
    layout, port, chain = one_chain()
    chain.hold("h", [port.at("die")], lasts=1, then="x")
    chain.outcome("x", then="y")
    chain.outcome("y", then="x")
    with pytest.raises(BadInput, match="run in a circle"):
        layout.check()


@pytest.mark.parametrize("engine", ["kernel", "plain"])
@pytest.mark.parametrize("row, words", [([5, 1], "5"), ([0, -3], "a duration of -3 ps")])
def test_operands_outside_their_range_are_told_and_not_wrapped(engine, row, words):
    layout, port, chain = one_chain()
    chain.hold("h", [port.at("die")], lasts=Given("wait"))
    made = fabric.build(layout, engine=engine)
    with pytest.raises(BadInput, match=words):
        made.issue("c", [row])
        made.advance()


def test_integers_beyond_64_bits_are_refused():
    layout, port, chain = one_chain()
    chain.hold("h", [port.at("die")], lasts=Given("wait"))
    made = fabric.build(layout)
    with pytest.raises(BadInput, match="is no 64-bit integer"):
        made.issue("c", [[0, 2**63]])
    with pytest.raises(BadInput, match="0.5 is no 64-bit integer"):
        made.issue("c", [[0, 0.5]])


def two_routers(layout, model):
    return layout.network("net", model, 2, [Link("0->1", 0, 1, 10, 10**12)], lambda a, b: [0] if a < b else [])


def test_early_booking_over_fair_links_is_refused_with_its_reason():
    layout = Layout()
    two_routers(layout, "fair")
    with pytest.raises(BadInput, match="not known when it starts"):
        fabric.build(layout, admission="early_booking")


def test_a_route_of_a_fair_network_cannot_be_held():
    layout, port, chain = one_chain(("a", "b"))
    net = two_routers(layout, "fair")
    chain.hold("h", lasts=RouteTime(net, "a", "b", amount(5)))
    with pytest.raises(BadInput, match="use a send stage"):
        fabric.build(layout)


@pytest.mark.parametrize("engine", ["kernel", "plain"])
def test_fair_two_messages_halve_a_link_and_the_rest_speeds_up(engine):
    """1,000 bytes at 1 byte/ps: alone 1,000 ps. With 400 more bytes beside it, both at half: 800 ps, then 600 bytes at
    full."""
    layout, _, chain = one_chain(("a", "b", "bytes"))
    chain.send("s", two_routers(layout, "fair"), "a", "b", "bytes")
    made = fabric.build(layout, engine=engine)
    batch = made.issue("c", [[0, 1, 1000], [0, 1, 400]])
    while not made.idle:
        made.advance()
    assert made.finish_ps(batch).tolist() == [1400 + 10, 800 + 10]
    assert made.link_statistics(layout.find("net")).busy_ps.tolist() == [1400]


def test_tables_of_the_engine_are_live_arrays():
    layout, port, chain = one_chain()
    bits = layout.bits("bits", 2, 3)
    chain.hold("h", [port.at("die")], lasts=Constant(1), mark=bits.set("die", "wait"))
    made = fabric.build(layout)
    view = made.array(bits)
    made.issue("c", [[1, 2]])
    made.advance()
    assert view.tolist() == [[0, 0, 0], [0, 0, 1]]
