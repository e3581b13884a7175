"""What a person sees of a run: progress while it goes on, a table and the hot links when it is done. All on stderr."""

import time

from rich.table import Table

from chipweave.io.console import Counting, amount, console
from chipweave.run.record import COLUMNS

HOT_LINKS = 3


def progress(spec, index, total):
    """A function to call with each layer that ends, showing how far the run is; None where nobody looks."""
    if not console().is_terminal:
        return None
    counting, began = Counting(spec.steps, f"{spec.strategy_name} ({index + 1} of {total}), steps"), time.perf_counter()
    layers = 0

    def layer_ended(job):
        nonlocal layers
        if job is None:
            return counting.progress.stop()
        if not layers:
            counting.progress.start()
        layers += 1
        counting.reached(job.step, f"{layers / (time.perf_counter() - began):,.0f} layers/s")

    return layer_ended


def comparison(result, outcomes, out):
    """The table of `compare`, one row a run, and the links that were hot."""
    title = f"{result['model']} on {result['topology']}, batch {result['batch']}, {result['steps']} steps, preset {result['preset']}, trace {result['trace']['name']}"
    table = Table(
        "strategy",
        "link model",
        "decode",
        "layer",
        "speedup",
        "tokens/s",
        "hops",
        "read here",
        "read afar",
        "copied",
        "CPU",
        title=title,
    )
    for name in table.columns[2:]:
        name.justify = "right"
    for row, outcome in zip(result["rows"], outcomes):
        layers = max(1, int((outcome.table[:, COLUMNS.index("step")] >= outcome.prefill_steps).sum()))
        table.add_row(
            row["strategy"],
            f"{row['link_model']}, {row['admission']}",
            f"{row['decode_time_ns'] / 1e6:.3f} ms",
            f"{row['decode_time_ns'] / 1e3 / layers:.1f} us",
            "-" if row["speedup"] is None else f"{row['speedup']:.2f} x",
            f"{row['throughput_tokens_per_s']:.3g}",
            f"{row['hops']:,}",
            amount(row["local_read_bytes"]),
            amount(row["remote_read_bytes"]),
            amount(row["copy_write_bytes"]),
            f"{row['cpu_s']:.1f} s",
        )
    out_console = console()
    out_console.print(table)
    if any(hottest(outcome) for outcome in outcomes):
        out_console.print("Busiest links, prefill included: share of the run in which they were held, bytes carried")
    for outcome in outcomes:
        hot = hottest(outcome)
        if hot:
            several = len({(o.row["link_model"], o.row["admission"]) for o in outcomes}) > 1
            under = f" ({outcome.row['link_model']}, {outcome.row['admission']})" if several else ""
            out_console.print(f"{outcome.row['strategy']:>10}{under}: {hot}")
    if not any(len(outcome.table) and outcome.table[-1, 0] >= outcome.prefill_steps for outcome in outcomes):
        times = ", ".join(f"{row['strategy']} {row['prefill_time_ns'] / 1e6:.3f} ms" for row in result["rows"])
        out_console.print(f"No decode step was run, only the prefill: {times}")
    if "steps_in_the_trace" in result["notes"]:
        out_console.print(
            f"The trace ends after {result['notes']['steps_in_the_trace']} of the {result['steps']} steps asked for: all figures are of those."
        )
    if result["notes"].get("hbm_overflow_bytes_per_die"):
        out_console.print(
            f"The weights overflow the HBM of the fullest die by {amount(result['notes']['hbm_overflow_bytes_per_die'])}."
        )
    if "times_each_logged_token_was_reused" in result["notes"]:
        factor = result["notes"]["times_each_logged_token_was_reused"]
        out_console.print(
            f"The trace replays windows of a log without decode: each of its tokens was used {factor:.1f} times."
        )
    for words in result["notes"].get("preset_replaces", ()):
        said = words.partition(" (")[0]
        out_console.print(
            f"Preset {result['preset']} replaces {words}; --set {said.replace(' = ', '=')} keeps it.", soft_wrap=True
        )
    if out:
        out_console.print(
            f"written to {out}: every link over time in links.parquet, every layer in layers.parquet (docs/results.md)"
        )


def gaps(result):
    """What a sample of layer-steps says of the link models: by strategy and stratum, each model's time over flit's."""
    rows = result.get("layer_steps")
    if not rows:
        return
    models = ("circuit_ns", "circuit_work_conserving_ns", "fair_ns")
    table = Table(
        "strategy",
        "layers by circuit time",
        "sampled",
        "flit",
        "circuit, preset's",
        "circuit, work conserving",
        "fair",
        title="time of a layer-step under other link models over its time under flit, from the same state",
    )
    for name in dict.fromkeys(row["strategy"] for row in rows):
        own = [row for row in rows if row["strategy"] == name]
        kinds = [("prefill", [r for r in own if r["step"] == 0])]
        decode = sorted((r for r in own if r["step"]), key=lambda r: r[models[1]])
        kinds += [
            (f"decode, quarter {i + 1}", decode[len(decode) * i // 4 : len(decode) * (i + 1) // 4]) for i in range(4)
        ]
        for words, some in kinds:
            flit = sum(r["flit_ns"] for r in some)
            if flit:
                shares = [f"{sum(r[m] for r in some) / flit:.2f} x" for m in models]
                table.add_row(name, words, str(len(some)), f"{flit / len(some) / 1000:.1f} us", *shares)
    console().print(table)
    for row in result["rows"]:
        if "sample" in row:
            s = row["sample"]
            error = s["decode_standard_error_ns"] / max(1, s["decode_time_ns"])
            console().print(
                f"{row['strategy']:>10}: flit from {s['layer_steps']} of {s['of']} layer-steps, decode time +- {error:.1%} (standard error); "
                f"{s['skipped_share']:.1%} of the cycles skipped in {s['jumps']} jumps"
            )
            for group in s["unrepeated"]:
                flows = ", ".join(f"{a} to {b}" for a, b in group["pairs"]) + (
                    " and others" if group["flows"] > len(group["pairs"]) else ""
                )
                console().print(
                    f"{'':>10}  did not recur for {group['cycles']:,} cycles from {group['begun']:,} on: {flows}"
                )


def hottest(outcome):
    """The busiest links of a run as text: name, share of the run's time it was held, bytes."""
    total = int(outcome.table[:, 2].sum())
    found = []
    for _, names, stats in outcome.links:
        found += [(int(busy), name, int(size)) for busy, name, size in zip(stats.busy_ps, names, stats.bytes) if busy]
    found.sort(reverse=True)
    return ", ".join(f"{name} {busy / total:.0%} ({amount(size)})" for busy, name, size in found[:HOT_LINKS])
