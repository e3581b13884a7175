"""Does the time come true that `why` says for the bounding resource made infinitely fast? Four models, strategy base.

`why` runs a layout in which the class takes no time; here the same resource is made fast in the topology itself, with
the settings of FAST, as a user would. Bar: the change in time is that said within 2 %.
"""

from chipweave.run import simulate
from chipweave.run.spec import RunSpec
from chipweave.run.why import explain, folder

MODELS = ("deepseek-v3", "kimi-k2", "qwen3-235b", "llama4-maverick")
BATCH, STEPS, BAR = 4096, 4, 0.02
ROOMY = "cp.capacity=reported"  # kimi-k2 at two bytes a weight is larger than the wafer
FAST = {
    "links": ("d2d.bandwidth=100000 TB/s", "d2d.latency=1 ps"),
    "compute": ("die.sm.peak=100000000 TFLOPS",),
    "hbm": ("die.hbm.bandwidth=1000000 TB/s", "die.hbm.latency=1 ps"),
    "llc": ("die.llc.hit_latency=1 ps", "die.llc.miss_latency=1 ps"),
    "command processors": ("die.cp.dispatch_time=0 ps", "cp.plan_time=0 ps"),
}


def run(model, batch, steps, *sets):
    """A run of base as a folder would keep it."""
    spec = RunSpec(model=model, batch=batch, steps=steps, strategy="base", link_model="fair", sets=(*sets, ROOMY))
    outcome = simulate.simulate(spec, account=False)
    return folder.Kept("", spec, outcome.row, {"prefill_steps": outcome.prefill_steps, **outcome.facts})


def bound(model, batch=BATCH, steps=STEPS):
    """(the document of why, decode time, decode time with the bounding class fast), ns."""
    kept = run(model, batch, steps)
    found = explain.why(kept)
    fast = run(model, batch, steps, *FAST[found["bounding"]])
    return found, kept.row["decode_time_ns"], fast.row["decode_time_ns"]


def main():
    for model in MODELS:
        found, before, after = bound(model)
        said = found["bounds"][found["bounding"]]
        off = abs(after - said) / (before - said)
        largest = next(iter(found["breakdown"]))
        print(
            f"{model:>16}: {before / 1e6:.3f} ms; bounded by {found['bounding']} (most time: {largest}); infinitely "
            f"fast: why says {said / 1e6:.3f} ms, run {after / 1e6:.3f} ms, change off by {off:.2%} (bar {BAR:.0%})",
            flush=True,
        )
