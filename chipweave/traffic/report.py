"""What a person sees of synthetic traffic: progress while it goes on, a table and the busiest links. All on stderr."""

import time

from rich.table import Table

from chipweave.io.console import Counting, console
from chipweave.io.watched import watched


def watching(title):
    """A `watch` for traffic.run: a bar over the cycles of a kernel's call, which Ctrl-C ends at once."""

    def watch(kernel, cycles, call):
        began = time.perf_counter()
        with Counting(cycles, f"{title}, cycles") as counting:

            def look():
                counting.reached(min(kernel.now, cycles), f"{kernel.now / (time.perf_counter() - began):,.0f} cycles/s")

            return watched(call, look)

    return watch


def traffic(rows, title):
    """The table of `traffic`, one row a load, and the links that were busiest under the last."""
    table = Table(
        "load",
        "accepted",
        "latency",
        "p99",
        "in network",
        "hops",
        "packets",
        "saturated",
        "flit-hops/s",
        title=title,
        caption="latencies in cycles, loads in flits per endpoint and cycle",
    )
    for name in table.columns:
        name.justify = "right"
    for row in rows:
        table.add_row(
            f"{row['load']:.4g}",
            f"{row['accepted_flits']:.4f}",
            f"{row['latency_mean']:.2f}",
            f"{row['latency_p99']:.0f}",
            f"{row['network_latency_mean']:.2f}",
            f"{row['hops_mean']:.3f}",
            f"{row['packets']:,}",
            "yes" if row["saturated"] else "no",
            f"{row['flit_hops_per_cpu_s'] / 1e6:.1f} M",
        )
    console().print(table)
    console().print(
        "busiest links: " + "; ".join(f"{k['from']} to {k['to']} {k['busy']:.1%}" for k in rows[-1]["hottest_links"])
    )
