"""Does a hint for a unit have the size of what was written?"""

from fractions import Fraction

import pytest

from chipweave.declare import units
from chipweave.errors import BadInput

K, KI = 1000, 1024


@pytest.mark.parametrize(
    "text, dimension, hint",
    [
        ("256Gb/s", "bandwidth", "256 Gbps"),
        ("310gbps", "bandwidth", "310 Gbps"),
        ("1tbps", "bandwidth", "1 Tbps"),
        ("4 Gib/s", "bandwidth", "4 Gibps"),
        ("9000b", "bytes", "9000 bit"),
        ("64kb", "bytes", "64 kbit"),
        ("64 KB", "bytes", "64 kB"),
        ("64kiB", "bytes", "64 KiB"),
        ("1 TBytes", "bytes", "1 TB"),
        ("3 gigabytes", "bytes", "3 GB"),
        ("3 GB/sec", "bandwidth", "3 GB/s"),
        ("3 GBps", "bandwidth", "3 GB/s"),
        ("3 GB", "bandwidth", "3 GB/s"),
        ("9000b", "bandwidth", ""),
        ("5 MS", "time", "5 ms"),
        ("5 usec", "time", "5 us"),
        ("2 ghz", "frequency", "2 GHz"),
        ("5 us/s", "time", ""),
    ],
)
def test_a_hint_has_the_size_of_what_was_written(text, dimension, hint):
    with pytest.raises(BadInput) as error:
        units.parse(text, dimension)
    assert error.value.faults[0].nearest == hint
    if hint:
        units.parse(hint, dimension)


@pytest.mark.parametrize(
    "prefix, size", [("", 1), ("k", K), ("K", K), ("M", K**2), ("g", K**3), ("T", K**4), ("Ki", KI), ("mi", KI**2)]
)
@pytest.mark.parametrize("base, share", [("b", Fraction(1, 8)), ("B", 1), ("bits", Fraction(1, 8)), ("bytes", 1)])
@pytest.mark.parametrize(
    "per, dimension", [("", "bytes"), ("/s", "bandwidth"), ("/sec", "bandwidth"), ("ps", "bandwidth")]
)
def test_no_hint_of_data_changes_the_magnitude(prefix, size, base, share, per, dimension):
    """What is read, and what is hinted at, is 800 of what the text says."""
    try:
        value = units.parse(f"800 {prefix}{base}{per}", dimension)
    except BadInput as error:
        value = units.parse(error.faults[0].nearest, dimension)
    assert value == 800 * size * share
