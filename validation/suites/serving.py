"""Suite serving: kernels, exchanges, steps and nodes of MoE servers, measured rows beside what the model says."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from chipweave import ledger
from chipweave.errors import BadInput, Fault, nearest
from chipweave.ledger.asking import asking

FOLDER = files("chipweave.validation") / "references" / "serving"
KEEP_ROWS = False


def references(reference: Any = None, groups: tuple[Any, ...] = (), device: Any = None) -> Any:
    """[(Question, value text)] of a CSV or a folder of them (the shipped tables where none is given)."""
    return chosen(ledger.read_references(reference or FOLDER), groups, device)


def chosen(rows: Any, groups: tuple[Any, ...] = (), device: Any = None) -> Any:
    """The rows of some groups and of devices whose name contains `device`; BadInput with what there is where one is unknown."""
    faults = []
    known = sorted({q.group for q, _ in rows})
    faults += [
        Fault(f"no rows of group '{g}'", allowed=", ".join(known), nearest=nearest(g, known))
        for g in groups
        if g not in known
    ]
    devices = sorted({q.device for q, _ in rows})
    if device and not any(device.lower() in d.lower() for d in devices):
        faults.append(
            Fault(f"no rows of device '{device}'", allowed=", ".join(devices), nearest=nearest(device, devices))
        )
    if faults:
        raise BadInput(faults)
    return [
        (q, v)
        for q, v in rows
        if (not groups or q.group in groups) and (not device or device.lower() in q.device.lower())
    ]


def results(reference: Any = None, groups: tuple[Any, ...] = (), device: Any = None, jobs: int = 1) -> Any:
    """Judge the rows of `reference`."""
    return ledger.judge("serving", references(reference, groups, device), ledger.discover(), asking(jobs))
