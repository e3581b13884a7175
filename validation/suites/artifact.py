"""Suite artifact: the published simulator's engine, row by row, to the nanosecond.

A reference folder holds oracle.csv, optionally oracle_steps.csv.zst, and for a trace set that chipweave cannot make
itself a file SET.jsonl, .jsonl.gz or .jsonl.zst. Rows of variant `native` depend on the platform's own tie order
(SEMANTICS.md 3.7): they are shown and not judged, but for the micro-cases, which have no ties.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from chipweave import topology
from chipweave.declare.user_code import Gate
from chipweave.errors import BadInput
from chipweave.ledger import Result, number, relative_error
from chipweave.policy.strategy import build
from chipweave.run import simulate as serving
from chipweave.run.record import COLUMNS
from chipweave.run.spec import RunSpec
from chipweave.topology import preset as topology_preset
from chipweave.trace import models
from chipweave.trace.library import batch_of
from chipweave.trace.store import open_store

from ..artifact import micro as artifact_micro
from ..artifact.rows import QUANTITIES, SETTING, folder_of, read
from ..artifact.sets import MODELS, open_sets, reason

FOLDER = files("chipweave.validation") / "references" / "artifact"
STRATEGIES = {"base": "base", "norm_ep": "ep", "allo_only": "allo", "pred_only": "pred", "allo_and_pred": "allo+pred"}

Found = tuple[Any, int] | str
"""(layer table, prefill steps), or why there is none."""


def results(
    reference: Path | None = None, groups: tuple[Any, ...] = (), device: Any = None, jobs: int = 1
) -> list[Result]:
    """One Result per (row, quantity) of the tables; a group is a strategy, a device a model and mesh.

    Rows of one setting share one run. jobs: processes; reference: the folder with oracle.csv, else
    the one that is shipped.
    """
    reference = Path(str(reference or FOLDER))
    rows = [
        r for r in read(reference) if (not groups or group_of(r) in groups) and (not device or device in device_of(r))
    ]
    settings = list(dict.fromkeys(tuple(r[k] for k in SETTING) for r in rows))
    tables = dict(zip(settings, run_all(settings, open_sets(folder_of(reference), settings), jobs), strict=False))
    return [result for row in rows for result in compare(row, tables[tuple(row[k] for k in SETTING)])]


def groups(reference: Path | None = None) -> set[str]:
    """The groups that the tables have rows of."""
    return {group_of(row) for row in read(Path(str(reference or FOLDER)))}


def group_of(row: dict[str, str]) -> str:
    """The strategy of a row, or "micro" for plans given by hand."""
    return "micro" if row["trace_set"].startswith("micro:") else row["strategy"]


def device_of(row: dict[str, str]) -> str:
    """Model and mesh of a row."""
    return f"{row['model']} {row['mesh']}"


def run_all(settings: list[tuple[str, ...]], stores: dict[tuple[str, str], Path | str], jobs: int) -> list[Found]:
    """The layer table of each setting, or the reason why there is none.

    Processes are spawned, not forked: a fork would copy whatever the parent's C engines hold.
    """
    work = [(setting, stores.get((setting[0], setting[2]))) for setting in settings]
    if jobs == 1 or len(work) == 1:
        return [run_one(item) for item in work]
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(run_one, work))


def run_one(item: tuple[tuple[str, ...], Any]) -> Found:
    """(layer table, prefill steps) of one setting, or a text that says why it cannot be run: the others are run all the
    same."""
    (model, mesh, trace_set, batch, steps, strategy), store = item
    try:
        if model not in MODELS:
            return f"unknown model {model}"
        if trace_set.startswith("micro:"):
            return run_micro(MODELS[model], mesh, trace_set[len("micro:") :])
        if isinstance(store, str):
            return store
        return run_trace(MODELS[model], mesh, store, int(batch), int(steps), strategy)
    except BadInput as error:
        return reason(error)


def run_trace(model_name: str, mesh: str, store: Path, batch: int, steps: int, strategy: str) -> Found:
    """As `run_one`, of a trace in a store.

    strategy may carry a bound on copies, "allo@2GiB": least recently used ones are replaced beyond
    it.
    """
    name, _, limit = strategy.partition("@")
    if name not in STRATEGIES:
        return f"unknown strategy {strategy}"
    spec = RunSpec(
        preset="artifact", model=model_name, trace=str(store), batch=batch, steps=steps, strategy=STRATEGIES[name]
    )
    preset = topology_preset.load(spec.preset)
    policies = serving.open_strategy(spec, preset, Gate(False))
    if limit:
        policies = replace(
            policies, replacement=build("replacement", {"kind": "lru", "capacity": limit.replace("GiB", " GiB")})
        )
    habits = {habit: serving.preset_says(preset, habit) for habit in topology_preset.HABITS}
    loaded = serving.Loaded(models.load(model_name), batch_of(open_store(store), batch), wafer(mesh), policies, habits)
    outcome = serving.simulate(spec, keep_plans=True, loaded=loaded, account=False)
    return outcome.table, outcome.prefill_steps


def run_micro(
    model_name: str, mesh: str, name: str, sets: tuple[Any, ...] = (), engine: str = "kernel", allow_code: bool = False
) -> Found:
    """(layer table, 0) of a micro-case: its plan on a line or square of dies, with `sets` laid over the topology."""
    case = artifact_micro.find(name)
    if case is None:
        return f"unknown micro-case {name}"
    rows, columns = grid(mesh)
    if rows * columns < case.dies:
        return f"micro-case {name} needs {case.dies} dies, {mesh} has {rows * columns}"
    return run_plan(model_name, mesh, case, sets, engine, allow_code), 0


def run_plan(
    model_name: str,
    mesh: str,
    case: artifact_micro.MicroCase,
    sets: tuple[Any, ...] = (),
    engine: str = "kernel",
    allow_code: bool = False,
) -> Any:
    """The layer table of a plan given by hand, without prefill: one layer, slices as the case has them."""
    model = replace(models.load(model_name), slices=case.slices)
    system = wafer(mesh, sets, allow_code)
    given = artifact_micro.policies(case, build("replacement", "unbounded"))
    run = serving.drive(
        RunSpec(preset="artifact", engine=engine),
        model,
        system,
        given,
        (0,),
        lambda costs, distance: artifact_micro.Steps(case, model, costs, distance),
    )
    return run.records.table()


def wafer(mesh: str, sets: tuple[Any, ...] = (), allow_code: bool = False) -> Any:
    """The wafer of the case study with another grid: "8x3" is 8 rows by 3 columns."""
    return topology.load(
        "wafer", sets=[f"parts.die.grid={grid(mesh)}", *sets], preset="artifact", allow_code=allow_code
    )


def grid(mesh: str) -> list[int]:
    """[rows, columns]."""
    return [int(n) for n in mesh.split("x")]


def compare(row: dict[str, str], found: Found) -> list[Result]:
    """The Results of one reference row: sums over the rows of the layer table that it stands for.

    Times are compared in ns, and the model's are ps: a sum that is no whole ns is a gap.
    """
    if isinstance(found, str):
        return [result(row, q, None, found) for q in quantities(row)]
    table, prefill_steps = found
    chosen = select(table, row, prefill_steps)
    out = []
    for quantity in quantities(row):
        name = "time_ps" if quantity == "time_ns" else quantity
        total = int(chosen[:, COLUMNS.index(name)].sum())
        out.append(result(row, quantity, total / 1000 if quantity == "time_ns" else total))
    return out


def quantities(row: dict[str, str]) -> list[str]:
    """What a row states: the columns that are not empty."""
    return [q for q in QUANTITIES if row.get(q) not in (None, "")]


def select(table: Any, row: dict[str, str], prefill_steps: int) -> Any:
    """The rows of the layer table that a reference row sums up."""
    step, layer = table[:, 0], table[:, 1]
    keep = step < prefill_steps if row["stage"] == "prefill" else step >= prefill_steps
    if row["step"] not in ("all", ""):
        keep = keep & (step == int(row["step"]))
    if row["layer"] not in ("all", ""):
        keep = keep & (layer == int(row["layer"]))
    return table[keep]


def result(row: dict[str, str], quantity: str, simulated: float | None, why: str = "") -> Result:
    """One Result; tolerance 0.

    A row of variant `native` is context, not judged (see the head), unless it is a micro-case.
    """
    reference = number(row[quantity])
    micro = row["trace_set"].startswith("micro:")
    judged = row["variant"] != "native" or micro
    key = "/".join(row[k] for k in (*SETTING, "variant", "stage", "step", "layer"))
    error = None if simulated is None or reference is None else relative_error(simulated, reference)
    status = "not modelled" if error is None else "gap" if judged and error else "holds"
    return Result(
        f"{key}:{quantity}",
        group_of(row),
        "predicted" if judged else "context",
        device_of(row),
        quantity,
        "step/layer",
        f"{row['step']}/{row['layer']}",
        reference,
        simulated,
        error,
        0.0 if judged else None,
        status,
        why or ("" if judged else "order of ties is the platform's own"),
    )
