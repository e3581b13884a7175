"""What a person sees of a run: progress while it goes on, then a table and the hot links; notes go to standard
error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from chipweave.io import console
from chipweave.io.console import Sheet, amount, note
from chipweave.io.progress import Counting
from chipweave.run import error_bars
from chipweave.run.record import COLUMNS
from chipweave.topology.inherited import in_words

HOT_LINKS = 3
COVERS = "decode, layer, hops, read and copied: decode steps alone; CPU: the whole run, prefill included"
TOKENS = {
    False: "tokens/s: tokens decoded / decode time",
    True: "tokens/s: batch x steps / decode time, the prefill step counted, as the paper does",
}


def progress(spec: Any, index: int, total: int) -> Any:
    """A function to call with each layer that ends, showing how far the run is; with None when all have.

    index, total: which run of a comparison this is.
    """
    counting, began = Counting(spec.steps, f"{spec.strategy_name} ({index + 1} of {total}), steps"), time.perf_counter()
    layers = 0

    def layer_ended(job: Any) -> Any:
        nonlocal layers
        if job is None:
            return counting.stop()
        if not layers:
            counting.start()
        layers += 1
        said = f"{layers / (time.perf_counter() - began):,.0f} layers/s"
        counting.rate = f"layer {job.layer}, {(job.end_ps or 0) / 1e9:,.3f} ms simulated, {said}"
        if job.step != counting.done:
            counting.reached(job.step, counting.rate)
        return None

    return layer_ended


def comparison(result: dict[str, Any], outcomes: list[Any], out: Any, to_stderr: bool = False) -> None:
    """The table of `compare`, one row a run, and the links that were hot; on standard error where `to_stderr`."""
    say = partial(console.say, to_stderr=to_stderr)
    console.show(_table(result, outcomes), to_stderr)
    if any(hottest(outcome) for outcome in outcomes):
        say("Busiest links, prefill included: share of the run in which they were held, bytes carried")
    for outcome in outcomes:
        hot = hottest(outcome)
        if hot:
            several = len({(o.row["link_model"], o.row["admission"]) for o in outcomes}) > 1
            under = f" ({outcome.row['link_model']}, {outcome.row['admission']})" if several else ""
            say(f"{outcome.row['strategy']:>10}{under}: {hot}")
    if not any(len(outcome.table) and outcome.table[-1, 0] >= outcome.prefill_steps for outcome in outcomes):
        times = ", ".join(f"{row['strategy']} {row['prefill_time_ns'] / 1e6:.3f} ms" for row in result["rows"])
        say(f"No decode step was run, only the prefill: {times}")
    for line in (*_notes(result), *grains(result["rows"])):
        note(line)
    close = result.get("undecided")
    if close:
        pairs = list(dict.fromkeys(tuple(each["strategies"]) for each in close))
        note(error_bars.words(pairs, result["error_bar"]))
    if out:
        note(
            f"written to {out}: every link over time in links.parquet, every layer in layers.parquet "
            "(docs/reference/results.md)"
        )


def _table(result: dict[str, Any], outcomes: list[Any]) -> Sheet:
    """The sheet of `compare`: a row for each run, times of decode, and what the tokens counted are in its caption."""
    counted = TOKENS[bool(result["notes"].get("prefill_step_counts"))]
    sheet = Sheet(
        f"{result['model']} on {result['topology']}, batch {result['batch']}, {result['steps']} steps, "
        f"preset {result['preset']}, trace {result['trace']['name']}",
        "strategy,link model,decode,layer,speedup,tokens/s,hops,read here,read afar,copied,CPU".split(","),
        caption=f"{COVERS}; {counted}",
        right_from=2,
    )
    for row, outcome in zip(result["rows"], outcomes, strict=True):
        layers = max(1, int((outcome.table[:, COLUMNS.index("step")] >= outcome.prefill_steps).sum()))
        sheet.add(
            row["strategy"],
            model_of(row),
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
    return sheet


def model_of(row: dict[str, Any]) -> str:
    """Link model and admission of a row, with the grain where it is not 1."""
    grain = f" grain {row['grain']}" if "grain" in row else ""
    return f"{row['link_model']}{grain}, {row['admission']}"


def grains(rows: list[dict[str, Any]]) -> Iterator[str]:
    """What a sample under flit says of the rows, in sentences."""
    for row in rows:
        said = row.get("flit", row)
        if "grain_difference" not in said:
            continue
        name, grain = row["strategy"], said["grain"]
        finer = f"grain {grain // 2} on the same layer-steps differs by {said['grain_difference']:+.1%}"
        if said is row:
            yield f"{name}: flit at grain {grain}; {finer}."
            continue
        times = said["decode_time_ns"] or said["prefill_time_ns"]
        error = said["decode_standard_error_ns" if said["decode_time_ns"] else "prefill_standard_error_ns"]
        yield (
            f"{name}: flit at grain {grain} takes {said['difference']:+.1%} +- {error / max(1, times):.1%} "
            f"({said['layer_steps']} of {said['of']} layer-steps); {finer}."
        )


def _notes(result: dict[str, Any]) -> Iterator[str]:
    """What else there is to know of the rows, in sentences."""
    notes = result["notes"]
    if "steps_in_the_trace" in notes:
        yield (
            f"The trace ends after {notes['steps_in_the_trace']} of the {result['steps']} steps of the run: "
            "all values are of those."
        )
    if notes.get("hbm_overflow_bytes_per_die"):
        over = amount(notes["hbm_overflow_bytes_per_die"])
        yield f"The weights overflow the HBM of the fullest die by {over}."
    if "times_each_logged_token_was_reused" in notes:
        factor = notes["times_each_logged_token_was_reused"]
        yield f"The trace replays windows of a log without decode: each of its tokens was used {factor:.1f} times."
    for strategy, found in notes.get("symptoms", {}).items():
        yield from (f"{strategy}: {words}." for words in found)
    for row, moved in notes.get("tokens", {}).items():
        there, back = (amount(moved[f"{way}_bytes"]) for way in ("dispatch", "combine"))
        yield (
            f"{row}: tokens moved, prefill included: dispatch {there} in {moved['dispatch_ps'] / 1e9:.3f} ms, "
            f"combine {back} in {moved['combine_ps'] / 1e9:.3f} ms."
        )
    if notes.get("inherited"):
        rests = in_words(notes["inherited"])
        yield f"These predictions rest on figures of another device: {rests} (chipweave info --sources)."
    if notes.get("no_flit_beside"):
        yield f"No row says by how much flit differs, which does not run here: {notes['no_flit_beside']}."
    for words in notes.get("preset_replaces", ()):
        setting = words.partition(" (")[0].replace(" = ", "=")
        yield f"Preset {result['preset']} replaces {words}; --set {setting} keeps it."
    for words in notes.get("options_replace", ()):
        yield f"An option replaces {words}."


def gaps(result: dict[str, Any], to_stderr: bool = False) -> None:
    """What a sample of layer-steps says of the link models: by strategy and stratum, each model's time over flit's.

    All models start from the same state, so the ratio is that of one layer-step, not of a whole run
    under another model.
    """
    rows = result.get("layer_steps")
    if not rows:
        return
    say = partial(console.say, to_stderr=to_stderr)
    models = ("circuit_ns", "circuit_work_conserving_ns", "fair_ns")
    sheet = Sheet(
        "time of a layer-step under other link models over its time under flit, from the same state",
        (
            "strategy",
            "layers by circuit time",
            "sampled",
            "flit",
            "circuit, preset's",
            "circuit, work conserving",
            "fair",
        ),
        caption="means and ratios over the sampled layer-steps of each stratum; flit: mean time of one",
        right_from=2,
    )
    for name in dict.fromkeys(row["strategy"] for row in rows):
        own = [row for row in rows if row["strategy"] == name]
        kinds = [("prefill", [r for r in own if r["prefill"]])]
        decode = sorted((r for r in own if not r["prefill"]), key=lambda r: r[models[1]])
        kinds += [
            (f"decode, quarter {i + 1}", decode[len(decode) * i // 4 : len(decode) * (i + 1) // 4]) for i in range(4)
        ]
        for words, some in kinds:
            flit = sum(r["flit_ns"] for r in some)
            if flit:
                shares = [f"{sum(r[m] for r in some) / flit:.2f} x" for m in models]
                sheet.add(name, words, str(len(some)), f"{flit / len(some) / 1000:.1f} us", *shares)
    console.show(sheet, to_stderr)
    for row in result["rows"]:
        if "sample" in row:
            _sampled(row, say)


def _sampled(row: dict[str, Any], say: Callable[..., Any]) -> None:
    """How good a row by a sample is, and which groups of flows did not recur."""
    s = row["sample"]
    error = s["decode_standard_error_ns"] / max(1, s["decode_time_ns"])
    say(
        f"{row['strategy']:>10}: flit from {s['layer_steps']} of {s['of']} layer-steps, "
        f"decode time +- {error:.1%} (standard error); "
        f"{s['skipped_share']:.1%} of the cycles skipped in {s['jumps']} jumps"
    )
    for group in s["unrepeated"]:
        flows = ", ".join(f"{a} to {b}" for a, b in group["pairs"])
        flows += " and others" if group["flows"] > len(group["pairs"]) else ""
        say(f"{'':>10}  did not recur for {group['cycles']:,} cycles from {group['begun']:,} on: {flows}")


def hottest(outcome: Any, most: int = HOT_LINKS) -> str:
    """The busiest links of a run as text: name, share of the run's time it was held, bytes."""
    total = outcome.total_ps
    found = []
    for _, names, stats in outcome.links:
        links = zip(stats.busy_ps, names, stats.bytes, strict=True)
        found += [(int(busy), name, int(size)) for busy, name, size in links if busy]
    found.sort(reverse=True)
    return ", ".join(f"{name} {busy / total:.0%} ({amount(size)})" for busy, name, size in found[:most])
