"""`flit` at `grain: auto` beside exact flit on the same 15 layer-steps: error of decode time, and CPU.

    python -m benchmarks.grain [JOB ...]       # exact layer-steps of deepseek-v3 take 15 to 20 s of CPU each

Three layer-steps of the prefill and of each quarter of the decode steps, each from the state of the run itself, which
is under `circuit`. Each job: (model, preset, strategy, batch, steps); no choice was made on the last two.
"""

import sys
from dataclasses import replace

import numpy as np

from chipweave.run import beside
from chipweave.run import flit_sample as sample
from chipweave.run import simulate as serving
from chipweave.run.probe import Probe, Watched
from chipweave.run.spec import RunSpec

JOBS = {
    "deepseek-base": ("deepseek-v3", "paper", "base", 4096, 6),
    "deepseek-pred": ("deepseek-v3", "paper", "pred", 4096, 6),
    "qwen3-30b-base": ("qwen3-30b-a3b", "artifact", "base", 1024, 6),
    "kimi-k2-base": ("kimi-k2", "paper", "base", 1024, 4),
    "llama4-base": ("llama4-maverick", "paper", "base", 1024, 4),
}
ERROR, CHEAPER = 0.02, 50


def measured(name):
    """Figures of one job: exact flit and that of the grain on the same layer-steps."""
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
            return Probe.of(replace(spec, sets=(f"{network}.grain={grain}",)), work, "flit", "work_conserving")

        coarse = flit("auto")
        own = Probe.of(spec, work, "circuit", "work_conserving")
        probes = [own, flit(1), coarse, flit(coarse.grain // 2)]
        made.append(Watched(fabric, probes, {int(row) for part in parts for row in part.chosen}))
        return made[0]

    outcome = serving.simulate(spec, lambda done: made[0].next_layer(done), loaded=loaded, around=around)
    watched = made[0]
    watched.finish()
    exact, coarse, finer = (sample.totals(outcome.table, parts, watched.times, 0, of) for of in (1, 2, 3))
    cpu = [sum(each.cpu_s for each in watched.taken if each.place == place) for place in range(4)]
    single = np.array([times[2] / times[1] - 1 for times in watched.times.values() if times[1]])
    return {
        "grain": watched.probes[2].grain,
        "layer_steps": len(watched.times),
        "error": sample.apart(coarse, exact),
        "over_finer": sample.apart(coarse, finer),
        "single": single,
        "exact_cpu_s": cpu[1],
        "cpu_s": cpu[2],
        "cheaper": cpu[1] / cpu[2],
    }


def line(name, found):
    """A row of the table."""
    single, good = found["single"], abs(found["error"]) <= ERROR and found["cheaper"] >= CHEAPER
    return (
        f"| {name} | {found['grain']} | {found['error']:+.1%} | {single.mean():+.1%}, sd {single.std(ddof=1):.1%}, "
        f"worst {single[np.abs(single).argmax()]:+.0%} | {found['over_finer']:+.1%} | {found['exact_cpu_s']:.0f} s, "
        f"{found['cpu_s']:.1f} s | {found['cheaper']:.0f} x | {'' if good else 'missed'} |"
    )


def main(names=()):
    """Print the table."""
    print(f"| job | grain | decode over exact (bar {ERROR:.0%}) | single layer-steps | over the finer grain "
          f"| CPU of exact, of the grain | cheaper (bar {CHEAPER} x) | |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    for name in names or JOBS:
        print(line(name, measured(name)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
