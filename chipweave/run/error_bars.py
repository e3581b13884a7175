"""How far a ratio of two runs can be trusted: residuals of the validation ledger, carried to the outputs.

A run is made of HBM reads, GEMMs and messages between devices; each is held against measured H100 rows of its own, and
`validation/baseline.json` keeps the mean absolute residual of the predicted rows of each group. Where one strategy
is bound by one part and the other by another, the relative errors of both add in squares; where both are bound by
the same part they cancel.
Which of the two holds is not known, so the larger is taken: the square sum of the two largest. That a residual of
one device's rows holds for a wafer's is a guess.
"""

import itertools
import math
from functools import lru_cache

from chipweave.ledger import baseline, files

GROUPS = {
    "memory": ("membw", "hbm", "l1l2bw"),
    "compute": ("gemm", "grouped", "moe"),
    "links": ("p2p", "nccl", "nvlink"),
}


@lru_cache
def residuals() -> dict[str, float]:
    """Part -> mean absolute residual of the predicted rows of its groups, weighted by rows, in the shipped ledger."""
    return of_ledger(baseline.read(files.folder() / "baseline.json")["h100"])


def of_ledger(groups: dict) -> dict[str, float]:
    """As `residuals`, of a suite of a baseline file."""
    total: dict[str, list[float]] = {}
    for name, row in groups.items():
        part = next((part for part, words in GROUPS.items() if name.startswith(words)), None)
        if part and name.endswith("(predicted)") and row.get("n_modelled") and row.get("mape") is not None:
            sums = total.setdefault(part, [0.0, 0.0])
            sums[0] += row["mape"] * row["n_modelled"]
            sums[1] += row["n_modelled"]
    return {part: error / rows for part, (error, rows) in total.items()}


def ratio_bar(parts: dict[str, float] | None = None) -> float:
    """Relative error of a ratio of two runs: the square sum of the two largest residuals."""
    return math.hypot(*sorted((residuals() if parts is None else parts).values())[-2:])


def undecided(times: dict[str, float], bar: float) -> list[tuple[str, str]]:
    """Neighbours in the order of time (faster, slower) that a ratio within the bar does not tell apart.

    times: name -> a time above 0; others are left out.
    """
    order = sorted((time, name) for name, time in times.items() if time)
    return [(fast, slow) for (less, fast), (more, slow) in itertools.pairwise(order) if more / less - 1 < bar]


def words(pairs: list[tuple[str, str]], bar: float) -> str:
    """A warning that names pairs of `undecided`."""
    named = "; ".join(f"{fast} and {slow}" for fast, slow in pairs)
    return (
        f"within the error bar of {bar:.0%} that the validation ledger gives a ratio: {named}; do not choose by these"
    )
