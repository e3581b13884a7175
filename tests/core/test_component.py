"""Is what a component declares what is checked, and is a kind found once and declared once?"""

import sys
from fractions import Fraction

import pytest

from chipweave.component import Component, Param, Port, Slot, Stat, component
from chipweave.declare import registry
from chipweave.declare.registry import Registry, RegistryError
from chipweave.declare.user_code import Gate
from chipweave.errors import BadInput


class Cache(Component):
    """A cache for these tests."""

    access = Port(provides="memory.access", many=True)
    tags = Slot("test.tags", optional=True)
    hit_latency = Param("time", default="100 ns", low="1 ps", high="1 ms", doc="lookup to data")
    bandwidth = Param("bandwidth")
    mode = Param("choice", default="random", choices=["lru", "random"])
    efficiency = Param("table", default=[{"up_to": 128, "share": "50 %"}], columns={"up_to": "count", "share": "share"})
    banks = Param("count", default=[1], many=True)
    hits = Stat("accesses", "lookups that found their line")


def test_parameters_are_parsed_and_fixed():
    cache = Cache("l2", bandwidth="1 TB/s", efficiency=[{"up_to": 4, "share": 0.25}])
    assert (cache.hit_latency, cache.bandwidth, cache.banks) == (100_000, Fraction(10**12), (1,))
    assert cache.efficiency == ({"up_to": 4, "share": Fraction(1, 4)},)
    with pytest.raises(AttributeError, match="fixed"):
        cache.hit_latency = 1


def test_statistics_start_at_zero_and_are_each_part_s_own():
    one, two = Cache(bandwidth="1 B/s"), Cache(bandwidth="1 B/s")
    one.hits += 2
    assert (one.stats, two.stats) == ({"hits": 2}, {"hits": 0})


def test_all_faults_of_a_part_come_together_with_the_nearest_names():
    with pytest.raises(BadInput) as error:
        Cache(
            hit_latncy="1 ns",
            hit_latency="0 ps",
            mode="lur",
            efficiency=[{"up_to": 1}, {"up_to": 2, "share": 1, "x": 0}],
            banks=3,
        )
    text = str(error.value)
    assert "no parameter 'hit_latncy'" in text and "nearest: hit_latency" in text
    assert "hit_latency = 0 ps is out of range; allowed: time from 1 ps to 1 ms" in text
    assert "mode cannot be 'lur'; allowed: lru, random; nearest: lru" in text
    assert "needs 'bandwidth'" in text and "a row of efficiency needs 'share'" in text and "no parameter 'x'" in text
    assert "banks must be a list" in text
    assert len(error.value.faults) == 7


@pytest.mark.parametrize("type, least", [("count", 0), ("int", -(2**31) + 1)])
def test_whole_numbers_without_a_range_end_where_32_bits_do(type, least):
    class Whole(Component):
        """A whole number for this test."""

        n = Param(type)

    assert Whole(n=2**31 - 1).n == 2**31 - 1 and Whole(n=least).n == least
    for wrong in (2**31, least - 1):
        with pytest.raises(BadInput, match="n = |whole number"):
            Whole(n=wrong)


def test_the_fault_of_an_unknown_parameter_lists_all_that_there_are():
    with pytest.raises(BadInput) as error:
        Cache(bandwidth="1 B/s", mod="lru")
    (fault,) = error.value.faults
    assert (fault.allowed, fault.nearest) == ("hit_latency, bandwidth, mode, efficiency, banks", "mode")
    nothing = type("Nothing", (Component,), {})
    with pytest.raises(BadInput, match="has no parameter 'mode'; allowed: none$"):
        nothing(mode="lru")


def test_declarations_are_inherited_and_can_be_narrowed():
    class Small(Cache):
        hit_latency = Param("time", default="50 ns")
        misses = Stat("accesses")

    assert Small(bandwidth="1 B/s").hit_latency == 50_000
    assert list(Small.statistics) == ["hits", "misses"] and list(Cache.statistics) == ["hits"]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Param("tme"),
        lambda: Param("choice"),
        lambda: Param("time", choices=["a"]),
        lambda: Param("table"),
        lambda: Port(),
        lambda: Port(provides="a", uses="b"),
    ],
)
def test_a_wrong_declaration_fails_where_it_is_written(wrong):
    with pytest.raises(TypeError):
        wrong()


