"""How the cost of the main job grows with dies, experts, batch and steps, per stage event: linear means a flat column.

The whole job (DeepSeek-V3, 5 x 5 wafer, batch 4,096, 128 steps x 58 layers) stands beside its bar in
benchmarks/cost.py.
"""

from dataclasses import replace

from chipweave import topology
from chipweave.run import simulate as serving
from chipweave.run.spec import RunSpec


def growth():
    print(
        "| what grows | case | layer-steps | stage events | CPU us "
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
    growth()
