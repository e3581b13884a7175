"""The wafer study of arXiv 2510.05497: what it prints beside what comes out here.

hop_reduction          hops of Base over those of a strategy, prompts included: what the published artifact counts
hop_reduction_decode   the same of the answers alone. Prompts are read before any copy is there and are dealt to
                       home dies, so they cost every strategy some hops; without them Allo has hardly any left, and
                       the ratio is ten times higher
over_ep                decode time of EP over that of a strategy

Every strategy with a predictor has `keep` beside it (a copy of all that is read from afar) and both with a die's
memory enforced.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chipweave.run import error_bars
from chipweave.run.spec import STRATEGIES, RunSpec
from chipweave.study import traces
from chipweave.study.point import build
from chipweave.study.printed import Printed
from chipweave.study.sweep_file import Sweep

BATCHES = (4096, 8192, 16384, 32768)
REQUESTS = 8192  # distinct ones of a made trace: twice as many change no speed-up by more than a percent
PREDICTORS = ("keep", "pred-hbm", "keep-hbm")
HOST_BATCHES = (256, 8192)
HOST = {"wafer_5x5": "wafer_5x5_host", "wafer_5x5_enhanced": "wafer_5x5_enhanced_host"}


def sweep_of(
    spec: RunSpec,
    models: Any,
    topologies: Any,
    batches: Any,
    strategies: Any,
    folder: Any = None,
    progress: Any = lambda *_: None,
    requests: int = REQUESTS,
    tasks: int = 1,
) -> Sweep:
    """All points of the study, each model's on one trace: as many made requests of `tasks` as its largest batch has, at
    most `requests`; a larger batch takes each several times."""
    points = []
    for model in models:
        trace = traces.of_model(model, min(max(batches), requests), spec.steps, spec.seed, folder, progress, tasks)
        of_model = replace(spec, model=model, trace=str(trace.path))
        for topology in topologies:
            for batch in batches:
                for strategy in strategies:
                    settings = {"model": model, "topology": topology, "batch": batch, "strategy": strategy}
                    points.append(build(settings, of_model))
    return Sweep("chaos", "arXiv 2510.05497", points, {"strategy": "base"}, [])


def host_sweep(spec: RunSpec, models: Any, folder: Any = None, progress: Any = lambda *_: None) -> Sweep:
    """Allo+Pred with the command processor on the wafer and on the host."""
    points = []
    for model in models:
        trace = traces.of_model(model, max(HOST_BATCHES), spec.steps, spec.seed, folder, progress)
        of_model = replace(spec, model=model, trace=str(trace.path), strategy="allo+pred")
        of_model = replace(of_model, sets=(*spec.sets, "cp.layer_time=control"))
        for wafer, host in HOST.items():
            for topology in (wafer, host):
                for batch in HOST_BATCHES:
                    points.append(build({"model": model, "topology": topology, "batch": batch}, of_model))
    return Sweep("host", "allocation on the host's CPU", points)


def quantities(rows: list[dict]) -> list[dict]:
    """[{model, topology, batch, strategy, quantity, simulated}] of a table of points."""
    found, by = [], {(r["model"], r["topology"], r["batch"], r["strategy"]): r for r in rows}
    for (*where, strategy), row in by.items():
        base, ep = by.get((*where, "base")), by.get((*where, "ep"))
        figures = {}
        if base and strategy != "base":
            figures["speedup"] = _ratio(base["decode_time_ns"], row["decode_time_ns"])
            whole = [r["hops"] + r["hops_prefill"] for r in (base, row)]
            figures["hop_reduction"] = _ratio(*whole) if strategy != "ep" else None
            figures["hop_reduction_decode"] = _ratio(base["hops"], row["hops"])
        if ep and strategy not in ("base", "ep"):
            figures["over_ep"] = _ratio(ep["decode_time_ns"], row["decode_time_ns"])
        keys = dict(zip(("model", "topology", "batch"), where, strict=True))
        for quantity, value in figures.items():
            if value is not None:
                found.append({**keys, "strategy": strategy, "quantity": quantity, "simulated": value})
    return found


def undecided(rows: list[dict], bar: float) -> list[dict]:
    """Neighbouring strategies of each configuration that lie within the error bar of a ratio."""
    times: dict[tuple, dict[str, float]] = {}
    for row in rows:
        where = row["model"], row["topology"], row["batch"]
        times.setdefault(where, {})[row["strategy"]] = row["decode_time_ns"]
    return [
        {**dict(zip(("model", "topology", "batch"), where, strict=True)), "strategies": list(pair)}
        for where, of in times.items()
        for pair in error_bars.undecided(of, bar)
    ]


def _ratio(over: Any, under: Any) -> Any:
    return over / under if under else None


def against(found: list[dict], printed: Printed) -> tuple[list[dict], list[dict]]:
    """(one row per printed bar that was simulated, all other quantities)."""
    rows, others = [], []
    for each in found:
        key = tuple(each[name] for name in ("model", "topology", "batch", "strategy", "quantity"))
        if key in printed.bars:
            value, evidence = printed.bars[key]
            rows.append({**each, "printed": value, "evidence": evidence})
        else:
            others.append(each)
    return rows, others


def averages(found: list[dict], printed: Printed) -> list[dict]:
    """The printed averages beside ours.

    Over those of their configurations that were simulated (batch 32,768 is in none).
    """
    rows = []
    for where, strategy, quantity, value, evidence in printed.averages:
        mine = [
            each["simulated"]
            for each in found
            if (each["strategy"], each["quantity"]) == (strategy, quantity)
            and each["batch"] <= 16384
            and all(each[name] == wanted for name, wanted in where.items())
        ]
        if mine:
            rows.append(
                {
                    **{"model": None, "topology": None, "batch": None, **where},
                    "strategy": strategy,
                    "quantity": quantity,
                    "simulated": sum(mine) / len(mine),
                    "configurations": len(mine),
                    "printed": value,
                    "evidence": evidence,
                }
            )
    return rows


def host_overhead(rows: list[dict], printed: Printed) -> list[dict]:
    """What the host costs as a share of decode time without it: printed range and ours by batch."""
    by = {(r["model"], r["topology"], r["batch"]): r["decode_time_ns"] for r in rows}
    found = []
    for each in printed.host_overhead:
        for batch in HOST_BATCHES:
            wafer = by.get((each["model"], each["topology"], batch))
            host = by.get((each["model"], HOST[each["topology"]], batch))
            if wafer and host:
                found.append({**each, "batch": batch, "simulated": host / wafer - 1})
    return found


DEFAULT_STRATEGIES = (*STRATEGIES, *PREDICTORS)
