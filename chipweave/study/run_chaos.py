"""What the command `study chaos` does.

The configurations of a paper's bars are run with the traces given, and each value is put beside the
printed one: read from a bar (evidence "bar", with the reading error that brings) or stated in the
text.
"""

from __future__ import annotations

import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from chipweave.errors import BadInput, Fault
from chipweave.io.atomic import check_folder, write_json
from chipweave.io.console import Sheet, note, show
from chipweave.io.outputs import check_document
from chipweave.io.progress import progress
from chipweave.policy import strategy as strategies_of
from chipweave.run import error_bars
from chipweave.run.spec import RunSpec
from chipweave.study import chaos, executors, plot, printed, sweep

SCHEMA = "chipweave.study.chaos/1"


def command(
    traces: Any,
    out: Any,
    models: Any,
    topologies: Any,
    batches: Any,
    strategies: Any,
    steps: Any,
    requests: Any,
    tasks: Any,
    seed: Any,
    preset: Any,
    link_model: Any,
    admission: Any,
    host: Any,
    executor: Any,
    jobs: Any,
    json_path: Any,
) -> None:
    """Run what is named, write tables and pictures, show ours beside the printed.

    Options are those of the command line; None: what the paper has. A point that is in `out`
    already is not run again.
    """
    said = printed.load("chaos")
    models, topologies = _names(models, said.models), _names(topologies, said.topologies)
    strategies = _names(strategies, chaos.DEFAULT_STRATEGIES)
    batches = _batches(batches)
    if traces is not None and tasks > 1:
        raise BadInput(
            Fault(f"--tasks {tasks} with --traces", allowed="tasks of traces that are made; copies have their own")
        )
    for name in strategies:
        strategies_of.load(name)
    spec = RunSpec(preset=preset, steps=steps, seed=seed, link_model=link_model, admission=admission)
    check_folder(out)
    check_document(json_path)
    make = executors.load(executor) if jobs > 1 or executor != "local" else None
    with tempfile.TemporaryDirectory() if out is None else nullcontext(out) as folder:
        with progress() as bar:
            found = chaos.sweep_of(spec, models, topologies, batches, strategies, traces, bar, requests, tasks)
            of_host = (
                chaos.host_sweep(spec, [m for m in models if m in _host_models(said)], traces, bar) if host else None
            )
        with make(jobs, {}) if make else nullcontext(None) as pool:
            failed = sweep.run(found, folder, pool)["failed"]
            if of_host and of_host.points:
                failed += sweep.run(of_host, Path(folder) / "host", pool)["failed"]
        document = written(folder, said, spec, bool(of_host and of_host.points))
        if out is not None:
            pictures(Path(folder))
            write_json(Path(folder) / "chaos.json", document)
    if json_path:
        write_json(json_path, document)
    report(document, said, json_path == "-")
    if failed:
        raise BadInput(Fault(f"{len(failed)} points failed: {failed[0]['message']}"))


def written(folder: Any, said: Any, spec: Any, host: Any) -> dict:
    """The document of the study: one row per bar, averages, what has no bar, context, how it was run.

    said: what the paper printed (chipweave.study.printed); host: whether the command processor on
    the host was run too. `earlier` holds values of earlier versions of the paper, for context only:
    nothing is compared with them.
    """
    table = _rows(Path(folder) / "points.parquet")
    found = chaos.quantities(table)
    rows, others = chaos.against(found, said)
    return {
        "schema": SCHEMA,
        "paper": said.paper,
        "preset": spec.preset,
        "link_model": table[0]["link_model"] if table else spec.link_model,
        "admission": table[0]["admission"] if table else spec.admission,
        "steps": spec.steps,
        "seed": spec.seed,
        "traces": {row["model"]: row["trace_sha256"] for row in table},
        "rows": rows,
        "error_bar": error_bars.ratio_bar(),
        "undecided": chaos.undecided(table, error_bars.ratio_bar()),
        "averages": chaos.averages(found, said),
        "others": others,
        "host_overhead": chaos.host_overhead(_rows(Path(folder) / "host" / "points.parquet"), said) if host else [],
        "earlier": [dict(zip(("version", "what", "quantity", "printed"), row, strict=True)) for row in said.earlier],
    }


