"""Does a text with a unit give the exact number, and a wrong one a fault that helps?"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipweave.declare import units
from chipweave.errors import BadInput


@pytest.mark.parametrize(
    "text, dimension, exact",
    [
        ("200 ns", "time", 200_000),
        ("0.4 us", "time", 400_000),
        ("0.4 \u00b5s", "time", 400_000),
        ("1 ps", "time", 1),
        ("64 MiB", "bytes", 64 * 2**20),
        ("80 GB", "bytes", 80 * 10**9),
        ("3.35 TB/s", "bandwidth", Fraction(3_350_000_000_000)),
        ("400 Gbit/s", "bandwidth", Fraction(50_000_000_000)),
        ("1.755 GHz", "frequency", Fraction(1_755_000_000)),
        ("989 TFLOPS", "compute", Fraction(989 * 10**12)),
        ("814 mm2", "area", Fraction(814)),
        ("3.9 pJ", "energy", Fraction(39, 10)),
        ("8 flit", "flits", 8),
        ("90 %", "share", Fraction(9, 10)),
        ("0.1", "share", Fraction(1, 10)),
        ("1e9", "count", 10**9),
        ("1_000", "int", 1000),
        (True, "bool", True),
        ("false", "bool", False),
    ],
)
def test_a_text_gives_the_exact_value(text, dimension, exact):
    value = units.parse(text, dimension)
    assert value == exact and type(value) is type(exact)


@pytest.mark.parametrize(
    "text, dimension, what, near",
    [
        ("3.35 TB", "bandwidth", "is not a bandwidth", "3.35 TB/s"),
        ("5 GBs", "bandwidth", "is not a bandwidth", "5 GB/s"),
        ("5 gb/s", "bandwidth", "unknown unit 'gb/s'", "5 Gbps"),
        ("5 GB/sec", "bandwidth", "unknown unit", "5 GB/s"),
        (300, "time", "has no unit", "300 ns"),
        ("0.3 ps", "time", "not a whole number of ps", "1 ps"),
        ("1e30 s", "time", "is too large to be exact", None),
        ("1e60 TB/s", "bandwidth", "is too large to be exact", None),
        ("5 Wx", "power", "unknown unit 'Wx'", "5 W"),
        ("5 gb", "bytes", "unknown unit 'gb'", "5 Gbit"),
        ("5 gib", "bytes", "unknown unit 'gib'", "5 Gibit"),
        ("5 gbytes", "bytes", "unknown unit 'gbytes'", "5 GB"),
        ("7 parsec", "time", "unknown unit 'parsec'", ""),
        ("fast", "time", "is not a time", ""),
        ("yes", "bool", "neither true nor false", "true"),
        ("-5", "count", "is not a whole number", ""),
        ("1 B**99999999", "bytes", "unknown unit", ""),
        ("9" * 200 + " B", "bytes", "is not a bytes", ""),
    ],
)
def test_a_wrong_text_is_a_fault_with_the_nearest_right_one(text, dimension, what, near):
    with pytest.raises(BadInput) as error:
        units.parse(text, dimension)
    fault = error.value.faults[0]
    assert what in fault.what and fault.allowed and (near is None or fault.nearest == near)


def test_rounding_is_done_only_when_asked_for():
    assert units.parse("0.5 ps", "time", rounding=True) == 1
    with pytest.raises(BadInput):
        units.parse("0.5 ps", "time")


@pytest.mark.parametrize(
    "most, more, dimension", [(f"{2**61} B", f"{2**61 + 1} B", "bytes"), (f"{2**61} ps", f"{2**61 + 1} ps", "time")]
)
def test_whole_quantities_reach_2_to_the_61_and_no_further(most, more, dimension):
    assert units.parse(most, dimension) == 2**61
    with pytest.raises(BadInput, match="is too large to be exact"):
        units.parse(more, dimension)


def test_a_number_has_at_most_eighty_characters():
    assert units.number("1" * 80) == int("1" * 80) and units.number("1" * 81) is None
    assert units.number("1 2") is None and units.number("1_000.5") == Fraction(2001, 2)


@given(st.integers(0, 10**15))
def test_a_time_written_in_ps_and_read_back_is_the_same(ps):
    assert units.parse(f"{ps} ps", "time") == ps
    assert units.parse(f"{ps // 1000}.{ps % 1000:03d} ns", "time") == ps


def test_people_see_the_largest_fitting_unit():
    assert units.format(1_500, "time") == "1.5 ns"
    assert units.format(0, "time") == "0 ps"
    assert units.format(Fraction(1_741 * 10**9), "bandwidth") == "1.741 TB/s"
    assert units.format(True, "bool") == "true"
