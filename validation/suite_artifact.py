"""Suite artifact: the published simulator's engine, row by row, to the nanosecond.

A reference folder holds oracle.csv, optionally oracle_steps.csv.zst, and for a trace set that chipweave cannot make
itself a file SET.jsonl, .jsonl.gz or .jsonl.zst. Rows of variant `native` depend on the platform's own tie order
(SEMANTICS.md 3.7): they are shown and not judged, but for the micro-cases, which have no ties.
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from chipweave import models, serving, topology
from chipweave.ledger import Result, number, relative_error
from chipweave.record import COLUMNS
from chipweave.runspec import RunSpec
from chipweave.strategy import build
from chipweave.trace.syn import SETS
from chipweave.validation import artifact_micro
from chipweave.validation.artifact_rows import QUANTITIES, SETTING, read

FOLDER = files("chipweave.validation") / "references" / "artifact"
MODELS = {"deepseek": "deepseek-v3", "qwen": "qwen3-235b", "kimi": "kimi-k2", "llama4": "llama4-maverick"}
STRATEGIES = {"base": "base", "norm_ep": "ep", "allo_only": "allo", "pred_only": "pred", "allo_and_pred": "allo+pred"}


def results(reference=None, groups=(), device=None, jobs=1):
    """One Result per (row, quantity) of the folder's tables; a group is a strategy, a device a model and mesh."""
    folder = Path(str(reference or FOLDER))
    rows = [r for r in read(folder) if (not groups or group_of(r) in groups) and (not device or device in device_of(r))]
    settings = list(dict.fromkeys(tuple(r[k] for k in SETTING) for r in rows))
    tables = dict(zip(settings, run_all(settings, sources(folder, settings), jobs)))
    return [result for row in rows for result in compare(row, tables[tuple(row[k] for k in SETTING)])]


def group_of(row):
    return "micro" if row["trace_set"].startswith("micro:") else row["strategy"]


def device_of(row):
    return f"{row['model']} {row['mesh']}"


def sources(folder, settings):
    """trace set -> a file of the folder, or the name of a set that chipweave makes, or None where it cannot be had."""
    found = {}
    for name in dict.fromkeys(s[2] for s in settings if not s[2].startswith("micro:")):
        files = [folder / f"{name}{end}" for end in (".jsonl", ".jsonl.gz", ".jsonl.zst")]
        file = next((f for f in files if f.is_file()), None)
        found[name] = str(file) if file else name if name in SETS else None
    return found


def run_all(settings, traces, jobs):
    """The layer table of each setting, or the reason why there is none."""
    work = [(setting, traces.get(setting[2])) for setting in settings]
    if jobs == 1 or len(work) == 1:
        return [run_one(item) for item in work]
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(run_one, work))


def run_one(item):
    """(layer table, prefill steps) of one setting, or a text that says why it cannot be run."""
    (model, mesh, trace_set, batch, steps, strategy), source = item
    if model not in MODELS:
        return f"unknown model {model}"
    if trace_set.startswith("micro:"):
        return run_micro(MODELS[model], mesh, trace_set[len("micro:"):])
    if source is None:
        return f"trace set {trace_set} has no file in the folder and is none that chipweave makes"
    name, _, limit = strategy.partition("@")
    if name not in STRATEGIES:
        return f"unknown strategy {strategy}"
    spec = RunSpec(model=MODELS[model], trace=source, batch=int(batch), steps=int(steps), strategy=STRATEGIES[name])
    loaded = replace(serving.load(spec), system=wafer(mesh))
    if limit:
        bounded = build("replacement", {"kind": "lru", "capacity": limit.replace("GiB", " GiB")})
        loaded = replace(loaded, policies=replace(loaded.policies, replacement=bounded))
    outcome = serving.simulate(spec, keep_plans=True, loaded=loaded)
    return outcome.table, outcome.prefill_steps


def run_micro(model_name, mesh, name, sets=(), engine="kernel", allow_code=False):
    """(layer table, 0) of a micro-case: its plan on a line or square of dies, with `sets` laid over the topology."""
    case = artifact_micro.find(name)
    if case is None:
        return f"unknown micro-case {name}"
    return run_plan(model_name, mesh, case, sets, engine, allow_code), 0


def run_plan(model_name, mesh, case, sets=(), engine="kernel", allow_code=False):
    """The layer table of a plan given by hand, without prefill."""
    model = replace(models.load(model_name), slices=case.slices)
    system = wafer(mesh, sets, allow_code)
    given = artifact_micro.policies(case, build("replacement", "unbounded"))
    run = serving.drive(RunSpec(engine=engine), model, system, given, (0,), lambda costs, distance: artifact_micro.Steps(case, model, costs, distance))
    return run.records.table()


def wafer(mesh, sets=(), allow_code=False):
    """The wafer of the case study with another grid: "8x3" is 8 rows by 3 columns."""
    rows, columns = (int(n) for n in mesh.split("x"))
    return topology.load("wafer", sets=[f"parts.die.grid=[{rows}, {columns}]", *sets], preset="artifact", allow_code=allow_code)


def compare(row, found):
    """The Results of one reference row."""
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


def quantities(row):
    """What a row states."""
    return [q for q in QUANTITIES if row.get(q) not in (None, "")]


def select(table, row, prefill_steps):
    """The rows of the layer table that a reference row sums up."""
    step, layer = table[:, 0], table[:, 1]
    keep = step < prefill_steps if row["stage"] == "prefill" else step >= prefill_steps
    if row["step"] not in ("all", ""):
        keep = keep & (step == int(row["step"]))
    if row["layer"] not in ("all", ""):
        keep = keep & (layer == int(row["layer"]))
    return table[keep]


def result(row, quantity, simulated, why=""):
    """One Result; tolerance 0."""
    reference = number(row[quantity])
    micro = row["trace_set"].startswith("micro:")
    judged = row["variant"] != "native" or micro
    key = "/".join(row[k] for k in (*SETTING, "variant", "stage", "step", "layer"))
    error = None if simulated is None or reference is None else relative_error(simulated, reference)
    status = "not modelled" if error is None else "gap" if judged and error else "holds"
    return Result(f"{key}:{quantity}", group_of(row), "predicted" if judged else "context", device_of(row), quantity, "step/layer",
                  f"{row['step']}/{row['layer']}", reference, simulated, error, 0.0 if judged else None, status,
                  why or ("" if judged else "order of ties is the platform's own"))
