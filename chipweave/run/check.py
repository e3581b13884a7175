"""What a run would refuse, found without running: every part of a specification loaded, assembled and started on no
work.

`chipweave check` asks this for files, and `run` and `compare` ask it before a trace is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from chipweave import topology
from chipweave.component.controller import Controller
from chipweave.declare import registry
from chipweave.declare.user_code import LET_IN, Gate, blamed
from chipweave.errors import BadInput, Fault
from chipweave.noc.spread import unused
from chipweave.policy.roles import ROLES
from chipweave.policy.strategy import Strategy
from chipweave.run import simulate
from chipweave.run.spec import RunSpec
from chipweave.topology import preset as topology_preset
from chipweave.topology.system import System
from chipweave.trace import models


class NoWork:
    """A workload without a layer."""

    steps = prefill_steps = 0

    def __init__(self, costs: Any, distance: np.ndarray) -> None:
        self.costs, self.distance = costs, distance

    def jobs(self, home: np.ndarray, holders: np.ndarray) -> Any:
        return iter(())


class Found:
    """Faults so far, each once, and warnings; `attempt` calls something and keeps what it refuses."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []
        self.let_in: set[type] = set()

    def attempt(self, function: Callable, *arguments: Any, **options: Any) -> Any:
        """What the call returns, or None where it refused."""
        try:
            with blamed(self.let_in):
                return function(*arguments, **options)
        except BadInput as error:
            self.faults += [fault for fault in error.faults if fault not in self.faults]
            return None

    def warn(self, warnings: list[Fault]) -> None:
        """Keep warnings, each once."""
        self.warnings = list(dict.fromkeys([*self.warnings, *warnings]))

    def raise_if_any(self) -> None:
        if self.faults:
            raise BadInput(self.faults)


def check(
    spec: RunSpec,
    strategies: Sequence,
    link_models: Sequence[str],
    model: Any = None,
    trace: bool = True,
    system: System | None = None,
) -> tuple[System | None, Found]:
    """(the System, what was found) of runs of `spec` under strategies and link models; the System has been started.

    model: a Model in place of the one that `spec` names; trace: whether the trace is looked at, where it is there
    already; system: the one that `spec` names, where it has been loaded and not started."""
    found, gate = Found(), Gate(spec.allow_code)
    preset = found.attempt(topology_preset.load, spec.preset)
    model = model or found.attempt(models.load, spec.model)
    if model and trace:
        from chipweave.trace import fits

        found.attempt(fits.check, spec.trace, spec.model, spec.batch, spec.steps)
    system = system or found.attempt(
        topology.load, spec.topology, sets=spec.sets, allow_code=spec.allow_code, preset=spec.preset
    )
    found.let_in |= {type(part) for part in system.parts.values()} & set(LET_IN) if system else set()
    runs = [replace(spec, strategy=strategy) for strategy in strategies]
    if preset:
        for run in runs:
            found.attempt(simulate.open_strategy, run, preset, gate)
    found.attempt(gate.raise_if_refused)
    if not found.faults:
        starts = Starts(model, preset, found, system)
        for run in runs:
            for link_model in link_models if run is runs[0] else link_models[:1]:
                found.attempt(starts.start, replace(run, link_model=link_model))
    return system, found


class Policies:
    """A Strategy that notes which of its roles are read.

    Attributes:
        read: the roles read so far, or all where anything else of the Strategy was.
    """

    def __init__(self, strategy: Strategy) -> None:
        self._strategy, self.read = strategy, set[str]()

    def __getattr__(self, name: str) -> Any:
        self.read |= {name} if name in ROLES else set(ROLES)
        return getattr(self._strategy, name)


class Starts:
    """Assembles runs and starts them on no work. Policies and parts remember, so they are built anew for each.

    A run that differs from one before only in policies that nothing read there would go the same way to the letter: it
    is not started again.

    system: loaded and not started yet, for the first run.
    """

    def __init__(self, model: Any, preset: topology_preset.Preset, found: Found, system: System | None) -> None:
        self.model, self.preset, self.found, self.fresh = model, preset, found, system
        self.before: list[
            tuple[str | None, dict[str, Any]]
        ] = []  # link model, role -> what its policy is, of those read

    def start(self, spec: RunSpec) -> None:
        strategy = simulate.open_strategy(spec, self.preset, Gate(spec.allow_code))
        if any(model == spec.link_model and read == _known(strategy, read) for model, read in self.before):
            return
        system, self.fresh = self.fresh or self.load(spec), None
        mesh = simulate.mesh_of(system)
        name = spec.link_model or mesh.link_model
        model = registry.link_models.find(name)
        words = [Fault(w) for w in model.warnings(mesh)] + unused(mesh)
        words += [] if self.before else system.idle()
        words += self.of_sample(mesh, name)
        self.found.warn(words + ([] if model.held else self.of_held(system, name)))
        policies = Policies(strategy)
        run, simulation = simulate.stage(spec, self.model, system, policies, self.model.moe_layers, NoWork)
        simulation.run(run.done)
        self.before.append((spec.link_model, _known(strategy, policies.read)))

    def of_sample(self, mesh: Any, model: str) -> list[Fault]:
        """Why no sample under another link model runs beside a run, where one is wanted."""
        if model == mesh.beside or model != "fair" or mesh.beside == "none":
            return []
        try:
            registry.link_models.find(mesh.beside).warnings(mesh)
        except BadInput as error:
            what = f"no row of {model} will say by how much {mesh.beside} differs: "
            return [Fault(what + fault.what, fault.place, fault.allowed) for fault in error.faults]
        return []

    def of_held(self, system: System, model: str) -> list[Fault]:
        """Values of the user's that are read where messages hold their links, and here they share them."""
        of_preset = self.preset.root.place.file
        said = {
            Fault(f"{part.kind}: {name} is not read under {model}", place, "link_model: circuit")
            for part in system.parts.values()
            for name, place in part.written.items()
            if name in part.params and part.params[name].held and place.file != of_preset
        }
        return sorted(said, key=str)

    def load(self, spec: RunSpec) -> System:
        return topology.load(spec.topology, sets=spec.sets, allow_code=spec.allow_code, preset=spec.preset)


def _known(strategy: Strategy, roles: Iterable[str]) -> dict[str, Any]:
    """role -> (class, parameters) of these roles' policies."""
    policies = {role: getattr(strategy, role) for role in roles}
    return {role: (type(policy), policy.values) for role, policy in policies.items()}


@lru_cache(maxsize=1)
def small_model() -> Any:
    """A model that fits any die: for topologies that are checked without one."""
    return replace(models.load("deepseek-v2-lite"), name="small", hidden=16, intermediate=16)


def is_for_runs(system: System) -> bool:
    """Whether a topology means to run a model: it has parts of control."""
    return any(isinstance(part, Controller) for part in system.parts.values())