def test_a_kind_declared_twice_is_refused_naming_both_modules():
    kinds = Registry("component", "chipweave.components")
    one = type("One", (Component,), {"__module__": "lab.one"})
    two = type("Two", (Component,), {"__module__": "lab.two"})
    kinds.declare("memory.x", one)
    kinds.declare("memory.x", one)
    with pytest.raises(RegistryError, match=r"'memory.x' is declared twice: by lab.one \(One\) and by lab.two \(Two\)"):
        kinds.declare("memory.x", two)


def test_an_unknown_kind_names_the_nearest():
    kinds = Registry("component", "chipweave.components")
    kinds.discovered = True
    kinds.declare("memory.hbm", type("Hbm", (Component,), {}))
    with pytest.raises(BadInput, match="unknown component kind 'memory.hmb'; allowed: memory.hbm; nearest: memory.hbm"):
        kinds.find("memory.hmb")


def test_every_shipped_default_is_a_value_its_own_declaration_allows():
    for family in (registry.components, registry.policies):
        for kind in family.kinds():
            for param in family.find(kind).params.values():
                if not param.required:
                    param.default_value()


PART = """
from chipweave.component import Component, Param, component
@component("user.hbm4")
class Hbm4(Component):
    "A user's own."
    t = Param("time", default="1 ns")
not_a_component = 3
"""


@pytest.fixture
def lab(tmp_path):
    (tmp_path / "hbm4.py").write_text(PART)
    before = dict(registry.components.classes)
    yield tmp_path
    registry.components.classes = before


def test_code_is_kept_out_until_allowed_and_one_message_names_it_all(lab):
    gate = Gate(allowed=False)
    assert gate.load("./hbm4.py:Hbm4", lab, Component) is None
    assert gate.load("my_lab.hbm4:Hbm4", lab, Component) is None
    with pytest.raises(BadInput) as error:
        gate.raise_if_refused()
    assert len(error.value.faults) == 1
    assert "./hbm4.py:Hbm4, my_lab.hbm4:Hbm4" in str(error.value) and "--allow-code" in str(error.value)


def test_allowed_code_is_found_by_file_and_by_dotted_path(lab, monkeypatch):
    gate = Gate(allowed=True)
    cls = gate.load("./hbm4.py:Hbm4", lab, Component)
    assert cls.kind == "user.hbm4" and gate.load("./hbm4.py:Hbm4", lab, Component) is cls
    assert gate.used["./hbm4.py:Hbm4"]["file"] == "hbm4.py" and len(gate.used["./hbm4.py:Hbm4"]["sha256"]) == 64
    registry.components.classes.pop("user.hbm4")
    monkeypatch.syspath_prepend(lab)
    assert gate.load("hbm4:Hbm4", lab, Component)().t == 1000
    sys.modules.pop("hbm4")


@pytest.mark.parametrize(
    "name, what",
    [
        ("./none.py:Hbm4", "no file ./none.py"),
        ("./hbm4.py:Hbm5", "is not there"),
        ("./hbm4.py:not_a_component", "is not a Component"),
        ("no_such_lab:Hbm4", "importing no_such_lab failed"),
        ("./hbm4.txt:Hbm4", "neither a kind nor code"),
    ],
)
def test_wrong_code_is_a_fault(lab, name, what):
    with pytest.raises(BadInput, match=what):
        Gate(allowed=True).load(name, lab, Component)


def test_registering_something_else_is_refused():
    with pytest.raises(TypeError, match="is not a Component"):
        component("x.y")(int)


def test_a_parameter_cannot_take_a_word_of_yaml_s_own():
    with pytest.raises(TypeError, match="count cannot be a parameter"):
        component("x.y")(type("Own", (Component,), {"count": Param("int", default=1)}))
