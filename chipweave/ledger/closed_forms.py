"""Closed forms: systems small enough that theory says what must come out, run on the real simulator.

A file of validation/cases/ registers a group; `chipweave validate analytic` finds it there, nothing else is edited:

    @closed_form("bank_timing")
    def checks():
        yield Check("row-hit", "read of an open row", expected=tCL, simulated=..., tolerance=0.0, unit="ps")
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from chipweave.errors import BadInput

Checks = Callable[[], Iterable["Check"]]
FORMS: dict[str, Checks] = {}


@dataclass(frozen=True)
class Check:
    """One closed form beside what the simulator gives.

    name        unique within its group
    expected    what theory says, in `unit`
    tolerance   the largest |simulated / expected - 1|; 0.0 where the closed form is exact
    system      what was simulated, in a few words
    why         where the tolerance comes from, if it is not 0
    """

    name: str
    quantity: str
    expected: float
    simulated: float
    tolerance: float
    unit: str
    system: str = ""
    x_name: str = ""
    x_value: str = ""
    why: str = ""


def closed_form(group: str) -> Callable[[Checks], Checks]:
    """Decorator: this function yields the checks of `group`; a group given twice is refused."""

    def register(checks: Checks) -> Checks:
        known = FORMS.get(group)
        if known and known.__module__ != checks.__module__:
            raise BadInput(f"closed forms '{group}' are given twice: {known.__module__}, {checks.__module__}")
        FORMS[group] = checks
        return checks

    return register


def discover() -> dict[str, Checks]:
    """Import every case file once; returns {group: function}."""
    package = importlib.import_module("chipweave.validation.cases")
    for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
        importlib.import_module(f"{package.__name__}.{module}")
    return FORMS


def run(group: str) -> list[Check]:
    """The checks of one group, in order; two of one name are refused."""
    checks = list(discover()[group]())
    names = [c.name for c in checks]
    if len(set(names)) != len(names):
        raise BadInput(f"closed forms '{group}': two checks of one name")
    return checks
