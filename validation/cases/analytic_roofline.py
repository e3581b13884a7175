"""roofline: one layer on one die of the wafer, bound by its HBM or by its tensor cores.

A die runs `EXPERTS` experts of Qwen3-235B, three slices each, n tokens an expert, all at home. Slices are read one
after another and computed one after another, so the layer takes the slower of the two chains from end to end, plus the
way in, and ends with the last computation or the last store into the LLC: exactly, in the whole nanoseconds of preset
`artifact`. The roofline itself, the larger of bytes over bandwidth and flop over rate, knows no latency: the layer may
exceed it by what latencies and the way in are worth, and never undercut it."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from chipweave.ledger.closed_forms import Check, closed_form

from ..artifact import micro as artifact_micro
from ..suites import artifact as suite_artifact

EXPERTS, SLICES = 16, 3
HIDDEN, INTERMEDIATE, BYTES = 4096, 1536, 2  # Qwen3-235B-A22B, BF16
LOOKUP_NS, LATENCY_NS, STORE_NS = 110, 300, 30
BYTES_PER_NS = 3350 * 0.9  # of the HBM, and the share of it that preset `artifact` gives Qwen3
FLOP_PER_NS = 10**6
UTILISATION = {1: 0.70, 128: 0.70, 1024: 0.70, 8192: 0.70}  # of the model's table at these tokens an expert
EXCESS = 0.10
"""300 ns of latency on a read of 4.2 us are 7 %; the rest is the way in."""


@closed_form("roofline")
def roofline() -> Iterator[Check]:
    """From one token an expert (bound by HBM) to 8192 (bound by compute)."""
    for tokens, share in UTILISATION.items():
        flop = 2 * HIDDEN * INTERMEDIATE * tokens
        size = (HIDDEN * INTERMEDIATE + tokens * (HIDDEN + INTERMEDIATE)) * BYTES
        read, compute = LATENCY_NS + ceil(size / BYTES_PER_NS), ceil(flop / (share * FLOP_PER_NS))
        slices = EXPERTS * SLICES
        exact = LOOKUP_NS + read + max(compute, STORE_NS) + (slices - 1) * max(read, compute)
        bound = slices * max(size / BYTES_PER_NS, flop / (share * FLOP_PER_NS))
        time, words = layer_ns(tokens), "HBM" if read > compute else "compute"
        asked = f"layer bound by {words}"
        yield Check(
            f"chain-{tokens}",
            f"{asked}, end to end",
            exact,
            time,
            0.0,
            "ns",
            "one die of the wafer",
            "tokens an expert",
            str(tokens),
        )
        yield Check(
            f"roof-{tokens}",
            f"{asked}, against the roofline",
            bound,
            time,
            EXCESS,
            "ns",
            "one die of the wafer",
            "tokens an expert",
            str(tokens),
            "latencies and the way in, which a roofline leaves out",
        )
        yield Check(
            f"above-{tokens}",
            "whether it stays above the roofline (1 yes)",
            1,
            int(time >= bound),
            0.0,
            "yes",
            "one die of the wafer",
            "tokens an expert",
            str(tokens),
        )


def layer_ns(tokens: int) -> float:
    """Time of the layer on the simulator."""
    plan = tuple((expert, 0, 0) for expert in range(EXPERTS))
    table = suite_artifact.run_plan(
        "qwen3-235b", "1x1", artifact_micro.MicroCase("1x1", plan, slices=SLICES, tokens=tokens)
    )
    return int(table[0, suite_artifact.COLUMNS.index("time_ps")]) / 1000
