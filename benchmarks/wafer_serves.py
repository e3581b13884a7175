"""A token on a wafer: what is left of the speed-up of the MoE part once the rest of the step is there, and what nodes
give beside it.

    python -m benchmarks wafer_serves          # prints the tables of docs/reference/wafer_serves.md and draws
                                               docs/pictures/wafer_serves.svg; ten CPU minutes, nine of them `flit`

Every row is a step as `chipweave step` times it (`chipweave.serving.setup`): experts and moving tokens are simulated on
the wafer under that strategy and link model, attention and dense layers are copied to every die."""

from pathlib import Path

from chipweave.errors import BadInput
from chipweave.serving import setting, system
from chipweave.serving.composed import Choice
from chipweave.serving.setup import setup
from chipweave.serving.step import Batch, Setup, Step

WAFERS = ("wafer_5x5", "wafer_8x3", "wafer_5x5_enhanced")
STRATEGIES = ("base", "ep", "allo", "allo+pred")
LINKS = {
    "circuit, early_booking": ("artifact", "circuit"),
    "circuit, work_conserving": ("physical", "circuit"),
    "fair": ("physical", "fair"),
    "flit": ("physical", "flit"),
}
"""Name -> (preset, link model)."""

BY_FLIT = ("base", "allo")
"""Strategies that are run under flit, which takes a minute a row."""

MODEL, BALANCE, BATCH, FORMATS, FRAMEWORK = "deepseek-v3", "trace:deepseek-syn", 4096, "fp8_block", "deepseek"
CONTEXTS = (512, 2048)
MOVES = ("dispatch", "combine")
PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "wafer_serves.svg"

NODES = {
    "dgx_h100_x4, experts in blocks": ("dgx_h100_x4", "dp=32,ep=32", FRAMEWORK, "plain", BALANCE),
    "dgx_h100_x4, copies, two micro-batches": ("dgx_h100_x4", "dp=32,ep=32", FRAMEWORK, "two_batches", "replicated"),
    "dgx_h200, experts in blocks": ("dgx_h200", "dp=8,ep=8", FRAMEWORK, "plain", BALANCE),
    "gb200_nvl72, experts in blocks": ("gb200_nvl72", "dp=64,ep=64", "trtllm", "plain", BALANCE),
}
"""Name -> (system, ranks, framework, schedule, balance) of what one can buy; a GPU of GB200 is two dies."""

A_DIE = (64, 128, 256, 512)
"""Sequences of a die or GPU, of the table that sets systems side by side."""


def on(wafer: str, strategy: str, links: str) -> Setup:
    """The model laid over a wafer, for the longest context: copies have the room that its cache leaves."""
    preset, link_model = LINKS[links]
    choice = Choice(strategy, link_model, preset)
    words = {"balance": BALANCE, "batch": BATCH, "context": max(CONTEXTS), "choice": choice}
    return setup(wafer, MODEL, "", FORMATS, FRAMEWORK, **words)


def rows_of(wafer: str) -> dict[tuple[str, str, int], Step]:
    """(links, strategy, context) -> the step."""
    found = {}
    for links in LINKS:
        for strategy in BY_FLIT if links == "flit" else STRATEGIES:
            made = on(wafer, strategy, links)
            for context in CONTEXTS:
                found[links, strategy, context] = made.step(Batch(BATCH, context))
    return found


def ms(step: Step, *kinds: str) -> float:
    """Milliseconds of these kinds of work on the critical path."""
    return sum(step.critical.get(kind, 0) for kind in kinds) * 1e-6


def wafer_lines(wafer: str, found: dict[tuple[str, str, int], Step], context: int) -> list[str]:
    """A line of the table for each strategy and link model of a wafer."""
    lines = []
    dies = on(wafer, "ep", "fair").layout.gpus
    for links, strategy, at in found:
        if at != context:
            continue
        step, base = found[links, strategy, at], found[links, "base", at]
        experts, moving, whole = ms(step, "moe"), ms(step, *MOVES), step.ns * 1e-6
        part = ms(base, "moe") / experts, ms(base, "moe", *MOVES) / (experts + moving), base.ns / step.ns
        lines.append(
            f"| {wafer} | {links} | {strategy} | {experts:.1f} | {moving:.2f} | {whole - experts - moving:.1f} | "
            f"{whole:.1f} | " + " | ".join(f"{x:.2f} x" for x in part) + f" | {BATCH / whole / dies * 1e3:,.0f} |"
        )
    return lines


