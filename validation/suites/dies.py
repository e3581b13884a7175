"""Suite dies: measured figures of GPUs of several dies (B200 and its kin, MI300X, MI300A, MI210, MI250X), by row."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from chipweave import ledger
from chipweave.ledger.asking import asking
from chipweave.ledger.choice import chosen

FOLDER = files("chipweave.validation") / "references" / "dies"
KEEP_ROWS = False


def references(reference: Any = None, groups: tuple[Any, ...] = (), device: Any = None) -> Any:
    """[(Question, value text)] of a CSV or a folder of them (the shipped tables where none is given)."""
    return chosen(ledger.read_references(reference or FOLDER), groups, device)


def results(reference: Any = None, groups: tuple[Any, ...] = (), device: Any = None, jobs: int = 1) -> Any:
    """Judge the rows of `reference`."""
    return ledger.judge("dies", references(reference, groups, device), ledger.discover(), asking(jobs))
