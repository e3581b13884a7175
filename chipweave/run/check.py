"""What a run would refuse, found without running: every part of a specification loaded, assembled and started on no
work.

`chipweave check` asks this for files, and `run` and `compare` ask it before a trace is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from chipweave import topology
from chipweave.component.controller import Controller
from chipweave.declare import registry
from chipweave.declare.user_code import Gate, blamed
from chipweave.errors import BadInput, Fault
from chipweave.noc.spread import unused
from chipweave.run import simulate
from chipweave.run.spec import RunSpec
from chipweave.topology import preset as topology_preset
from chipweave.topology.system import System
from chipweave.trace import fits, models


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

    def attempt(self, function: Callable, *arguments: Any, **options: Any) -> Any:
        """What the call returns, or None where it refused."""
        try:
            with blamed():
                return function(*arguments, **options)
        except BadInput as error:
            self.faults += [fault for fault in error.faults if fault not in self.faults]
            return None

    def warn(self, warnings: list[Fault]) -> None:
        """Keep warnings, each once."""
        self.warnings += [w for w in warnings if w not in self.warnings]

    def raise_if_any(self) -> None:
        if self.faults:
            raise BadInput(self.faults)


def check(
    spec: RunSpec, strategies: Sequence, link_models: Sequence[str], model: Any = None, trace: bool = True
) -> tuple[System | None, Found]:
    """(the System, what was found) of runs of `spec` under strategies and link models.

    model: a Model in place of the one that `spec` names; trace: whether the trace is looked at, where it is there
    already."""
    found, gate = Found(), Gate(spec.allow_code)
    preset = found.attempt(topology_preset.load, spec.preset)
    model = model or found.attempt(models.load, spec.model)
    if model and trace:
        found.attempt(fits.check, spec.trace, spec.model, spec.batch, spec.steps)
    system = found.attempt(
        topology.load, spec.topology, sets=spec.sets, allow_code=spec.allow_code, preset=spec.preset if preset else None
    )
    runs = [replace(spec, strategy=strategy) for strategy in strategies]
    if preset:
        for run in runs:
            found.attempt(simulate.open_strategy, run, preset, gate)
    found.attempt(gate.raise_if_refused)
    if not found.faults:
        for run in runs:
            for link_model in link_models if run is runs[0] else link_models[:1]:
                _check_one(replace(run, link_model=link_model), model, preset, found)
    return system, found


def _check_one(spec: RunSpec, model: Any, preset: topology_preset.Preset, found: Found) -> None:
    """Assemble one run and start it on no work. Policies and parts remember, so they are built anew."""

    def start() -> None:
        system = topology.load(spec.topology, sets=spec.sets, allow_code=spec.allow_code, preset=spec.preset)
        mesh = simulate.mesh_of(system)
        words = registry.link_models.find(spec.link_model or mesh.link_model).warnings(mesh)
        found.warn([Fault(w, mesh.written) for w in words] + unused(mesh) + system.idle())
        policies = simulate.open_strategy(spec, preset, Gate(spec.allow_code))
        run, simulation = simulate.stage(spec, model, system, policies, model.moe_layers, NoWork)
        simulation.run(run.done)

    found.attempt(start)


@lru_cache(maxsize=1)
def small_model() -> Any:
    """A model that fits any die: for topologies that are checked without one."""
    return replace(models.load("deepseek-v2-lite"), name="small", hidden=16, intermediate=16)


def is_for_runs(system: System) -> bool:
    """Whether a topology means to run a model: it has parts of control."""
    return any(isinstance(part, Controller) for part in system.parts.values())
