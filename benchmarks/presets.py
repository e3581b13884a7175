"""What the case study says on the dies of each preset: the paper's words, the artifact's, the measured H100, and each
measured part alone.

Prints the tables of docs/reference/two_speeds.md. Traces: the synthetic sets deepseek-syn and qwen-syn at batch 4,096,
on wafer_5x5."""

from dataclasses import replace

from benchmarks._per_layer import header, row
from chipweave.run.spec import RunSpec

STEPS = 3
STRATEGIES = ("base", "ep", "allo", "allo+pred")
TABLE = "h100_sxm"
H100_LLC = ("die.llc.capacity=50 MiB", "die.llc.ways=1")
VARIANTS = [
    ("artifact", {"preset": "artifact"}),
    ("paper", {"preset": "paper"}),
    ("paper, measured HBM", {"preset": "paper", "sets": (f"die.hbm.table={TABLE}",)}),
    ("paper, measured LLC", {"preset": "paper", "sets": (f"die.llc.table={TABLE}", *H100_LLC)}),
    ("paper, measured GEMMs", {"preset": "paper", "sets": (f"die.sm.table={TABLE}",)}),
    ("h100", {"preset": "h100"}),
]
WORK = (("deepseek-v3", "deepseek-syn"), ("qwen3-235b", "qwen-syn"))


def main():
    for model, trace in WORK:
        print(f"\n{model}, us of a decode layer\n")
        header("dies", STRATEGIES)
        for name, changes in VARIANTS:
            row(
                name,
                replace(RunSpec(topology="wafer_5x5", model=model, trace=trace, steps=STEPS), **changes),
                STRATEGIES,
            )
