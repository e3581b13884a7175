"""Runs suites of the ledger and shows them: groups, the worst rows, what missed its bar.

A suite is a module `chipweave.validation.suite_NAME` with `results(reference, groups, device, jobs) -> [Result]`,
so a new suite is a new file.
"""

import importlib
import pkgutil

from chipweave import __version__, ledger
from chipweave.errors import BadInput, Fault, nearest
from chipweave.results import write_json

PREFIX = "suite_"


def suites():
    """The names of the suites there are."""
    package = importlib.import_module("chipweave.validation")
    return sorted(m.name[len(PREFIX):] for m in pkgutil.iter_modules(package.__path__) if m.name.startswith(PREFIX))


def run(names, reference=None, groups=(), device=None, jobs=1, json_path=None):
    """Judge the named suites (all where none is named), print them, return the bars missed."""
    known = suites()
    unknown = [Fault(f"unknown suite '{n}'", allowed=", ".join(known), nearest=nearest(n, known)) for n in names if n not in known]
    if unknown:
        raise BadInput(unknown)
    if reference and len(names) != 1:
        raise BadInput("--reference replaces the references of one suite: name that suite")
    missed, documents = [], []
    for name in names or known:
        suite = importlib.import_module(f"chipweave.validation.{PREFIX}{name}")
        results = suite.results(reference=reference, groups=groups, device=device, jobs=jobs)
        if not results:
            raise BadInput(f"suite {name}: no reference row fits --group, --device or --reference")
        document = ledger.as_json(name, __version__, results)
        documents.append(document)
        missed += show(name, results, document["groups"])
    if json_path:
        write_json(json_path, documents[0] if len(documents) == 1 else documents)
    return missed


def show(name, results, groups, worst=10):
    """Print a suite to standard error: groups, the worst rows, the bars that are missed; returns the last."""
    from rich.table import Table

    from chipweave.show import console as standard_error

    console = standard_error()
    table = Table("group", "role", "rows", "modelled", "mean |error|", "median", "worst", "bias", title=f"validate {name}")
    for g in groups:
        cells = [g["group"], g["role"], str(g["n"]), str(g["n_modelled"])]
        table.add_row(*cells, *("-" if g[k] is None else f"{g[k]:.2%}" for k in ("mape", "median", "max", "bias")))
    console.print(table)
    off = sorted((r for r in results if r.error), key=lambda r: -abs(r.error))[:worst]
    if off:
        table = Table("row", "group", "device", "quantity", "x", "reference", "simulated", "error", "status", title="furthest off")
        for r in off:
            numbers = f"{r.reference:.6g}", f"{r.simulated:.6g}", f"{r.error:+.1%}"
            table.add_row(r.id, r.group, r.device, r.quantity, r.x_value, *numbers, r.status)
        console.print(table)
    left_out = [r for r in results if r.status == "not modelled"]
    if left_out:
        reasons = sorted({f"{r.group}: {r.why}" for r in left_out})
        console.print(f"{len(left_out)} rows not modelled: " + "; ".join(reasons[:12]) + (" ..." if len(reasons) > 12 else ""))
    missed = ledger.missed_bars(results)
    for group, bar, error in missed:
        console.print(f"bar missed: {group}: mean error {error:.1%}, bar {bar:.0%}")
    return missed
