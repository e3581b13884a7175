"""What the command `study remap` does: the gain of placing experts by the loads of a prompt, beside the printed one."""

from __future__ import annotations

from typing import Any

from chipweave.errors import BadInput, Fault
from chipweave.io.atomic import write_json
from chipweave.io.console import Sheet, show
from chipweave.io.outputs import check_document
from chipweave.io.progress import progress
from chipweave.study import remap
from chipweave.trace import library, models

SCHEMA = "chipweave.study.remap/1"


def command(
    model: Any, trace: Any, batches: Any, steps: Any, seed: Any, forecast: Any, cost: Any, json_path: Any
) -> None:
    """Time each batch, show ours beside the printed.

    batches: text with commas; trace: None makes one of the model's law; forecast: "prompts" or "answers"; cost: of
    remap.COSTS. BadInput for a model whose experts do not divide over the study's GPUs.
    """
    check_document(json_path)
    try:
        sizes = [int(each) for each in batches.split(",")]
    except ValueError:
        raise BadInput(Fault(f"--batches {batches!r}", allowed="whole numbers with commas between")) from None
    if forecast == "answers" and steps < 2:
        raise BadInput(Fault(f"--steps {steps} with --forecast answers", allowed="at least 2: half of them foretell"))
    found = models.load(model)
    if found.experts % remap.GPUS:
        raise BadInput(Fault(f"{found.experts} experts on {remap.GPUS} GPUs", allowed="a multiple"))
    rows: list[dict[str, Any]] = []
    with progress() as bar:
        if trace is None:
            made = library.generated(found, max(sizes), steps + 1, seed, bar)
        for batch in sizes:
            work = (
                library.batch_of(made, batch)
                if trace is None
                else library.for_run(trace, model, batch, steps + 1, seed, bar)
            )
            loads = remap.loads_of(work.trace, min(steps, work.trace.steps - 1))
            prompt, answers = (each * work.replication for each in loads)
            ours = remap.speedups(found, *remap.forecast_of(prompt, answers, forecast), cost)
            said = dict(zip(remap.KINDS, remap.PRINTED.get(batch, (None,) * 4), strict=True))
            rows += [
                {"batch": batch, "kind": kind, "simulated": ours[kind], "printed": said[kind]} for kind in remap.KINDS
            ]
    document = {"schema": SCHEMA, "model": model, "gpus": remap.GPUS, "steps": steps}
    document |= {"forecast": forecast, "cost": cost, "rows": rows}
    if json_path:
        write_json(json_path, document)
    if json_path != "-":
        sheet = Sheet(
            f"{model} on {remap.GPUS} H100: speed-up of MoE compute, forecast of {forecast}, cost by {cost}",
            ("batch", "", "ours", "printed"),
            caption=f"expert GEMMs of {steps} answer steps alone, over those of the default placement",
            right_from=2,
        )
        for row in rows:
            sheet.add(
                f"{row['batch']:,}",
                row["kind"],
                f"{row['simulated']:.2f}",
                "-" if row["printed"] is None else f"{row['printed']:.2f}",
            )
        show(sheet)
