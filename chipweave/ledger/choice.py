"""The rows of a suite that `--group` and `--device` choose."""

from __future__ import annotations

from collections.abc import Sequence

from chipweave.errors import BadInput, Fault, nearest
from chipweave.ledger import Question

Rows = list[tuple[Question, str]]


def chosen(rows: Rows, groups: Sequence[str] = (), device: str | None = None) -> Rows:
    """The rows of some groups (none named: all) and of devices whose name contains `device`.

    Raises:
        BadInput: a group or a device that no row has, with those there are.
    """
    known = sorted({q.group for q, _ in rows})
    faults = [
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
