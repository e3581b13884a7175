"""What a step is shown as: JSON `chipweave.step/1`, a table on the terminal, a picture."""

from typing import Any

from chipweave.io.atomic import write_json
from chipweave.io.outputs import save_picture
from chipweave.serving.step import Batch, Setup, Step
from chipweave.topology.inherited import in_words

KINDS = ("attention", "gemm", "moe", "dispatch", "combine", "collective", "framework", "other")
COLOURS = dict(
    zip(KINDS, ("#3b6ea8", "#7fa7d1", "#c2683c", "#6b9e5b", "#a5c895", "#8a6bb1", "#b0b0b0", "#d9c27a"), strict=True)
)


def as_json(step: Step, setup: Setup, batch: Batch, run: dict[str, Any]) -> dict:
    """The document: `critical` sums to `time_ns`.

    parts: every work with its start and end, ns since the start of the step; layer is null before
    and after the layers. run: the settings that `setup` was made of, for who makes it again.
    """
    parts = [
        {
            "kind": p.work.kind,
            "layer": p.work.layer,
            "name": p.work.name,
            "start_ns": p.start,
            "end_ns": p.end,
            "micro_batch": p.work.batch,
            "critical": p.critical,
        }
        for p in step.parts
    ]
    composed = setup.kernels.composed
    return {
        "schema": "chipweave.step/1",
        "time_ns": step.ns,
        "parts": parts,
        "critical": dict(sorted(step.critical.items())),
        "model": setup.model.name,
        "system": setup.kernels.server.name,
        "gpus": setup.layout.gpus,
        "inherited": dict(setup.kernels.server.inherited),
        "tokens": batch.decode + batch.prompts * batch.new,
        "run": run,
        "decoded_tokens": batch.decode,
        "composed": composed.document() if composed else None,
    }


def write(
    step: Step,
    setup: Setup,
    batch: Batch,
    run: dict[str, Any],
    json_path: str | None,
    picture: str | None,
    energy: dict | None = None,
) -> None:
    """Write what was wanted; the table goes to the terminal unless the JSON does (json_path "-").

    energy: the document of chipweave.serving.energy, where it was wanted.
    """
    document = as_json(step, setup, batch, run)
    if energy:
        document["energy"] = energy
    if picture:
        draw(document, picture)
    if json_path:
        write_json(json_path, document)
    if json_path != "-":
        show(document)


def show(document: dict) -> None:
    """The table: time of the step, tokens/s of all its GPUs, and each kind's share of the critical path."""
    from chipweave.io.console import say

    total = document["time_ns"]
    decoded, rate = document["decoded_tokens"], document["tokens"] / total * 1e9
    counted = "decoded tokens/s" if decoded == document["tokens"] else "prompt tokens/s, none decoded"
    lines = [
        (
            f"{document['model']} on {document['gpus']} GPUs of "
            f"{document['system']}: {total / 1e6:.2f} ms a step, {rate:,.0f} {counted}"
        )
    ]
    if document["composed"]:
        c = document["composed"]
        lines.append(
            f"  experts and moving tokens simulated on {c['topology']}: {c['strategy']}, links {c['link_model']}, "
            f"{c['admission']} (preset {c['preset']}), trace {c['trace']['name']}"
        )
    for kind, ns in sorted(document["critical"].items(), key=lambda t: -t[1]):
        lines.append(f"  {kind:<11} {ns / 1e6:8.2f} ms {ns / total:6.1%}")
    beside = sum(p["end_ns"] - p["start_ns"] for p in document["parts"]) - total
    if beside > 0:
        lines.append(f"  {beside / 1e6:.2f} ms more run beside these")
    if document["inherited"]:
        lines.append(f"  It rests on figures of another device: {in_words(document['inherited'])}.")
    say("\n".join([*lines, *_joules(document.get("energy"), total)]))


def _joules(energy: dict | None, total_ns: int) -> list[str]:
    """Lines of the energy, and whose figures it rests on."""
    if not energy:
        return []
    whose = f"{energy['figures']}'s figures" + (", another device's" if energy["inherited"] else "")
    each = energy["joules_per_token"]
    lines = [f"{energy['joules']:.2f} J, {each:.3g} J a token, {energy['watts_per_gpu']:.0f} W a GPU ({whose})"]
    lines += [
        f"  {part:<11} {joules:8.2f} J  {joules / energy['joules']:6.1%}" for part, joules in energy["by_part"].items()
    ]
    if energy["time_under_limit_ns"] > total_ns:
        under, limit = energy["time_under_limit_ns"] / 1e6, energy["limit_watts"]
        lines.append(f"  under its limit of {limit:.0f} W a GPU the clock goes down: {under:.2f} ms")
    return lines


def draw(document: dict, path: str) -> None:
    """A bar for each layer, coloured by kind of work: what the step spends on its critical path and beside it.

    Work that overlaps is drawn too, so a bar may be longer than the layer takes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4))
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    layers = sorted({p["layer"] for p in document["parts"] if p["layer"] is not None})
    base = dict.fromkeys(layers, 0.0)
    for kind in KINDS:
        sums = dict.fromkeys(layers, 0.0)
        for p in document["parts"]:
            if p["kind"] == kind and p["layer"] is not None:
                sums[p["layer"]] += (p["end_ns"] - p["start_ns"]) / 1e3
        if any(sums.values()):
            axes.bar(
                layers,
                [sums[i] for i in layers],
                bottom=[base[i] for i in layers],
                color=COLOURS[kind],
                label=kind,
                width=0.9,
            )
            base = {i: base[i] + sums[i] for i in layers}
    axes.set_xlabel("layer")
    axes.set_ylabel("us of kernels and messages")
    axes.set_title(
        f"{document['model']}, {document['gpus']} GPUs of "
        f"{document['system']}: {document['time_ns'] / 1e6:.2f} ms a step"
    )
    axes.margins(y=0.15)
    axes.legend(ncols=len(KINDS), loc="upper center", fontsize=8, frameon=False, columnspacing=1.2)
    figure.tight_layout()
    save_picture(figure, path)
