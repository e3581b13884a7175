"""What a person sees of a suite, on standard error: groups, the rows furthest off, what is not modelled and why."""

from rich.table import Table

from chipweave import ledger
from chipweave.io.console import console as standard_error

REASONS = 12


def show(name, results, groups, remarks):
    """Print a suite; `remarks` come last."""
    console = standard_error()
    table = Table(
        "group",
        "role",
        "rows",
        "modelled",
        "mean |error|",
        "median",
        "worst",
        "bias",
        "correlation",
        title=f"validate {name}",
    )
    for g in groups:
        figures = ["-" if g[k] is None else f"{g[k]:.2%}" for k in ("mape", "median", "max", "bias")]
        close = "-" if g["correlation"] is None else f"{g['correlation']:.3f}"
        table.add_row(g["group"], g["role"], str(g["n"]), str(g["n_modelled"]), *figures, close)
    console.print(table)
    off = ledger.worst(results)
    if off:
        table = Table(
            "row", "group", "device", "quantity", "x", "reference", "simulated", "error", "status", title="furthest off"
        )
        for r in off:
            numbers = f"{r.reference:.6g}", f"{r.simulated:.6g}", f"{r.error:+.1%}"
            table.add_row(r.id, r.group, r.device, r.quantity, r.x_value, *numbers, r.status)
        console.print(table)
    left_out = [r for r in results if r.status == "not modelled"]
    if left_out:
        reasons = sorted({f"{r.group}: {r.why}" for r in left_out})
        console.print(
            f"{len(left_out)} {'row' if len(left_out) == 1 else 'rows'} not modelled: "
            + "; ".join(reasons[:REASONS])
            + (" ..." if len(reasons) > REASONS else "")
        )
    for line in remarks:
        console.print(line)
