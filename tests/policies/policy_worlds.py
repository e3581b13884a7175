"""Views for tests: small made-up ones, and those of the excerpt in data/ with the artifact's own answers."""

import csv
import dataclasses
from fractions import Fraction
from pathlib import Path

import numpy as np

from chipweave.policy import Costs, LayerView, strategy
from chipweave.policy.tally import tally

DATA = Path(__file__).parent / "data"
EXPERTS, ROWS, COLUMNS, SLICES = 256, 5, 5, 3
NAMES = {"base": "base", "norm_ep": "ep", "allo_only": "allo", "pred_only": "pred", "allo_and_pred": "allo+pred"}


def costs(hidden=7168, intermediate=2048, **other):
    """DeepSeek-V3 in BF16 on the artifact's die: 1000 TFLOPS, 3.35 TB/s, 300 ns; links 1.741 TB/s, 200 ns."""
    values = dict(
        expert_bytes=3 * hidden * intermediate * 2,
        slices=SLICES,
        flop_per_token=6 * hidden * intermediate,
        compute=Fraction(10**15),
        hbm_bandwidth=Fraction(3350 * 10**9),
        hbm_latency_ps=300_000,
        link_bandwidth=Fraction(1741 * 10**9),
        hop_latency_ps=200_000,
    )
    return Costs(**{**values, **other})


def mesh(rows, columns):
    """int32[D, D] hops; die y + x * rows."""
    x, y = np.divmod(np.arange(rows * columns), rows)
    return (abs(x[:, None] - x) + abs(y[:, None] - y)).astype(np.int32)


DEFAULT_COSTS = costs()


def view(counts, home, distance, holders=None, first=None, costs=None, **other):
    """A LayerView of layer 0, step 1, where homes hold all slices of their experts and nobody else any."""
    counts, home = np.asarray(counts, np.int32), np.asarray(home, np.int32)
    if holders is None:
        holders = np.zeros((len(counts), len(distance)), np.uint8)
        holders[np.arange(len(counts)), home] = SLICES
    if first is None:
        first = np.where(counts > 0, np.cumsum(counts > 0) - 1, -1).astype(np.int32)
    values = dict(
        layer=0,
        step=1,
        prefill=False,
        counts=counts,
        first_appearance=first,
        home=home,
        holders=holders,
        distance=distance,
        costs=costs or DEFAULT_COSTS,
    )
    return LayerView(**{**values, **other})


def entries(plan):
    return list(zip(plan.expert.tolist(), plan.die.tolist(), plan.tokens.tolist(), strict=False))


def oracle_rows(name, batch):
    """(step, layer) -> the artifact's row."""
    with open(DATA / "oracle_rows.csv", newline="") as file:
        return {
            (int(r["step"]), int(r["layer"])): r
            for r in csv.DictReader(file)
            if (r["strategy"], r["batch"]) == (name, str(batch))
        }


def replay(chosen, batch, steps):
    """(step, layer) -> hops, copies, entries and CRC of the plan, without any time: a slice that is read from afar with
    its bit of the mask set is a copy from the next layer-step on (copies unbounded, the LLC hides none of them)."""
    with np.load(DATA / "deepseek_syn.npz", allow_pickle=False) as data:
        layers, prompts, starts, decode = (data[key] for key in ("layers", "prompt_ids", "prompt_starts", "decode_ids"))
    distance, found = mesh(ROWS, COLUMNS), {}
    home = chosen.placement.place(EXPERTS, len(distance))
    holders = np.zeros((len(layers), EXPERTS, len(distance)), np.uint8)
    holders[:, np.arange(EXPERTS), home] = SLICES
    for step in range(steps):
        for at, layer in enumerate(layers.tolist()):
            ids = decode[step - 1, at] if step else prompts[at]
            counts, first = tally(ids, EXPERTS, batch // decode.shape[2])
            seen = view(
                counts,
                home,
                distance,
                holders[at],
                first,
                layer=layer,
                step=step,
                prefill=step == 0,
                ids=ids,
                previous_ids=decode[step - 2, at] if step > 1 else None,
                prompt_starts=None if step else starts,
            )
            found[step, layer] = answer(chosen, seen, holders[at])
    return found


def answer(chosen, seen, holders):
    """One layer: the row it makes, and its copies put into `holders`."""
    plan = chosen.allocation.allocate(seen)
    plan.check(seen)
    mask = chosen.prediction.predict(seen, plan)
    remote = holders[plan.expert, plan.die] == 0
    copied = remote & (mask[plan.die, plan.expert] > 0)
    hops = SLICES * int(seen.distance[plan.die, seen.home[plan.expert]][remote].sum())
    holders[plan.expert[copied], plan.die[copied]] = SLICES
    return {"hops": hops, "copies": SLICES * int(copied.sum()), "plan_entries": len(plan), "plan_crc32": plan.crc32()}


def plain_twin(name):
    """The shipped strategy with every policy that has a plain twin replaced by it."""
    chosen = strategy.load(name)
    twins = {
        role: strategy.build(role, f"{spec['kind']}_python")
        for role, spec in chosen.resolved().items()
        if has_twin(spec["kind"])
    }
    return dataclasses.replace(chosen, **twins)


def has_twin(kind):
    return kind in ("allocation.placement_aware", "prediction.cross_token_heatmap")
