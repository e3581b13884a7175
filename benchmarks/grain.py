"""`flit` at `grain: auto` beside exact flit on the same 15 layer-steps: error of decode time, and CPU.

    python -m benchmarks grain [JOB ...]        # exact layer-steps of deepseek-v3 take 15 to 20 s of CPU each

Three layer-steps of the prefill and of each quarter of the decode steps, each from the state of the run itself, which
is under `circuit`. Each job: (model, preset, strategy, batch, steps); no choice was made on the last two.
"""

import sys
import time
from dataclasses import replace

import numpy as np

from chipweave.run import beside
from chipweave.run import flit_sample as sample
from chipweave.run import simulate as serving
from chipweave.run.spec import RunSpec

JOBS = {
    "deepseek-base": ("deepseek-v3", "paper", "base", 4096, 6),
    "deepseek-pred": ("deepseek-v3", "paper", "pred", 4096, 6),
    "qwen3-30b-base": ("qwen3-30b-a3b", "artifact", "base", 1024, 6),
    "kimi-k2-base": ("kimi-k2", "paper", "base", 1024, 4),
    "llama4-base": ("llama4-maverick", "paper", "base", 1024, 4),
}
ERROR, CHEAPER = 0.02, 50


class Costed(sample.Watched):
    """A Watched that adds up the CPU seconds of each probe, by its id."""

    def __init__(self, fabric, probes, chosen):
        super().__init__(fabric, probes, chosen)
        self.cpu = dict.fromkeys(map(id, probes), 0.0)

    def run(self, probe, transfers):
        begin = time.process_time()
        took = super().run(probe, transfers)
        self.cpu[id(probe)] += time.process_time() - begin
        return took


def job(name):
    """(row of the table, whether both bars are met)."""
    model, preset, strategy, batch, steps = JOBS[name]
    spec = RunSpec(
        model=model, preset=preset, strategy=strategy, batch=batch, steps=steps, link_model="circuit",
        admission="work_conserving",
    )  # fmt: skip
    serving.make_trace(spec)
    loaded = serving.load(spec)
    network = serving.mesh_of(loaded.system).name
    parts = beside.strata(steps, len(loaded.routing.trace.layers), bool(loaded.routing.trace.has_prefill), spec.seed)
    made = []

    def around(fabric, work):
        def flit(grain):
            return sample.probe(replace(spec, sets=(f"{network}.grain={grain}",)), work, "flit", "work_conserving")

        coarse = flit("auto")
        own = sample.probe(spec, work, "circuit", "work_conserving")
        probes = [own, flit(1), coarse, flit(sample.grain_of(coarse, network) // 2)]
        made.append(Costed(fabric, probes, {int(row) for part in parts for row in part.chosen}))
        return made[0]

    outcome = serving.simulate(spec, lambda done: made[0].next_layer(done), loaded=loaded, around=around)
    watched = made[0]
    exact, coarse, finer = (sample.totals(outcome.table, parts, watched.times, 0, of) for of in (1, 2, 3))
    cpu = [watched.cpu[id(probe)] for probe in watched.probes]
    single = np.array([times[2] / times[1] - 1 for times in watched.times.values() if times[1]])
    error, ratio = sample.apart(coarse, exact), cpu[1] / cpu[2]
    grain = sample.grain_of(watched.probes[2], network)
    good = abs(error) <= ERROR and ratio >= CHEAPER
    return (
        f"| {name} | {grain} | {error:+.1%} | {single.mean():+.1%}, sd {single.std(ddof=1):.1%}, worst "
        f"{single[np.abs(single).argmax()]:+.0%} | {sample.apart(coarse, finer):+.1%} | "
        f"{cpu[1]:.0f} s, {cpu[2]:.1f} s | {ratio:.0f} x | {'' if good else 'missed'} |"
    )


def main(names=()):
    """Print the table."""
    print(f"| job | grain | decode over exact (bar {ERROR:.0%}) | single layer-steps | over the finer grain "
          f"| CPU of exact, of the grain | cheaper (bar {CHEAPER} x) | |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    for name in names or JOBS:
        print(job(name), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