def pictures(folder: Path) -> None:
    """Throughput, hops, DRAM accesses and the host's cost, as the paper draws them."""
    table = plot.read_table(folder)
    table["configuration"] = [f"{m}, {t}" for m, t in zip(table["model"], table["topology"], strict=True)]
    for name in ("local_read_bytes", "remote_read_bytes", "copy_write_bytes", "hops"):
        if name in table:
            plot.draw(table, folder / f"{name}.svg", "batch", name, "strategy", "configuration", title=name)
    plot.draw(
        table, folder / "speedup.svg", "batch", "speedup", "strategy", "configuration", title="speed-up over Base"
    )


def report(document: dict, said: Any, to_stderr: bool = False) -> None:
    """Bars, averages and the host's cost, on standard error where `to_stderr`."""
    how = f"preset {document['preset']}, {document['link_model']}, {document['admission']}, {document['steps']} steps"
    sheet = Sheet(
        f"{document['paper']}: {how}",
        ("model", "topology", "batch", "strategy", "quantity", "ours", "printed", "off", "evidence"),
        caption="decode steps alone, over the same of base; off = ours / printed - 1",
        right_from=5,
    )
    for row in document["rows"]:
        sheet.add(*_cells(row))
    show(sheet, to_stderr)
    heads = ("over", "strategy", "quantity", "ours", "printed", "off", "of")
    covers = "of: configurations that were run and that the average is of"
    sheet = Sheet("averages", heads, caption=covers, right_from=3)
    for row in document["averages"]:
        over = ", ".join(str(row[k]) for k in ("model", "topology", "batch") if row[k] is not None) or "all"
        sheet.add(over, row["strategy"], row["quantity"], *_cells(row)[5:8], f"{row['configurations']}")
    show(sheet, to_stderr)
    if document["others"]:
        setting = ("model", "topology", "batch", "strategy", "quantity")
        sheet = Sheet("settings without a printed value", (*setting, "ours"), caption="as above", right_from=5)
        for row in document["others"]:
            sheet.add(*(str(row[k]) for k in setting), f"{row['simulated']:.2f}")
        show(sheet, to_stderr)
    if document["host_overhead"]:
        of_host = ("model", "topology", "batch", "ours", "printed")
        covers = "decode time with the command processor on the host, over that on the wafer, less 1"
        sheet = Sheet("command processor on the host", of_host, caption=covers, right_from=3)
        for row in document["host_overhead"]:
            aim = f"{row['least']:.1%} to {row['most']:.1%}"
            sheet.add(row["model"], row["topology"], f"{row['batch']:,}", f"{row['simulated']:.1%}", aim)
        show(sheet, to_stderr)
    bars = [abs(r["simulated"] / r["printed"] - 1) for r in document["rows"] if r["evidence"] == "bar"]
    if bars:
        note(
            f"{len(bars)} printed bars: the farthest is {max(bars):.0%} off, {sum(b <= 0.15 for b in bars)} within 15 %"
        )

    close = document["undecided"]
    if close:
        where = dict.fromkeys(f"{pair['strategies'][0]} and {pair['strategies'][1]}" for pair in close)
        counts = [f"{words} ({sum(words == ' and '.join(p['strategies']) for p in close)})" for words in where]
        note(
            f"within the error bar of {document['error_bar']:.0%} that the validation ledger gives a ratio "
            f"(configurations in brackets): {', '.join(counts)}; do not choose by these"
        )


def _cells(row: Any) -> Any:
    """One row as texts: settings, ours, printed, relative difference, kind of evidence."""
    off = f"{row['simulated'] / row['printed'] - 1:+.0%}"
    texts = [str(row[k]) for k in ("model", "topology", "batch", "strategy", "quantity")]
    return (*texts, f"{row['simulated']:.2f}", f"{row['printed']:g}", off, row["evidence"])


def _rows(path: Any) -> Any:
    """The rows of a Parquet table, none where it is not there."""
    import pyarrow.parquet as pq

    return pq.read_table(path).to_pylist() if path.exists() else []


def _names(text: Any, default: Any) -> Any:
    """Names with commas between, or the default."""
    return list(default) if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _batches(text: Any) -> Any:
    """Batch sizes with commas between, or the paper's; BadInput for anything else."""
    if text is None:
        return list(chaos.BATCHES)
    try:
        return [int(each) for each in text.split(",")]
    except ValueError:
        raise BadInput(Fault(f"--batches {text!r}", allowed="whole numbers with commas between")) from None


def _host_models(said: Any) -> Any:
    """The models whose bars show the host's command processor."""
    return {row["model"] for row in said.host_overhead}
