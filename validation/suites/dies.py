"""Suite dies: measured numbers of GPUs of several dies (B200, MI300X, MI300A, MI210), one row each."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

from chipweave import ledger, topology
from chipweave.ledger.asking import asking
from chipweave.topology.inherited import inherited

from ..rows.packages import topology_of
from .serving import chosen

FOLDER = files("chipweave.validation") / "references" / "dies"
KEEP_ROWS = False


def references(reference: Any = None, groups: tuple[Any, ...] = (), device: Any = None) -> Any:
    """[(Question, value text)] of a CSV or a folder of them (the shipped tables where none is given)."""
    return chosen(ledger.read_references(reference or FOLDER), groups, device)


@lru_cache(maxsize=64)
def rests_on(device: str) -> dict[str, int]:
    """Other device -> how many numbers of it the package of a row's device has."""
    name = topology_of(device)
    return inherited(topology.load(name)) if name else {}


def results(reference: Any = None, groups: tuple[Any, ...] = (), device: Any = None, jobs: int = 1) -> Any:
    """Judge the rows of `reference`."""
    return ledger.judge("dies", references(reference, groups, device), ledger.discover(), asking(jobs))
