"""What each habit of the published simulator's engine is worth: the same work with each one switched off.

Prints the table of docs/reference/artifact.md. Trace: the synthetic set deepseek-syn at batch 4,096 (256 requests,
each 16 times)."""

from dataclasses import replace

from benchmarks._per_layer import header, row
from chipweave.run import simulate as serving
from chipweave.run.spec import RunSpec

STEPS = 5
STRATEGIES = ("base", "ep", "allo", "pred", "allo+pred")
D2D = "networks.d2d."
VARIANTS = [
    ("as published", {}),
    ("waiters in exact order, not the artifact's heap", {"wait_queue": "sorted"}),
    ("nothing booked ahead", {"sets": (f"{D2D}booking=false",)}),
    ("no barging past waiters", {"sets": (f"{D2D}barging=false",)}),
    ("all waiters tried, not the head alone", {"sets": (f"{D2D}wake=all",)}),
    ("directed links", {"sets": (f"{D2D}duplex=directed",)}),
    ("head_only: no booking, no barging, exact order", {"admission": "head_only", "wait_queue": "sorted"}),
    ("work_conserving: no booking, all waiters, exact order", {"admission": "work_conserving", "wait_queue": "sorted"}),
    (
        "work_conserving on directed links",
        {"admission": "work_conserving", "wait_queue": "sorted", "sets": (f"{D2D}duplex=directed",)},
    ),
]
ASKED_ALL = (("kind", "cross_token_heatmap"), ("stop_at_own_id", False))


def stop_rule():
    """Pred with all rows of the heat map used, beside the artifact's stop at the die's own number."""
    for name, prediction in (("as published", "cross_token_heatmap"), ("stop rule off", ASKED_ALL)):
        policies = (
            ("placement", "contiguous"),
            ("allocation", "round_robin"),
            ("prediction", prediction),
            ("replacement", "unbounded"),
        )
        outcome = serving.simulate(RunSpec(preset="artifact", trace="deepseek-syn", steps=17, strategy=policies))
        print(
            f"| {name} | {outcome.row['decode_time_ns'] / 1e6:.1f} ms "
            f"| {outcome.row['copies']:,} | {outcome.row['hops']:,} |",
            flush=True,
        )


def main():
    header("engine", STRATEGIES)
    for name, changes in VARIANTS:
        row(name, replace(RunSpec(preset="artifact", trace="deepseek-syn", steps=STEPS), **changes), STRATEGIES)
    print("\n| predictor, strategy pred, 16 decode steps | decode | copies | hops |\n|---|---|---|---|")
    stop_rule()
