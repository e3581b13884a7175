"""Suite dies: measured numbers of GPUs of several dies (B200, MI300X, MI300A, MI210), one row each."""

from __future__ import annotations

from importlib.resources import files

from chipweave import ledger
from chipweave.ledger.asking import asking

from .serving import chosen

FOLDER = files("chipweave.validation") / "references" / "dies"
KEEP_ROWS = False


def references(reference=None, groups=(), device=None):
    """[(Question, value text)] of a CSV or a folder of them (the shipped tables where none is given)."""
    return chosen(ledger.read_references(reference or FOLDER), groups, device)


def results(reference=None, groups=(), device=None, jobs=1):
    """Judge the rows of `reference`."""
    return ledger.judge("dies", references(reference, groups, device), ledger.discover(), asking(jobs))
