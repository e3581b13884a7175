"""Are the traffic columns of a row read as BookSim 2 reads them, and those of `chipweave traffic` as documented?"""

import pytest

from chipweave.errors import BadInput
from chipweave.fabric.noc import FlitSimulator
from chipweave.noc.allocator import Allocator
from chipweave.noc.router import Router
from chipweave.noc.routing import grid, irregular
from chipweave.traffic import synthetic as traffic
from chipweave.validation.booksim import traffic as booksim_traffic


@pytest.mark.parametrize(
    "sizes, rates, read",
    [
        ("3", "", [(3, 1)]),
        ("{{1,5}}", "", [(1, 1), (5, 1)]),
        ("{{1,5}}", "{{3,1}}", [(1, 3), (5, 1)]),
        ("{{1,5}}", "1", [(1, 1), (5, 1)]),
        ("{{1,5,9}}", "{{4,2}}", [(1, 4), (5, 2), (9, 2)]),
        ("{{1,5}}", "{{4,2,7}}", [(1, 4), (5, 2)]),
        ("{1,5}", "", [(1, 1)]),
        ("{{1,5}}", "{3,1}", [(1, 3), (5, 3)]),
        ("1,5", "", [(1, 1)]),
        ("{{1,5},{2}}", "{{2,1},{1}}", [(1, 2), (5, 1)]),
    ],
)
def test_sizes_are_lists_of_the_first_class(sizes, rates, read):
    assert traffic.sizes_of(*booksim_traffic.sizes({"packet_size": sizes, "packet_size_rate": rates})) == read


@pytest.mark.parametrize(
    "text, read",
    [
        ("bernoulli", None),
        ("", None),
        ("on_off({0.05,0.1})", (0.05, 0.1, -1)),
        ("on_off(0.05,0.1)", (0.05, 0.5, -1)),
        ("on_off(0.2)", (0.2, 0.5, -1)),
        ("on_off", (0.5, 0.5, -1)),
        ("on_off({-1,0.2,0.7})", (-1, 0.2, 0.7)),
        ("{on_off({.05,1e-1})}", (0.05, 0.1, -1)),
    ],
)
def test_what_on_off_does_not_say_is_the_default(text, read):
    assert traffic.injection_of(booksim_traffic.injection({"injection_process": text})) == read


def test_the_defaults_of_on_off_are_columns_too():
    row = {"injection_process": "on_off", "burst_alpha": "0.1", "burst_beta": "-1", "burst_r1": "0.8"}
    assert traffic.injection_of(booksim_traffic.injection(row)) == (0.1, -1, 0.8)


@pytest.mark.parametrize(
    "text, targets, weights",
    [
        ("hotspot({{5,6},{1,3}})", [5, 6], [1, 3]),
        ("hotspot({{5,6}})", [5, 6], [1, 1]),
        ("hotspot({5,7})", [5], [7]),
        ("hotspot(5)", [5], [1]),
        ("hotspot({{1,2,3},{4,2}})", [1, 2, 3], [4, 2, 2]),
        ("hotspot({{1,2},{4,2,9}})", [1, 2], [4, 2]),
    ],
)
def test_hot_spots_are_the_first_list_and_weights_the_second(text, targets, weights):
    assert traffic.parse(grid([4, 4]), booksim_traffic.pattern({"traffic": text}))[1:] == (targets, weights)


@pytest.mark.parametrize("text", ["hotspot", "hotspot({{-1}})", "randperm(3)", "taper64", "permutation(/etc/hostname)"])
def test_what_booksim_draws_or_does_not_have_is_not_modelled(text):
    with pytest.raises(BadInput, match="not modelled"):
        booksim_traffic.pattern({"traffic": text})


def test_tornado_steps_in_the_k_and_n_of_the_row_or_of_its_arguments():
    ring = irregular(9, {(i, (i + s) % 9): 1 for i in range(9) for s in (1, 8)})
    row = {"k": "9", "n": "1", "xr": ""}

    def told(net, text, **more):
        return traffic.parse(net, booksim_traffic.pattern(row | {"traffic": text} | more))[1]

    assert told(ring, "tornado") == [(i + 4) % 9 for i in range(9)]
    assert told(ring, "neighbor({3,2})") == [(i + 1) % 3 + 3 * ((i // 3 + 1) % 3) for i in range(9)]
    assert told(ring, "neighbor(3)") == [(i + 1) % 3 for i in range(9)]
    assert told(grid([4, 4]), "neighbor", k="2", n="2", xr="2") == traffic.fixed(grid([4, 4]), "neighbor")
    with pytest.raises(BadInput, match="endpoint 8 to 9"):
        told(ring, "neighbor({10,1})")


def test_our_own_command_reads_one_pair_of_braces_as_one_list():
    net = grid([4, 4])
    assert traffic.parse(net, "hotspot({0,7})")[1:] == ([0, 7], [1, 1])
    assert traffic.parse(net, "hotspot({{0,7,9},{3,2}})")[2] == [3, 2, 2] and traffic.sizes_of("1,5", "2") == [
        (1, 2),
        (5, 2),
    ]
    assert traffic.injection_of("on_off(0.05,0.1)") == (0.05, 0.1, -1)
    assert traffic.parse(
        irregular(4, {(0, 1): 1, (1, 0): 1, (1, 2): 1, (2, 1): 1, (2, 3): 1, (3, 2): 1}), "tornado({2,2})"
    )[1] == [0, 1, 2, 3]


@pytest.mark.parametrize("pattern", ["tornado({0,2})", "tornado({2,99})", "neighbor({a,2})", "neighbor({17,1})"])
def test_a_step_that_leads_nowhere_is_refused(pattern):
    with pytest.raises(BadInput):
        traffic.parse(grid([4, 4]), pattern)


def test_empty_brackets_say_nothing():
    assert (
        Allocator.of("islip()") == Allocator.of("islip")
        and str(Allocator.of("separable_input_first()")) == "separable_input_first"
    )
    kernel = FlitSimulator(grid([2]), Router.of({"sw_allocator": "islip()", "vc_allocator": "islip( )"}))
    kernel.send([(0, 0, 3, 0, 1, 0, 3)])
    assert kernel.drain(1000) is not None and kernel.collect()[0][3] == 14
