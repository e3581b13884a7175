"""Is an allocator, and an arbiter, one file in C and one that states its rule in Python, and do the two agree?"""

from pathlib import Path

import pytest

from chipweave.errors import BadInput
from chipweave.fabric import lib, noc
from chipweave.fabric.noc import FlitSimulator
from chipweave.noc.allocator import Allocator, Arbiter, Matcher, allocator, allocators, arbiter, arbiters
from chipweave.noc.router import Router
from chipweave.noc.routing import grid
from chipweave.plain.noc import Packet, PlainNetwork

CSRC = Path(__file__).resolve().parents[2] / "csrc/flit/router"
TRAFFIC = [(i * 7 % 9, i * 5 % 9, 1 + i % 4, i // 3) for i in range(120)]


def by_the_rules(router):
    """(itime, atime, hops) of every packet of TRAFFIC by the plain router, which runs the rules in Python."""
    done = PlainNetwork(grid((3, 3)), router).run([Packet(*p) for p in TRAFFIC], 10_000)
    return [(p.itime, p.atime, p.hops) for p in done]


def every():
    """Spellings of all allocators with all arguments of interest."""
    found = []
    for name in allocators.kinds():
        arguments = {"arbiter": arbiters.kinds(), "iterations": ["1", "3"]}.get(allocators.find(name).takes, [])
        found += [f"{name}({a})" for a in arguments] or [name]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("text", every())
def test_every_allocator_does_in_c_what_its_rule_says(text):
    router = Router(vc_allocator=text, sw_allocator=text)
    assert noc.replay(grid((3, 3)), router, TRAFFIC, general=True) == by_the_rules(router)


def test_every_rule_has_c_code_of_its_name_and_no_other_file_lists_it():
    numbers = [lib.noc_allocator_number(name.encode()) for name in allocators.kinds()]
    assert sorted(numbers) == list(range(len(numbers))), "Python and C have the same allocators"
    numbers = [lib.noc_arbiter_number(name.encode()) for name in arbiters.kinds()]
    assert sorted(numbers) == list(range(len(numbers))), "Python and C have the same arbiters"
    for name in [*allocators.kinds(), *arbiters.kinds()]:
        files = [p.parent.name for p in CSRC.rglob("*.c") if f'"{name}"' in p.read_text()]
        assert files in (["allocators"], ["arbiters"]), name


@pytest.fixture
def mine():
    """An allocator that grants the first request, and an arbiter that serves the highest index, for one test."""

    @allocator("first_come")
    class FirstCome(Matcher):
        def match(self, requests):
            return dict([min(requests)] if requests else [])

    @arbiter("highest")
    class Highest(Arbiter):
        def choose(self, requests):
            return max(requests, key=lambda i: (requests[i], i))

        def served(self, index):
            pass

    yield
    del allocators.classes["first_come"], arbiters.classes["highest"]


@pytest.mark.parametrize("text", ["first_come", "separable_input_first(highest)"])
def test_one_new_class_is_enough_in_python_and_native_code_says_that_it_has_none(mine, text):
    router = Router.of({"vc_allocator": text, "sw_allocator": text})
    assert str(Allocator.of(text)) == text
    assert all(atime > itime >= 0 for itime, atime, _ in by_the_rules(router))
    with pytest.raises(BadInput, match="has no native code"):
        FlitSimulator(grid((3, 3)), router)


@pytest.mark.parametrize("declare", [allocator, arbiter])
def test_a_class_without_the_base_is_refused_where_it_is_declared(declare):
    with pytest.raises(TypeError, match="is not a (Matcher|Arbiter)"):
        declare("lonely")(type("Lonely", (), {}))
    assert "lonely" not in {*allocators.kinds(), *arbiters.kinds()}
