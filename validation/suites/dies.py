"""Suite dies: measured figures of GPUs of several dies (B200 and its kin, MI300X, MI300A, MI210, MI250X), by row."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

from chipweave import ledger, topology
from chipweave.ledger import text
from chipweave.ledger.asking import asking
from chipweave.ledger.choice import chosen
from chipweave.topology.inherited import inherited

from ..rows.beside import beside
from ..rows.packages import topology_of

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


def extra(rows: list[ledger.Result]) -> list[str]:
    """Parts of the Markdown ledger that only this suite has: both errors where a model of one die sees another
    machine."""
    found = beside(rows, asking())
    head = ["device", "group", "rows", "composed", "one die, one L2"]
    cells = [[b.device, b.group, b.rows, text.percent(b.composed), text.percent(b.one_die)] for b in found]
    if not cells:
        return []
    words = "Mean errors of the same rows by the composition and by one die with one L2; groups that differ."
    return ["### Many dies or one", words, text.table(head, cells)]
