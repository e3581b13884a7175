"""What studies print of runs side by side: decode time per layer under each strategy, and base over each of the
others."""

from dataclasses import replace

from chipweave.run import simulate as serving


def header(first, strategies):
    print(f"| {first} | " + " | ".join(s if s == "base" else f"{s} (base / {s})" for s in strategies) + " |")
    print("|---" * (len(strategies) + 1) + "|")


def row(name, spec, strategies):
    """us of a decode layer under each strategy; `spec` is a chipweave.run.spec.RunSpec."""
    times = []
    for strategy in strategies:
        outcome = serving.simulate(replace(spec, strategy=strategy))
        layers = (outcome.table[:, 0] >= outcome.prefill_steps).sum()
        times.append(outcome.row["decode_time_ns"] / 1e3 / layers)
    cells = [f"{times[0]:,.0f}"] + [f"{t:,.0f} ({times[0] / t:.2f}x)" for t in times[1:]]
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
