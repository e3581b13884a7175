"""CPU time of the policies for one layer of one decode step: DeepSeek-V3, 25 dies, batch 4,096.

    python benchmarks/policies.py

Made-up choices with log-normal popularity, 58 layers in turn (so that no table stays in a near cache). The least and
the median over all layer-steps are printed: on a busy machine the least is nearer the truth.
"""

import time
from fractions import Fraction

import numpy as np

from chipweave.policy import Costs, LayerView, strategy
from chipweave.policy.tally import tally

LAYERS, STEPS, REQUESTS, EXPERTS, K, SIDE = 58, 6, 4096, 256, 8, 5
DECODE_LAYER_STEPS = 127 * 58
COSTS = Costs(
    3 * 7168 * 2048 * 2,
    3,
    6 * 7168 * 2048,
    Fraction(10**15),
    Fraction(3350 * 10**9),
    300_000,
    Fraction(1741 * 10**9),
    200_000,
)


def choices():
    """uint8[LAYERS, STEPS, REQUESTS, K]: each step deals a layer's choices to the requests anew."""
    random, made = np.random.default_rng(1), np.empty((LAYERS, STEPS, REQUESTS, K), np.uint8)
    for layer in made:
        score = 0.6 * random.standard_normal(EXPERTS) + random.gumbel(size=(REQUESTS, EXPERTS))
        chosen = np.argpartition(-score, K, axis=1)[:, :K]
        for step in layer:
            step[:] = chosen[random.permutation(REQUESTS)]
    return made


def distances():
    """int32[D, D], hops on the square mesh."""
    x, y = np.divmod(np.arange(SIDE * SIDE), SIDE)
    return (abs(x[:, None] - x) + abs(y[:, None] - y)).astype(np.int32)


def measure(name, ids, distance):
    """task -> sorted CPU seconds of each layer-step under a strategy; copies are kept at once."""
    chosen, spent = strategy.load(name), {"tally": [], "view": [], "allocation": [], "observe": [], "mask": []}
    home, clock = chosen.placement.place(EXPERTS, len(distance)), time.process_time
    holders = np.zeros((LAYERS, EXPERTS, len(distance)), np.uint8)
    holders[:, np.arange(EXPERTS), home] = COSTS.slices
    for step in range(1, STEPS):
        for layer in range(LAYERS):
            now, before = ids[layer, step], ids[layer, step - 1]
            ticks = [clock()]
            counts, first = tally(now, EXPERTS)
            ticks.append(clock())
            view = LayerView(layer, step, False, counts, first, home, holders[layer], distance, COSTS, now, before)
            ticks.append(clock())
            plan = chosen.allocation.allocate(view)
            ticks.append(clock())
            chosen.prediction.observe(view)
            ticks.append(clock())
            mask = chosen.prediction.mask(view, plan)
            ticks.append(clock())
            keep = mask[plan.die, plan.expert] > 0
            holders[layer, plan.expert[keep], plan.die[keep]] = COSTS.slices
            for task, seconds in zip(spent, np.diff(ticks), strict=False):
                spent[task].append(seconds)
    return {task: np.sort(seconds) for task, seconds in spent.items()}


def main():
    ids, distance = choices(), distances()
    units = {"tally": (REQUESTS * K, "id"), "observe": (REQUESTS * K * K, "pair")}
    for name in ("base", "allo+pred", "pred"):
        spent = measure(name, ids, distance)
        middle = len(spent["tally"]) // 2
        for task, seconds in spent.items():
            each = f"  {seconds[0] / units[task][0] * 1e9:.2f} ns per {units[task][1]}" if task in units else ""
            print(f"{name:10} {task:10} least {seconds[0] * 1e6:7.1f} us  median {seconds[middle] * 1e6:7.1f} us{each}")
        least, median = (sum(s[at] for s in spent.values()) * DECODE_LAYER_STEPS for at in (0, middle))
        print(f"{name:10} 127 decode steps: {least:.1f} s (least), {median:.1f} s (median)\n")


if __name__ == "__main__":
    main()
