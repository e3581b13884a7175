"""Texts with units to exact numbers, and back: "200 ns" -> 200000 (picoseconds), "3.35 TB/s" -> a Fraction of bytes/s.

Numbers are Fractions, so nothing is rounded on the way. Prefixes are the SI's (GB = 10^9 bytes) and the IEC's (GiB =
2^30 bytes); chipweave.declare.unit_names has the units. A quantity without its unit is a fault: whether 300 was
nanoseconds or cycles cannot be seen.

    dimension   result                      written as
    time        int, picoseconds            200 ns
    bytes       int                         64 MiB
    bandwidth   Fraction, bytes/s           3.35 TB/s
    frequency   Fraction, Hz                1.6 GHz
    compute     Fraction, flop/s            989 TFLOPS
    work        Fraction, flop              2 Gflop
    area        Fraction, mm2               814 mm2
    length      Fraction, mm                2.5 mm
    power       Fraction, W                 700 W
    energy      Fraction, pJ                3.9 pJ
    flits       int                         8 flit
    share       Fraction                    0.9 or 90 %
    count, int  int (a count is >= 0)       512
    float       float                       0.35
    bool        bool                        true
    str         str                         any text
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from chipweave.declare.unit_names import unit as unit_named
from chipweave.errors import BadInput, Fault, nearest


@dataclass(frozen=True)
class Dimension:
    """`unit` is what a result of 1 means; `whole` results are integers; `shown` are units for people, large to small;
    `most` is the largest value that the engines compute with exactly, in `unit`."""

    unit: str
    whole: bool
    shown: tuple[str, ...]
    example: str
    most: int | None = None


DIMENSIONS = {
    "time": Dimension("ps", True, ("s", "ms", "us", "ns", "ps"), "200 ns", 2**61),
    "bytes": Dimension("B", True, ("PB", "TB", "GB", "MB", "kB", "B"), "64 MiB", 2**61),
    "bandwidth": Dimension("B/s", False, ("PB/s", "TB/s", "GB/s", "MB/s", "kB/s", "B/s"), "3.35 TB/s", 10**18),
    "frequency": Dimension("Hz", False, ("GHz", "MHz", "kHz", "Hz"), "1.6 GHz"),
    "compute": Dimension("flop/s", False, ("PFLOPS", "TFLOPS", "GFLOPS", "flop/s"), "989 TFLOPS"),
    "work": Dimension("flop", False, ("Tflop", "Gflop", "Mflop", "flop"), "2 Gflop"),
    "area": Dimension("mm2", False, ("mm2",), "814 mm2"),
    "length": Dimension("mm", False, ("m", "mm", "um"), "2.5 mm"),
    "power": Dimension("W", False, ("kW", "W", "mW"), "700 W"),
    "energy": Dimension("pJ", False, ("J", "uJ", "nJ", "pJ"), "3.9 pJ"),
    "flits": Dimension("flit", True, ("flit",), "8 flit"),
}
PLAIN = ("share", "count", "int", "float", "bool", "str")
NAMES = (*DIMENSIONS, *PLAIN)

NUMBER = re.compile(r"[+-]?(\d[\d_]*(\.\d*)?|\.\d+)([eE][+-]?\d{1,2}(?!\d))?")
EXPONENT = re.compile(r"[eE][+-]?\d{3,}")
LONGEST = 80  # characters of a quantity; more is not a quantity


def number(text: str) -> Fraction | None:
    """The exact Fraction a number's text stands for ("1e9", "3.35", "1_000"), or None where it is not a number."""
    text = str(text).strip()
    if len(text) > LONGEST or not NUMBER.fullmatch(text):
        return None
    return Fraction(text.replace("_", ""))


def parse(value: float | str, dimension: str, rounding: bool = False) -> Fraction | float | str:
    """The exact value of a text or number; see the module's table for the type of each dimension's result.

    >>> parse("200 ns", "time"), parse("64 MiB", "bytes"), parse("3.35 TB/s", "bandwidth")
    (200000, 67108864, Fraction(3350000000000, 1))

    Args:
        value: a text ("3.35 TB/s") or, for dimensions without unit, a number.
        dimension: one of `NAMES`.
        rounding: let a whole result (time, bytes) be rounded to the nearest, half up; otherwise that is a fault.
    Raises:
        BadInput: one fault saying what is allowed and the nearest right text.
    """
    if dimension in DIMENSIONS:
        return _quantity(value, dimension, rounding)
    return _plain(value, dimension)


@lru_cache(maxsize=65536)
def _quantity(value: float | str, dimension: str, rounding: bool) -> Fraction | int:
    """A number with a unit as whole units of its dimension, or a Fraction for rates.

    Exact: 0.3 ps is refused unless `rounding`. BadInput names the unit that was probably meant.
    """
    spec = DIMENSIONS[dimension]
    text = str(value).strip()
    found = NUMBER.match(text) if len(text) <= LONGEST and not isinstance(value, bool) else None
    if not found:
        raise _fault(f"{_quoted(value)} is not a {dimension}", spec)
    amount, unit_text = Fraction(found.group().replace("_", "")), text[found.end() :].strip()
    if EXPONENT.match(unit_text):
        raise BadInput(
            Fault(
                f"{_quoted(value)}: the exponent is out of range", allowed=f"up to two digits, such as {spec.example}"
            )
        )
    if not unit_text:
        raise _fault(
            f"{_quoted(value)} has no unit, a {dimension} needs one", spec, f"{text} {spec.example.partition(' ')[2]}"
        )
    try:
        size, powers = unit_named(unit_text)
    except ValueError:
        likely = _meant(unit_text, dimension, spec.shown)
        raise _fault(
            f"unknown unit {unit_text!r} in {_quoted(value)}", spec, likely and f"{found.group()} {likely}"
        ) from None
    target, dimensions = unit_named(spec.unit)
    if powers != dimensions:
        likely = next((u for u in spec.shown if "/" in u and unit_text in (u.replace("/", ""), u[:-2])), "")
        raise _fault(f"{_quoted(value)} is not a {dimension}", spec, likely and f"{found.group()} {likely}")
    exact = amount * size / target
    if spec.most is not None and abs(exact) > spec.most:
        raise BadInput(
            Fault(
                f"{_quoted(value)} is too large to be exact",
                allowed=f"up to {format(spec.most, dimension, 3)}",
            )
        )
    if not spec.whole:
        return Fraction(exact)
    if exact.denominator != 1:
        if not rounding:
            raise _fault(
                f"{_quoted(value)} is not a whole number of {spec.unit}",
                spec,
                format(round_half_up(exact) or (1 if exact > 0 else -1), dimension),
            )
        return round_half_up(exact)
    return int(exact)


