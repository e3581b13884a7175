"""The main job's cost: DeepSeek-V3, 5 x 5 wafer, batch 4,096, 128 steps x 58 layers, beside the published artifact.

The artifact's own CPU seconds (Python 3.11, 2-core AMD EPYC guest): base 10 min, allo+pred 11 min and about 30 min of
heat maps, extrapolated from its CPU per layer-step. Reading the trace counts here, making it does not (it is cached).
Then how the cost grows with dies, experts, batch and steps, per stage event: linear means a flat column."""

import time
from dataclasses import replace

from chipweave import topology
from chipweave.run import simulate as serving
from chipweave.run.spec import RunSpec

ARTIFACT_CPU_S = {"base": 600, "allo+pred": 2460}
BARS_CPU_S = {"base": 6, "allo+pred": 10}
GIB = 1 << 30


def loop_ms():
    """CPU ms of a million turns of an empty loop: what this machine gives at the moment (about 30 on a quiet 2.5 GHz
    core)."""
    start = time.process_time()
    for _ in range(10**6):
        pass
    return (time.process_time() - start) * 1e3


def whole_job():
    print(
        "| strategy | CPU s | bar | artifact CPU s | ratio | stage events "
        "| ns per event | peak memory | empty loop, ms per million |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for strategy, published in ARTIFACT_CPU_S.items():
        before = loop_ms()
        row = serving.simulate(RunSpec(preset="artifact", strategy=strategy)).row
        events = row["events"]
        print(
            f"| {strategy} | {row['cpu_s']:.1f} | {BARS_CPU_S[strategy]} | "
            f"{published} | {published / row['cpu_s']:.0f} x | {events:,} | "
            f"{row['cpu_s'] / events * 1e9:.0f} | {row['peak_rss_bytes'] / GIB:.2f} "
            f"GiB | {before:.0f} to {loop_ms():.0f} |",
            flush=True,
        )


def growth():
    print(
        "\n| what grows | case | layer-steps | stage events | CPU us "
        "per layer-step | ns per event |\n|---|---|---|---|---|---|"
    )
    cases = [("dies", f"{y} x {x}", {"mesh": (y, x)}) for y, x in ((3, 3), (5, 5), (8, 3), (8, 8))]
    cases += [
        ("experts", f"{s}", {"model": m, "trace": s})
        for m, s in (("qwen3-235b", "qwen-syn"), ("deepseek-v3", "deepseek-syn"), ("kimi-k2", "kimi-syn"))
    ]
    cases += [("batch", f"{b:,}", {"batch": b}) for b in (256, 1024, 4096, 16384)]
    cases += [("steps", f"{s}", {"steps": s}) for s in (3, 9, 17)]
    for what, name, changes in cases:
        mesh = changes.pop("mesh", None)
        spec = replace(RunSpec(preset="artifact", trace="deepseek-syn", steps=5), **changes)
        loaded = serving.load(spec)
        if mesh:
            loaded = replace(
                loaded,
                system=topology.load("wafer", sets=[f"parts.die.grid=[{mesh[0]}, {mesh[1]}]"], preset=spec.preset),
            )
        outcome = serving.simulate(spec, loaded=loaded)
        cpu, events = outcome.row["cpu_s"], outcome.row["events"]
        layers = len(outcome.table)
        print(
            f"| {what} | {name} | {layers:,} | {events:,} | {cpu / layers * 1e6:.0f} | {cpu / events * 1e9:.0f} |",
            flush=True,
        )


def main():
    whole_job()
    growth()