def beside(context: int) -> list[str]:
    """Table of tokens/s a die or GPU by sequences of each, wafers with fair links and allo; "-" where they do not
    fit."""
    lines = ["| system | " + " | ".join(f"{n} a die" for n in A_DIE) + " |", "|---" * (len(A_DIE) + 1) + "|"]
    for name in (*WAFERS, *NODES):
        cells = []
        for each in A_DIE:
            try:
                made, batch = laid(name, each, context)
            except BadInput:
                cells.append("-")
                continue
            step = made.step(Batch(batch, context))
            cells.append(f"{each / step.ns * 1e9:,.0f} ({step.ns * 1e-6:.0f} ms)")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def laid(name: str, each: int, context: int) -> tuple[Setup, int]:
    """(the model on a wafer or on nodes with `each` sequences a die, the batch); BadInput where that does not fit."""
    if name in NODES:
        server, ways, framework, plan, balance = NODES[name]
        batch = each * setting.parallel(ways).gpus
        return setup(server, MODEL, ways, FORMATS, framework, plan, balance, batch, context), batch
    batch = each * system.load(name).gpus
    preset, link_model = LINKS["fair"]
    words = {"balance": BALANCE, "batch": batch, "context": context, "choice": Choice("allo", link_model, preset)}
    return setup(name, MODEL, "", FORMATS, FRAMEWORK, **words), batch


def tables(found: dict[str, dict[tuple[str, str, int], Step]]) -> list[str]:
    """Lines of Markdown."""
    lines = []
    columns = (
        "system | links | strategy | experts, ms | tokens moving, ms | rest, ms | step, ms | "
        "experts alone | MoE part | of a token | tokens/s a die"
    )
    for context in CONTEXTS:
        lines += ["", f"Context {context:,}:", "", f"| {columns} |", "|---" * len(columns.split("|")) + "|"]
        for wafer in WAFERS:
            lines += wafer_lines(wafer, found[wafer], context)
        lines += ["", f"Tokens/s a die by sequences of each, context {context:,}:", "", *beside(context)]
    return lines


def draw(found: dict[str, dict[tuple[str, str, int], Step]]) -> None:
    """Stacked bars: what a step spends its time on, by wafer, link model and strategy."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    from chipweave.serving.report import COLOURS, KINDS

    figure = Figure(figsize=(10, 4.5))
    FigureCanvasSVG(figure)
    context = max(CONTEXTS)
    panels = figure.subplots(1, len(WAFERS), sharey=True)
    for axes, wafer in zip(panels, WAFERS, strict=True):
        bars = [(links, s, found[wafer][links, s, context]) for links in LINKS for s in BY_FLIT]
        base = [0.0] * len(bars)
        for kind in KINDS:
            heights = [ms(step, kind) for *_, step in bars]
            axes.bar(range(len(bars)), heights, bottom=base, color=COLOURS[kind], label=kind, width=0.8)
            base = [b + h for b, h in zip(base, heights, strict=True)]
        names = [f"{links.split('_')[0].replace(', ', chr(10))}\n{s}" for links, s, _ in bars]
        axes.set_xticks(range(len(bars)), names, fontsize=6)
        axes.set_title(wafer, fontsize=9)
    panels[0].set_ylabel(f"ms of a decode step, batch {BATCH:,}, context {context:,}")
    panels[-1].legend(fontsize=7, frameon=False)
    figure.tight_layout()
    figure.savefig(PICTURE, metadata={"Date": None})


def main() -> None:
    """Print the tables and draw the picture."""
    found = {wafer: rows_of(wafer) for wafer in WAFERS}
    print("\n".join(tables(found)))
    for server, ways, formats in (("dgx_h100", "dp=8,ep=8", FORMATS), ("wafer_5x5", "", "fp8_block,experts=bf16")):
        try:
            setup(server, MODEL, ways, formats, batch=1, context=1)
        except BadInput as error:
            print(f"\n{server}, {formats}: {error}")
    draw(found)
