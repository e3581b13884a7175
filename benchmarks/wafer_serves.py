"""A token on a wafer: what is left of the speed-up of the MoE part once the rest of the step is there, and what nodes
give beside it.

    python -m benchmarks wafer_serves          # prints the tables of docs/reference/wafer_serves.md and draws
                                               docs/pictures/wafer_serves.svg

The MoE part is `chipweave compare` on each wafer. The rest of the step is `chipweave.serving` on the same dies,
attention and dense layers copied to every die. Tokens that move to their experts and back are the busiest link of the
mesh under even traffic."""

import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from chipweave import topology
from chipweave.errors import BadInput
from chipweave.serving import models, schedule, setting, system
from chipweave.serving.kernels import Kernels
from chipweave.serving.setup import setup
from chipweave.serving.step import Batch, Setup

WAFERS = {"wafer_5x5": (5, 5), "wafer_8x3": (8, 3), "wafer_5x5_enhanced": (5, 5)}
"""Topology -> rows and columns of its mesh; rates are read from the topology."""

STRATEGIES, LINKS = ("base", "ep", "allo", "allo+pred"), ("circuit", "fair")
MODEL, TRACE, BATCH, STEPS = "deepseek-v3", "deepseek-syn", 4096, 2
CONTEXTS = (512, 2048)
TOKEN = 7168 * (1 + 4 / 128) + 7168 * 2
"""Bytes of a token to one expert in FP8 with scales, and of its result back in BF16."""

SHARED = ("moe", "dispatch", "combine", "collective")
"""Kinds of a node's step that the wafer's own parts take the place of."""

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "wafer_serves.svg"


def moe_seconds(wafer: str) -> dict[tuple[str, str], float]:
    """(link model and admission, strategy) -> seconds of the MoE part of one decode step."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.json"
        words = [
            "compare",
            "--preset",
            "artifact",
            "--topology",
            wafer,
            "--model",
            MODEL,
            "--trace",
            TRACE,
            "--steps",
            str(STEPS),
            "--batch",
            str(BATCH),
        ]
        words += ["--strategies", ",".join(STRATEGIES), "--link-models", ",".join(LINKS), "--json", str(out)]
        subprocess.run([sys.executable, "-m", "chipweave", *words], check=True, stdout=subprocess.DEVNULL)
        document = json.loads(out.read_text())
    steps = document["steps"] - 1 if document["steps"] > 1 else 1
    return {
        (f"{r['link_model']}, {r['admission']}", r["strategy"]): r["decode_time_ns"] * 1e-9 / steps
        for r in document["rows"]
    }


def busiest_link(rows: int, columns: int) -> float:
    """Share of one die's tokens that the busiest link of a mesh carries when every die sends evenly to all, x first."""
    loads: dict[tuple[int, int, int, int], float] = {}
    dies = rows * columns
    for source in range(dies):
        for target in range(dies):
            (y, x), (to_y, to_x) = divmod(source, columns), divmod(target, columns)
            while x != to_x:
                step = x + (1 if to_x > x else -1)
                loads[y, x, y, step] = loads.get((y, x, y, step), 0) + 1 / dies
                x = step
            while y != to_y:
                step = y + (1 if to_y > y else -1)
                loads[y, x, step, x] = loads.get((y, x, step, x), 0) + 1 / dies
                y = step
    return max(loads.values())


def moving_seconds(wafer: str) -> float:
    """Tokens to their experts and results back, all MoE layers of a step."""
    rows, columns = WAFERS[wafer]
    rate = min(float(d["bandwidth"]) for *_, d in topology.load(wafer).networks["d2d"].graph.edges(data=True))
    model = models.load(MODEL)
    sent = BATCH / (rows * columns) * model.top_k * TOKEN
    return len(model.moe_layers) * sent * busiest_link(rows, columns) / rate