def _plain(value: float | str, dimension: str) -> Fraction | float | str:
    """A text, truth value or number without unit; BadInput for anything else."""
    text = str(value).strip()
    if dimension == "str":
        return str(value)
    if dimension == "bool":
        if isinstance(value, bool) or text in ("true", "false"):
            return value is True or text == "true"
        likely = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}.get(
            text.lower()
        )
        raise BadInput(
            Fault(f"{_quoted(value)} is neither true nor false", allowed="true, false", nearest=likely or "")
        )
    percent = dimension == "share" and text.endswith("%")
    exact = None if isinstance(value, bool) else number(text[:-1] if percent else text)
    if dimension == "float" and exact is not None:
        return float(exact)
    if dimension == "share" and exact is not None:
        return exact / 100 if percent else exact
    if (
        dimension in ("count", "int")
        and exact is not None
        and exact.denominator == 1
        and (dimension == "int" or exact >= 0)
    ):
        return int(exact)
    if dimension not in PLAIN:
        raise ValueError(f"no dimension {dimension!r}: one of {', '.join(NAMES)}")
    allowed = {
        "share": "a number or a percentage, such as 0.9 or 90 %",
        "count": "a whole number, 0 or more",
        "int": "a whole number",
        "float": "a number",
    }[dimension]
    raise BadInput(Fault(f"{_quoted(value)} is not {allowed.split(',')[0]}", allowed=allowed))


def format(value: Fraction | int, dimension: str, digits: int = 6) -> str:
    """The value as people write it, in the largest unit that keeps it at or above 1.

    >>> format(200_000, "time"), format(Fraction(3_350_000_000_000), "bandwidth"), format(67_108_864, "bytes")
    ('200 ns', '3.35 TB/s', '67.1089 MB')
    """
    if dimension not in DIMENSIONS:
        if dimension in ("share", "float") and value is not None:
            return f"{float(value):.{digits}g}"
        return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    spec = DIMENSIONS[dimension]
    base = unit_named(spec.unit)[0]
    scaled, unit = Fraction(0), ""
    for unit in spec.shown:
        scaled = Fraction(value) * base / unit_named(unit)[0]
        if abs(scaled) >= 1:
            break
    return f"{float(scaled):.{digits}g} {unit}"


def round_half_up(exact: Fraction | int) -> int:
    """The whole number nearest to a Fraction, halves up: the one rounding rule of times.

    >>> round_half_up(Fraction(5, 2)), round_half_up(Fraction(-5, 2))
    (3, -2)
    """
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


def _quoted(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST else f"{text[:40]}... ({len(text):,} characters)"


def _fault(what: str, spec: Dimension, likely: str = "") -> BadInput:
    return BadInput(Fault(what, allowed=f"a number and a unit, such as {spec.example}", nearest=likely or ""))


_BITS_OR_BYTES = re.compile(
    r"(?P<prefix>kilo|mega|giga|tera|peta|kibi|mebi|gibi|tebi|[kmgtpKMGTP]i?)?"
    r"(?P<base>bits?|Bits?|bytes?|Bytes?|[bB])(?P<per>/s|/sec|/S|ps|PS|persecond)?"
)
_PREFIXES = {
    **{"kilo": "k", "mega": "M", "giga": "G", "tera": "T", "peta": "P"},
    **{"kibi": "Ki", "mebi": "Mi", "gibi": "Gi", "tebi": "Ti", "ki": "Ki", "mi": "Mi", "gi": "Gi", "ti": "Ti"},
    **{"k": "k", "m": "M", "g": "G", "t": "T", "p": "P"},
}


def _meant(unit_text: str, dimension: str, shown: Iterable[str]) -> str:
    """The unit that an unknown text means, or "": a hint has the size of what was written.

    Of data b is a bit and B a byte ("256Gb/s" is 256 Gbps, "9000b" 9000 bit), prefixes go by their letter. Of all else
    a unit of `shown` that begins with the same letter."""
    found = _BITS_OR_BYTES.fullmatch(unit_text.replace(" ", ""))
    if found is None or dimension not in ("bytes", "bandwidth"):
        likely = nearest(unit_text, shown)
        return likely if likely[:1].casefold() == unit_text[:1].casefold() else ""
    if bool(found["per"]) != (dimension == "bandwidth"):
        return ""
    head = _PREFIXES[found["prefix"].lower()] if found["prefix"] else ""
    bits = found["base"] == "b" or found["base"].lower().startswith("bit")
    if dimension == "bytes":
        return head + ("bit" if bits else "B")
    return head + ("bps" if bits else "B/s")
