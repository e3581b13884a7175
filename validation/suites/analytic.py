"""Suite analytic: closed forms that hold within stated bounds; a group is a file of validation/cases/."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from chipweave.errors import BadInput, Fault, nearest
from chipweave.ledger import Result, relative_error
from chipweave.ledger import closed_forms as analytic

KEEP_ROWS = True


def results(reference: Any = None, groups: tuple[Any, ...] = (), device: Any = None, jobs: int = 1) -> Any:
    """Run every group; theory is the reference, so there is no file of them."""
    if reference:
        raise BadInput("suite analytic has no reference file: theory is its reference")
    known = _known()
    unknown = [
        Fault(f"no closed forms '{g}'", allowed=", ".join(known), nearest=nearest(g, known))
        for g in groups
        if g not in known
    ]
    if unknown:
        raise BadInput(unknown)
    chosen = [g for g in known if not groups or g in groups]
    found = [result(g, c) for g, checks in zip(chosen, run_all(chosen, jobs), strict=False) for c in checks]
    return [r for r in found if not device or device.lower() in r.device.lower()]


def groups(reference: Any = None) -> list[str]:
    """Its groups."""
    return _known()


def _known() -> list[str]:
    return sorted(analytic.discover())


def run_all(groups: Any, jobs: Any) -> Any:
    """The checks of each group."""
    if jobs == 1 or len(groups) < 2:
        return [analytic.run(g) for g in groups]
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(analytic.run, groups))


def result(group: str, check: analytic.Check) -> Result:
    """One row of the ledger; a fault of the model is a gap, whatever its group does on average."""
    error = relative_error(float(check.simulated), float(check.expected))
    status = "holds" if abs(error) <= check.tolerance else "gap"
    return Result(
        f"{group}/{check.name}",
        group,
        "predicted",
        check.system,
        f"{check.quantity} [{check.unit}]",
        check.x_name,
        check.x_value,
        float(check.expected),
        float(check.simulated),
        error,
        check.tolerance,
        status,
        check.why,
    )
