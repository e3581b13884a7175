"""Is each parameter of a router declared once, and does all that is derived from it agree: YAML, ranges, kernel,
twin?"""

from dataclasses import fields, replace

import pytest

from chipweave.errors import BadInput
from chipweave.fabric import ffi, lib
from chipweave.fabric.noc import CONFIG, FlitSimulator
from chipweave.noc.allocator import BESIDE, PRIORITIES
from chipweave.noc.router import Router
from chipweave.noc.router_yaml import NETWORK, FlitRouter
from chipweave.noc.routing import grid

NUMBERS = [f for f in fields(Router) if f.metadata["param"].low is not None]
IN_TWO = ("st_prepare_delay", "st_final_delay")  # the kernel takes their sum, st_delay


def test_yaml_has_the_declared_parameters_and_the_network_s_own():
    assert set(FlitRouter.params) == {f.name for f in fields(Router)} | set(NETWORK)
    for each in fields(Router):
        param = FlitRouter.params[each.name]
        assert param is each.metadata["param"] and param.doc, each.name
        assert param.default is None or param.default == each.default, each.name


def test_every_number_reaches_the_kernel_by_its_name():
    assert {f.name for f in NUMBERS} - set(CONFIG) == set(IN_TWO) and "st_delay" in CONFIG


@pytest.mark.parametrize("name", [f.name for f in NUMBERS])
def test_one_beyond_the_range_is_refused(name):
    param = FlitRouter.params[name]
    for value in (param.low - 1, param.high + 1):
        with pytest.raises(BadInput, match=f"{name} = .*allowed: {param.low} to {param.high}"):
            Router.of({name: value})


@pytest.mark.parametrize("name", [f.name for f in NUMBERS if f.name not in IN_TWO])
def test_the_kernel_s_own_range_is_the_declared_one(name):
    param = FlitRouter.params[name]
    for value in (param.low - 1, param.high + 1):
        with pytest.raises(BadInput, match=f"{name} = {value}; allowed: {param.low} to {param.high}$"):
            FlitSimulator(grid((2, 2)), replace(Router(), **{name: value}))


def test_names_are_numbers_of_the_kernel_each_its_own():
    numbers = [getattr(lib, native) for native in PRIORITIES.values()]
    assert sorted(numbers) == list(range(len(numbers)))
    assert set(ffi.typeof("enum noc_priority").relements) == set(PRIORITIES.values())
    assert all(getattr(lib, native) < -1 for native in BESIDE.values()) and len(set(BESIDE.values())) == len(BESIDE)


@pytest.mark.parametrize(
    "text, allowed",
    [("islip(65)", r"islip\(1..64\)"), ("separable_input_first(x)", "round_robin"), ("wavefront(2)", "wavefront")],
)
def test_a_wrong_argument_is_refused_with_what_that_allocator_takes(text, allowed):
    with pytest.raises(BadInput, match=f"is no argument of .*allowed: .*{allowed}"):
        Router.of({"vc_allocator": text})
