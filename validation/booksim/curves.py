"""Curve rows of suite booksim: mean latency and accepted rate at one load, against tolerances that
follow the seeds' spread.

In the linear region and at the knee the mean packet latency is judged; beyond it latency is a
property of how long was measured, so the accepted rate is. A row that BookSim itself calls unstable
must be unstable here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from statistics import fmean
from typing import Any

from chipweave.errors import Stuck
from chipweave.traffic import synthetic as traffic

from . import options as booksim_options
from . import traffic as booksim_traffic
from .files import Folder, number, router, whole

SEEDS = range(1, 6)
UNSTABLE = ("unstable", "throughput_mode")


@dataclass
class Curve:
    """One row of reference.csv (`O01:3`). Reference is plat in the linear region and the knee, else throughput.

    The answer is the mean over SEEDS of runs with BookSim's own phases: warm up, measure, drain.
    """

    id: str
    data: Folder
    row: dict[str, str]
    group: str = "curves"
    x_name: str = "offered_flits"

    @property
    def device(self) -> str:
        """The network of the row, or topology and k where it has no name."""
        return self.row["network"] or f"{self.row['topology']} {self.row['k']}"

    @property
    def x_value(self) -> str:
        """Offered load, flits for each node and cycle."""
        return self.row["offered_flits"]

    @property
    def by_latency(self) -> bool:
        """Whether latency is what this row is judged by."""
        return self.row["status"] == "stable" and self.row["region"] in ("linear", "knee")

    @property
    def quantity(self) -> str:
        """What the reference value is, with its unit."""
        return "mean packet latency (cycles)" if self.by_latency else "accepted flits per node and cycle"

    @property
    def reference(self) -> Any:
        """The mean of the reference's seeds."""
        return number(self.row, "plat_mean" if self.by_latency else "accepted_flits_mean")

    @property
    def overload(self) -> Any:
        """Beyond saturation; where the reference's own seeds disagree (`mixed`), the rule near saturation holds."""
        return self.row["status"] in UNSTABLE or (self.row["region"] == "overload" and self.row["status"] != "mixed")

    def spread(self, name: Any) -> Any:
        """Five times the relative standard deviation over the reference's seeds: the tolerance that
        chance alone asks for.
        """
        try:
            return 5 * float(self.row[f"{name}_std"]) / float(self.row[f"{name}_mean"])
        except (KeyError, ValueError, ZeroDivisionError):
            return 0.0

    def answer(self) -> Any:
        """The result of the row: one run a seed until one saturates, compared by latency or throughput."""
        row = self.row
        booksim_options.check_run(row)
        net, options = self.data.network(row), router(row)
        warmup = whole(row, "warmup_periods") * whole(row, "sample_period")
        limit = number(row, "latency_thres") if row.get("latency_thres") else 500.0
        runs: list[dict[str, Any]] = []
        for seed in SEEDS:
            try:
                runs.append(
                    traffic.run(
                        net,
                        options,
                        booksim_traffic.pattern(row),
                        number(row, "offered_flits"),
                        *booksim_traffic.sizes(row),
                        booksim_traffic.injection(row),
                        warmup,
                        whole(row, "measure_cycles"),
                        seed,
                        drain_limit=1000 if row["sim_type"] == "throughput" else None,
                        as_far_as_it_goes=True,
                    )
                )
            except Stuck as stuck:
                return 0.0, False, None, str(stuck)
        if not all(r["offered_flits"] for r in runs):
            return 0.0, False, None, "no packet is created in the measured cycles"
        accepted = fmean(r["accepted_flits"] for r in runs)
        # far beyond saturation none of the measured packets may arrive in time: the rate stands, the latency has no end
        means = [inf if r["latency_mean"] is None else r["latency_mean"] for r in runs]
        latency = fmean(means)
        off = abs(accepted / number(row, "accepted_flits_mean") - 1)
        why = "the network can deadlock with these VCs" if any(r["saturated"] for r in runs) and self.by_latency else ""
        if not self.by_latency:
            tolerance = max(0.05 if self.overload else 0.03, self.spread("accepted_flits"))
            same = row["status"] != "unstable" or max(means) > limit or any(r["saturated"] for r in runs)
            return (
                accepted,
                off <= tolerance and same,
                tolerance,
                why or ("" if same else "the reference is saturated, ours is not"),
            )
        linear = row["region"] == "linear"
        tolerance = max(0.02 if linear else 0.10, self.spread("plat"))
        holds = abs(latency / self.reference - 1) <= tolerance and (linear or off <= 0.03)
        return (
            latency,
            holds,
            tolerance,
            why or ("" if linear or off <= 0.03 else f"accepted is {off:.1%} off, bar 3 %"),
        )


def curve_rows(data: Any) -> list[Any]:
    """One Curve for each row of reference.csv."""
    return [Curve(f"{row['config_id']}:{row['point']}", data, row) for row in data.rows("reference.csv")]
