"""What accounts of where the time goes cost: CPU seconds of a run with them over those without, interleaved.

Under every link model; bar 1.3. `off` is the same binary with nothing recorded (`python -m benchmarks kernels` counts
its instructions).
"""

import time

from chipweave.run import simulate
from chipweave.run.spec import RunSpec

RUNS = (
    ("circuit", RunSpec(model="deepseek-v3", batch=4096, steps=6, strategy="base", link_model="circuit")),
    ("fair", RunSpec(model="deepseek-v3", batch=4096, steps=6, strategy="base", link_model="fair")),
    ("flit", RunSpec(model="deepseek-v2-lite", batch=16, steps=2, strategy="base", link_model="flit")),
)
REPEATS, BAR = 3, 1.3


def seconds(spec, account):
    """CPU seconds of a run."""
    begun = time.process_time()
    simulate.simulate(spec, account=account)
    return time.process_time() - begun


def main():
    for name, spec in RUNS:
        seconds(spec, True)  # the trace is made and read once
        taken = [(seconds(spec, False), seconds(spec, True)) for _ in range(1 if name == "flit" else REPEATS)]
        off, on = (min(column) for column in zip(*taken, strict=True))
        print(f"{name:>8}: off {off:.3f} s, on {on:.3f} s, {on / off:.2f} x (bar {BAR})", flush=True)
