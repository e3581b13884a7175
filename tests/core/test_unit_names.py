"""Are the units' names what a library of units makes of the same definitions, name by name and quotient by quotient?"""

import itertools
from fractions import Fraction

import pytest

from chipweave.declare import unit_names

PLURALS = ("", "s")


@pytest.fixture(scope="module")
def registry():
    """pint over our units alone, defined here a second time."""
    pint = pytest.importorskip("pint")
    made = pint.UnitRegistry(None, non_int_type=Fraction, cache_folder=None)
    for prefix, size in unit_names.PREFIXES.items():
        if prefix:
            made.define(f"{prefix}- = {size}")
    for line in (
        "s = [time]",
        "B = [information]",
        "flop = [work]",
        "flit = [flit]",
        "m = [length]",
        "W = [power]",
        "min = 60 * s",
        "bit = B / 8",
        "Hz = 1 / s",
        "FLOPS = flop / s",
        "J = W * s",
        "bps = bit / s",
    ):
        made.define(line)
    return made


def ours(text):
    try:
        return unit_names.unit(text)
    except ValueError:
        return None


def pints(registry, text):
    dimensions = {
        "[time]": "s",
        "[information]": "B",
        "[work]": "flop",
        "[flit]": "flit",
        "[length]": "m",
        "[power]": "W",
    }
    one = registry.Quantity(Fraction(1), registry.Unit(text))
    powers = {dimensions[name]: int(power) for name, power in one.dimensionality.items()}
    return one.to_root_units().magnitude, powers


def test_every_prefix_unit_and_plural_is_pints(registry):
    names = [p + u + s for p, u, s in itertools.product(unit_names.PREFIXES, unit_names.UNITS, PLURALS)]
    known = [name for name in names if ours(name)]
    refused = {p + u + "s" for p in unit_names.PREFIXES for u in ("m", "s", "bps")} | {"Bs", "Ws", "Js"}
    assert set(names) - set(known) == refused - {"ms"}
    assert [(n, ours(n)) for n in known] == [(n, pints(registry, n)) for n in known]


def test_powers_products_and_quotients_are_pints(registry):
    some = ("GB", "s", "mm", "min", "flop", "kW", "bit", "J")
    for a, b, c in itertools.product(some, repeat=3):
        for text, spelt in (
            (f"{a}/{b}", f"{a}/{b}"),
            (f"{a} * {b}/{c}", f"{a}*{b}/{c}"),
            (f"{a}2/{b}^3", f"{a}**2/{b}**3"),
        ):
            assert ours(text) == pints(registry, spelt), text


@pytest.mark.parametrize(
    "text", ["kkB", "GiGB", "", "B/", "/s", "B//s", "B^4", "B^22", "s s", "q", "Gb", "KB", "B/s/s/s/s"]
)
def test_what_is_no_unit_is_refused(text):
    assert ours(text) is None


@pytest.mark.parametrize("micro", ["u", "\u00b5", "\u03bc"])
def test_micro_has_three_letters(micro):
    assert unit_names.unit(f"{micro}s") == (Fraction(1, 10**6), {"s": 1})
