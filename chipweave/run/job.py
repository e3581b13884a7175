"""What one call of `run` or `compare` is to run: its options and its run file as a specification under each strategy
and link model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from chipweave import topology
from chipweave.declare import registry
from chipweave.errors import BadInput, Fault, nearest
from chipweave.run import file as runfile
from chipweave.run import simulate as serving
from chipweave.run.spec import STRATEGIES, RunSpec
from chipweave.topology.system import System


@dataclass(frozen=True)
class Job:
    """What one call of `run` or `compare` is to run: a specification, under each strategy and link model.

    The rows are the product of the two lists, strategies outermost.
    """

    spec: RunSpec
    strategies: list
    link_models: list
    system: System | None = None  # where it has been loaded: fresh, of the specification

    def runs(self) -> Any:
        """One RunSpec for each row."""
        return points(self.spec, self.strategies, self.link_models)


def job_of(run_file: Any, options: Any, single: bool = False, system: System | None = None) -> Any:
    """The Job of a run file (or None) with options over it; options that are None leave what the file or the default
    says.

    options: fields of RunSpec, `sets`, and for a comparison `strategies` and `link_models`, lists or texts with commas.
    system: the one that the options name, where it has been loaded and not started.
    """
    options = dict(options)
    strategies, link_models = (_names(options.pop(key, None)) for key in ("strategies", "link_models"))
    spec, of_file, models_of_file = (
        runfile.load(runfile.find(run_file), single, options) if run_file is not None else (RunSpec(), None, None)
    )
    options["sets"] = (*spec.sets, *(options.pop("sets", None) or ()))
    spec = spec.with_options(**options)
    if spec.link_model is None and (single or link_models is None and models_of_file is None):
        system, link_model = of_topology(spec, system)
        spec = replace(spec, link_model=link_model)
    if single:
        return Job(spec, [spec.strategy], [spec.link_model], system)
    if link_models is not None and options.get("link_model"):
        raise BadInput("--link-model and --link-models are both given; allowed: one of them")
    named = [spec.strategy] if not isinstance(spec.strategy, str) else list(STRATEGIES)
    models = None if options.get("link_model") else models_of_file
    link_models = first_given(link_models, models, [spec.link_model])
    job = Job(spec, first_given(strategies, of_file, named), link_models, system)
    refuse(job)
    return job


def of_topology(spec: RunSpec, system: System | None = None) -> tuple[System | None, str]:
    """(System, link model that it names for its network) of a specification; (None, circuit) where it cannot be loaded,
    which `check` then says in words. system: where it has been loaded."""
    try:
        system = system or topology.load(spec.topology, sets=spec.sets, allow_code=spec.allow_code, preset=spec.preset)
        return system, serving.mesh_of(system).link_model
    except BadInput:
        return system, "circuit"


def _names(text: Any) -> Any:
    """A list of names from text with commas, or what was given."""
    return [name.strip() for name in text.split(",") if name.strip()] if isinstance(text, str) else text


def first_given(*lists: Any) -> list[str]:
    """The first list that was given; an empty one is given too, and refused by `refuse`."""
    return next(each for each in lists if each is not None)


def refuse(job: Any) -> None:
    """Faults of a comparison that none of its rows has alone: nothing to compare, rows with equal names."""
    faults = []
    names = [replace(job.spec, strategy=s).strategy_name for s in job.strategies]
    for what, given, known in (
        ("strategy", names, STRATEGIES),
        ("link model", job.link_models, registry.link_models.kinds()),
    ):
        if not given:
            faults.append(Fault(f"no {what} is named", allowed=", ".join(known)))
        faults += [
            Fault(f"{what} {name!r} is named twice", allowed="each once; files under different names")
            for name in dict.fromkeys(given)
            if given.count(name) > 1
        ]
    known = registry.link_models.kinds()
    faults += [
        Fault(f"unknown link model '{m}'", allowed=", ".join(known), nearest=nearest(m, known))
        for m in job.link_models
        if m not in known
    ]
    if faults:
        raise BadInput(faults)


def points(spec: RunSpec, strategies: list[str], link_models: list[str]) -> list[RunSpec]:
    """The runs of a comparison in the order of its rows.

    `circuit` beside other link models runs twice, with the preset's admission and `work_conserving`: what the network
    is worth and what the booking is worth are then separate.
    """
    runs = []
    for model in link_models:
        admissions = [spec.admission]
        if model == "circuit" and len(link_models) > 1 and spec.admission is None:
            admissions = [None, "work_conserving"]
        for admission in admissions:
            runs += [replace(spec, strategy=s, link_model=model, admission=admission) for s in strategies]
    return runs
