"""`cw.simulate` and `cw.compare`: what the commands `run` and `compare` do, called from Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from chipweave.errors import BadInput, Fault, nearest
from chipweave.io.console import note
from chipweave.run import beside
from chipweave.run import check as before
from chipweave.run import compare as rows
from chipweave.run import simulate as engine
from chipweave.run.job import job_of
from chipweave.run.spec import RunSpec
from chipweave.views.notebook.result import Comparison, Result

OPTIONS = tuple(field.name for field in fields(RunSpec))
Sets = Mapping[str, object] | Sequence[str]


def simulate(
    topology: RunSpec | str | Path = "wafer_5x5",
    *,
    on_layer: Callable[[Any], None] | None = None,
    keep_plans: bool = False,
    **options: Any,
) -> Result:
    """Run one simulation and return its Result.

        run = cw.simulate("wafer_5x5", model="deepseek-v3", strategy="allo", sets={"die.hbm.bandwidth": "8 TB/s"})

    Args:
        topology: a shipped name, a YAML file, or a RunSpec that says all.
        on_layer: called with each layer-step that ends, and with None when all have.
        keep_plans: record the CRC-32 of each plan, without the sample under flit beside it.
        options: fields of RunSpec: model, strategy, trace, batch, steps, preset, link_model, seed, ... `sets` may be
            a mapping {"die.hbm.bandwidth": "8 TB/s"}.

    Raises:
        BadInput: every fault of what was named, at once, before anything is run.
    """
    spec = spec_of(topology, options)
    if keep_plans:
        return Result(spec, engine.simulate(spec, on_layer, keep_plans))
    try:
        return Result(spec, beside.simulate(spec, on_layer))
    except BadInput:
        engine.load(spec)  # all faults of all that is named, where the first is one of these
        raise


def spec_of(topology: RunSpec | str | Path, options: dict[str, Any]) -> RunSpec:
    """The RunSpec of a call; BadInput for options that there are not."""
    unknown = [name for name in options if name not in OPTIONS]
    if unknown:
        raise BadInput(
            [
                Fault(f"unknown option {name!r}", allowed=", ".join(OPTIONS), nearest=nearest(name, OPTIONS))
                for name in unknown
            ]
        )
    given = {**options, "sets": sets_of(options.get("sets", ()))} if "sets" in options else options
    given = {name: str(value) if isinstance(value, Path) else value for name, value in given.items()}
    if isinstance(topology, RunSpec):
        return topology.with_options(**given)
    return RunSpec(topology=str(topology)).with_options(**given)


def sets_of(sets: Sets) -> tuple[str, ...]:
    """Overrides as RunSpec has them: ("die.hbm.bandwidth=8 TB/s", ...)."""
    if isinstance(sets, str):
        return (sets,)
    return tuple(f"{name}={value}" for name, value in sets.items()) if isinstance(sets, Mapping) else tuple(sets)


def compare(
    topology: RunSpec | str | Path | None = None,
    *,
    strategies: Sequence[str] | str | None = None,
    link_models: Sequence[str] | str | None = None,
    run_file: str | Path | None = None,
    sample: int | None = None,
    jobs: int = 1,
    **options: Any,
) -> Comparison:
    """Run the same work under several strategies or link models; returns a Comparison.

        found = cw.compare("wafer_5x5", strategies=["base", "allo"], model="qwen3-30b-a3b", batch=256, steps=8)
        found["allo"].row["speedup"]

    Args:
        topology: a shipped name or a YAML file, or a RunSpec; None: that of the run file, else wafer_5x5.
        strategies: names, as a list or with commas; None: those of the run file, else all five.
        link_models: names, as a list or with commas.
        run_file: a run file, whose settings the other arguments replace.
        sample: about how many layer-steps under flit, beside circuit.
        jobs: processes.
        options: fields of RunSpec, as in `simulate`.

    Raises:
        BadInput: every fault of what was named, at once, before anything is run.
    """
    if isinstance(topology, RunSpec):
        options = {**{f.name: getattr(topology, f.name) for f in fields(RunSpec) if f.name != "folder"}, **options}
        strategies = strategies or (None if topology.strategy == RunSpec.strategy else [topology.strategy_name])
        topology = topology.topology
        options.pop("topology")
    spec_of(RunSpec(), options)  # refuses names that there are not
    given: dict[str, Any] = {**options, "sets": sets_of(options.get("sets", ()))}
    given |= {"topology": None if topology is None else str(topology)}
    given |= {"strategies": _listed(strategies), "link_models": _listed(link_models)}
    job = job_of(None if run_file is None else str(run_file), given)
    rows.check_sample(sample, job.link_models)
    system, found = before.check(job.spec, job.strategies, job.link_models, system=job.system)
    found.raise_if_any()
    for warning in found.warnings:
        note(f"warning: {warning}")
    work = rows.Rows(job, system, sample, None, False)
    rows.prepare(job.spec)
    work.execute(jobs)
    results = [Result(run, outcome) for run, outcome in zip(work.runs, work.outcomes, strict=True) if outcome]
    return Comparison.of(results, work.gaps)


def _listed(names: Sequence[str] | str | None) -> list[str] | str | None:
    return names if names is None or isinstance(names, str) else list(names)
