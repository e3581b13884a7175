"""What a person sees of synthetic traffic: progress while it goes on, a table and the busiest links."""

from __future__ import annotations

import time
from typing import Any

from chipweave.io import console
from chipweave.io.console import Sheet
from chipweave.io.progress import Counting
from chipweave.io.watched import watched

COVERS = (
    "latency, p99, in network (cycles), hops and packets: of packets created in the measured cycles; load, accepted: "
    "flits per endpoint and measured cycle; flit-hops/s: of CPU time, warm-up and drain included"
)


def watching(title: str) -> Any:
    """A `watch` for traffic.run: a bar over the cycles of a kernel's call, which Ctrl-C ends at once."""

    def watch(kernel: Any, cycles: Any, call: Any) -> Any:
        began = time.perf_counter()
        with Counting(cycles, f"{title}, cycles") as counting:

            def look() -> None:
                counting.reached(min(kernel.now, cycles), f"{kernel.now / (time.perf_counter() - began):,.0f} cycles/s")

            return watched(call, look)

    return watch


def traffic(rows: Any, title: Any, to_stderr: bool = False) -> None:
    """The table of `traffic`, one row a load, and the links that were busiest under the last."""
    sheet = Sheet(
        title,
        "load,accepted,latency,p99,in network,hops,packets,saturated,flit-hops/s".split(","),
        caption=COVERS,
        right_from=0,
    )
    for row in rows:
        sheet.add(
            f"{row['load']:.4g}",
            f"{row['accepted_flits']:.4f}",
            _figure(row["latency_mean"], 2),
            _figure(row["latency_p99"], 0),
            _figure(row["network_latency_mean"], 2),
            _figure(row["hops_mean"], 3),
            f"{row['packets']:,}",
            "yes" if row["saturated"] else "no",
            f"{row['flit_hops_per_cpu_s'] / 1e6:.1f} M",
        )
    console.show(sheet, to_stderr)
    busiest = "; ".join(f"{k['from']} to {k['to']} {k['busy']:.1%}" for k in rows[-1]["hottest_links"])
    console.say(f"busiest links, share of all cycles from warm-up to the end of the drain: {busiest}", to_stderr)


def _figure(value: float, digits: int) -> str:
    """A mean or quantile with this number of digits; "-" where there was no packet."""
    return "-" if value is None else f"{value:.{digits}f}"
