"""Names of units to exact numbers: "GB/s" -> (10^9, {"B": 1, "s": -1}).

A handful of units and prefixes do; a general library of units costs more than a whole `chipweave check` to import.
tests/core/test_units.py holds every name, prefix, power and quotient to pint's answer.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

PREFIXES: dict[str, Fraction | int] = {
    **{"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15},
    **{"m": Fraction(1, 10**3), "u": Fraction(1, 10**6), "n": Fraction(1, 10**9)},
    **{"p": Fraction(1, 10**12), "f": Fraction(1, 10**15)},
    **{"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40},
}
BASE = ("s", "B", "flop", "flit", "m", "W")
DERIVED: dict[str, tuple[Fraction | int, dict[str, int]]] = {  # in base units; bit is an eighth of a byte
    "min": (60, {"s": 1}),
    "bit": (Fraction(1, 8), {"B": 1}),
    "Hz": (1, {"s": -1}),
    "FLOPS": (1, {"flop": 1, "s": -1}),
    "J": (1, {"W": 1, "s": 1}),
    "bps": (Fraction(1, 8), {"B": 1, "s": -1}),
}
UNITS: dict[str, tuple[Fraction | int, dict[str, int]]] = {**{name: (1, {name: 1}) for name in BASE}, **DERIVED}
# Letters, a power of 2 or 3, and at most three more factors: nothing to blow up.
GRAMMAR = re.compile(r"[A-Za-z\u00b5\u03bc]+\^?[23]?( ?[*/] ?[A-Za-z\u00b5\u03bc]+\^?[23]?){0,3}")
FACTOR = re.compile(r"([*/]?) ?([A-Za-z]+)\^?([23]?)")


@lru_cache(maxsize=4096)
def unit(text: str) -> tuple[Fraction, dict[str, int]]:
    """What one of a unit is in base units, and the powers of those, none of them 0.

    >>> unit("GB/s")
    (Fraction(1000000000, 1), {'B': 1, 's': -1})

    Raises:
        ValueError: the text is not a unit we know.
    """
    text = text.strip()
    if not GRAMMAR.fullmatch(text):
        raise ValueError(text)
    size = Fraction(1)
    powers: dict[str, int] = {}
    for sign, name, power in FACTOR.findall(re.sub("[\u00b5\u03bc]", "u", text).replace(" ", "")):
        exponent = int(power or 1) * (-1 if sign == "/" else 1)
        own, of = _named(name)
        size *= own**exponent
        for base, times in of.items():
            powers[base] = powers.get(base, 0) + times * exponent
    return size, {base: power for base, power in powers.items() if power}


def _named(name: str) -> tuple[Fraction, dict[str, int]]:
    """A unit with a prefix or without, in the plural (flits) or not; names in m and s have none: "ms" is a time."""
    for whole in (name, name[:-1] if name.endswith("s") and len(name) > 2 and name[-2] not in "ms" else ""):
        if whole in UNITS:
            size, of = UNITS[whole]
            return Fraction(size), of
        for cut in (2, 1):
            prefix, rest = whole[:cut], whole[cut:]
            if prefix in PREFIXES and rest in UNITS:
                size, of = UNITS[rest]
                return Fraction(size) * PREFIXES[prefix], of
    raise ValueError(name)