def rest_seconds(wafer: str, context: int) -> dict[str, float]:
    """kind -> seconds of what every die does for its own sequences: attention, dense GEMMs and shared expert, small
    kernels, host."""
    rows, columns = WAFERS[wafer]
    dies, node = rows * columns, system.load("dgx_h100")
    chip = replace(node.chip, name=wafer, dram_bytes_per_s=float(topology.load(wafer).parts["die[0][0].hbm"].bandwidth))
    server = replace(node, chip=chip, nodes=-(-dies // 8))
    made = Setup(
        models.load(MODEL),
        Kernels(server, "deepseek"),
        setting.Parallel(1, 1, dies),
        setting.precision("fp8_block"),
        schedule.load("plain"),
    )
    critical = made.step(Batch(BATCH, context)).critical
    return {kind: ns * 1e-9 for kind, ns in critical.items() if kind not in SHARED}


def rack(context: int) -> tuple[float, int]:
    """(seconds, GPUs) of the same step on four nodes of eight H100, all in FP8, two micro-batches."""
    made = setup(
        "dgx_h100_x4",
        MODEL,
        "dp=32,ep=32",
        "fp8_block",
        "deepseek",
        "two_batches",
        "replicated",
        BATCH,
        context,
    )
    return made.step(Batch(BATCH, context)).ns * 1e-9, made.layout.gpus


def tables() -> tuple[list[str], list[tuple]]:
    """(lines of Markdown, [(wafer, strategy, parts of a step)] for the picture)."""
    lines, bars = [], []
    moe = {wafer: moe_seconds(wafer) for wafer in WAFERS}
    for context in CONTEXTS:
        lines += [
            "",
            f"Context {context:,}:",
            "",
            (
                "| system | links | strategy | MoE, ms | rest, ms | tokens moving, "
                "ms | step, ms | MoE speed-up | of a token | tokens/s a die |"
            ),
        ]
        lines.append("|---|---|---|---|---|---|---|---|---|---|")
        for wafer, (rows, columns) in WAFERS.items():
            rest, moving = rest_seconds(wafer, context), moving_seconds(wafer)
            for links in dict.fromkeys(k for k, _ in moe[wafer]):
                base = moe[wafer][links, "base"]
                for strategy in STRATEGIES:
                    time = moe[wafer][links, strategy]
                    step, whole = time + sum(rest.values()) + moving, base + sum(rest.values()) + moving
                    rate = BATCH / step / (rows * columns)
                    lines.append(
                        f"| {wafer} | {links} | {strategy} | {time * 1e3:.1f} | "
                        f"{sum(rest.values()) * 1e3:.1f} | {moving * 1e3:.2f} | {step * 1e3:.1f}"
                        f" | {base / time:.2f} x | {whole / step:.2f} x | {rate:,.0f} |"
                    )
                    if links.startswith("fair") and context == CONTEXTS[-1]:
                        bars.append((wafer, strategy, {"experts": time, "tokens moving": moving, **rest}))
        seconds, gpus = rack(context)
        lines.append(
            "| dgx_h100_x4 | NVLink, InfiniBand | expert parallel | - | - | "
            f"- | {seconds * 1e3:.1f} | - | - | {BATCH / seconds / gpus:,.0f} |"
        )
    return lines, bars


def draw(bars: list[tuple]) -> None:
    """Stacked bars: what a step spends its time on, by wafer and strategy."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4))
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    at, base = range(len(bars)), [0.0] * len(bars)
    for kind in dict.fromkeys(k for _, _, parts in bars for k in parts):
        heights = [parts.get(kind, 0.0) * 1e3 for _, _, parts in bars]
        axes.bar(at, heights, bottom=base, label=kind, width=0.8)
        base = [b + h for b, h in zip(base, heights, strict=True)]
    axes.set_xticks(list(at), [f"{w.removeprefix('wafer_')}\n{s}" for w, s, _ in bars], fontsize=7)
    axes.set_ylabel("ms of a decode step, links shared fairly")
    axes.legend(fontsize=8, frameon=False)
    figure.tight_layout()
    figure.savefig(PICTURE)


def main() -> None:
    lines, bars = tables()
    print("\n".join(lines))
    try:
        setup("dgx_h100", MODEL, "tp=8,ep=8", "fp8_block", batch=1, context=1)
    except BadInput as error:
        print(f"\none dgx_h100: {error}")
    draw(bars)
