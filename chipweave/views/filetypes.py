"""What a YAML file is, and who checks it: the table behind `chipweave check`.

A file says what it is by `schema:`; one that does not is known by keys that no other sort of file has. A new sort of
file is one more row here.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipweave.declare import yamlfile
from chipweave.errors import BadInput, Fault, Place, nearest
from chipweave.io.shipped import find

if TYPE_CHECKING:
    from chipweave.topology.system import System


@dataclass(frozen=True)
class FileType:
    """One sort of YAML file.

    what: in words; schema: its `schema:`; keys: top-level keys, any one of which gives it away;
    checker: "module:function", called with (path, allow_code), raises BadInput with every fault; may return warnings.
    of_runs: the checker also takes the options of `compare`, as a dict.
    """

    what: str
    schema: str
    keys: tuple[str, ...]
    checker: str
    of_runs: bool = False

    def call(self, *arguments: Any) -> list[Fault]:
        """Warnings, as Faults."""
        module, _, function = self.checker.partition(":")
        warnings = getattr(importlib.import_module(module), function)(*arguments)
        return warnings if isinstance(warnings, list) else []


OF_MODELS = {"model", "trace", "batch", "steps", "strategies", "admission", "wait_queue", "seed"}
"""Options that make a check of a topology one of runs with a model; without them any small model stands in."""

TYPES = (
    FileType(
        "topology",
        "chipweave.topology/1",
        ("parts", "networks", "assemblies", "extends", "systems"),
        "chipweave.views.filetypes:check_topology",
        of_runs=True,
    ),
    FileType("preset", "chipweave.preset/1", ("kinds",), "chipweave.views.filetypes:check_preset"),
    FileType("model", "chipweave.model/1", ("experts", "top_k", "moe_layers"), "chipweave.views.filetypes:check_model"),
    FileType(
        "strategy",
        "chipweave.strategy/1",
        ("placement", "allocation", "prediction"),
        "chipweave.views.filetypes:check_strategy",
    ),
    FileType(
        "characterised table",
        "chipweave.characterised/1",
        ("residuals",),
        "chipweave.component.characterised:check_file",
    ),
    FileType(
        "run file",
        "chipweave.run/1",
        ("topology", "strategy", "strategies", "batch", "model", "trace"),
        "chipweave.views.filetypes:check_run",
        of_runs=True,
    ),
    FileType("sweep file", "chipweave.sweep/1", ("vary", "together"), "chipweave.views.filetypes:check_sweep"),
    FileType("run of a server", "chipweave.serve_run/1", ("requests", "server"), "chipweave.serving.serve:read"),
    FileType("server", "chipweave.server/1", ("die", "node", "nodes"), "chipweave.views.filetypes:check_server"),
    FileType("law", "chipweave.law/1", ("decode_shape", "family"), "chipweave.views.filetypes:check_law"),
    FileType(
        "schedule", "chipweave.schedule/1", ("streams", "micro_batches"), "chipweave.views.filetypes:check_schedule"
    ),
)


def recognise(root: yamlfile.Node) -> FileType:
    """The FileType of a file's tree.

    Raises:
        BadInput: its schema is unknown, or nothing gives it away.
    """
    schemas = {t.schema: t for t in TYPES}
    schema = root.get("schema")
    if schema is not None:
        if schema.text not in schemas:
            raise BadInput(
                Fault(
                    f"unknown schema {schema.text!r}", schema.place, ", ".join(schemas), nearest(schema.text, schemas)
                )
            )
        return schemas[schema.text]
    for kind in TYPES:
        if root.is_map and any(key in root.value for key in kind.keys):
            return kind
    raise BadInput(Fault("nothing says what this file is", root.place, "schema: one of " + ", ".join(schemas)))


def check(name: str, allow_code: bool = False) -> str:
    """Check one file, or a shipped topology by name; returns the word for what it is.

    Raises:
        BadInput: every fault of it.
    """
    return check_and_warn(name, allow_code)[0]


def check_and_warn(name: str, allow_code: bool = False, options: Any = None) -> tuple[str, list[Fault]]:
    """As `check`; returns the word and warnings (Fault): things that are allowed, and what they cost.

    options: what `chipweave compare` would be called with (chipweave.cli.check), for topologies and run files.
    """
    path = Path(name) if Path(name).is_file() else _shipped(name)
    kind = recognise(yamlfile.load(path))
    if kind.of_runs:
        warnings = kind.call(path, allow_code, dict(options or {}))
    elif options:
        given = ", ".join(f"--{key.replace('_', '-')}" for key in options)
        raise BadInput(Fault(f"{name} is a {kind.what}: {given} are of topologies and run files"))
    else:
        warnings = kind.call(path, allow_code)
    return kind.what, [replace(w, place=w.place if str(w.place) else Place(str(name))) for w in warnings]


def _shipped(name: str) -> Path:
    """The path of a shipped topology, or of a run file of the examples."""
    from chipweave.run import file as runfile

    return runfile.shipped()[name] if name in runfile.shipped() else find(name)


def check_topology(path: Path, allow_code: bool, options: dict[str, Any]) -> list[Fault]:
    """The system with its settings and preset; that it can be run, where it means to be; that flits cannot deadlock.

    A system for runs is loaded once for itself and its first run, so with the preset of runs; others have no preset
    but the one that is given.
    """
    from chipweave import topology
    from chipweave.run import check as run_check
    from chipweave.run.spec import PRESET
    from chipweave.topology import preset as topology_preset

    preset, sets = options.get("preset", PRESET), options.get("sets", ())
    system = topology.load(path, sets=sets, allow_code=allow_code, preset=preset)
    if run_check.is_for_runs(system) or set(options) - {"preset", "sets"}:
        with_model = bool(set(options) & OF_MODELS)
        return _check_runs({**options, "topology": str(path)}, None, allow_code, with_model, system)
    if "preset" not in options and topology_preset.load(PRESET).meets(system):
        system = topology.load(path, sets=sets, allow_code=allow_code)
    return _link_warnings(system) + system.idle()


def _link_warnings(system: System) -> list[Fault]:
    """What the link models say of each network: allowed, and at a cost."""
    from chipweave.declare import registry
    from chipweave.noc.spread import unused

    return [
        warning
        for n in system.networks.values()
        for warning in [Fault(w) for w in registry.link_models.find(n.link_model).warnings(n)] + unused(n)
    ]


def _check_runs(
    options: Any, run_file: Any, allow_code: bool, with_model: bool = True, system: System | None = None
) -> Any:
    """Warnings of what `compare` with these options would run; BadInput with all that it would refuse. system: theirs,
    where it has been loaded."""
    from chipweave.run import check as run_check
    from chipweave.run.job import job_of

    job = job_of(run_file, {**options, "allow_code": allow_code or None}, system=system)
    model = None if with_model else run_check.small_model()
    _, found = run_check.check(job.spec, job.strategies, job.link_models, model, with_model, job.system)
    found.raise_if_any()
    return found.warnings


def check_preset(path: Path, allow_code: bool) -> None:
    from chipweave.topology import preset as topology_preset

    topology_preset.load(path)


def check_model(path: Path, allow_code: bool) -> None:
    from chipweave.trace import models

    models.load(str(path))


def check_sweep(path: Path, allow_code: bool) -> None:
    from chipweave.study import sweep_file

    sweep_file.load(path)


def check_schedule(path: Path, allow_code: bool) -> None:
    from chipweave.serving import schedule

    schedule.load(str(path))


def check_server(path: Path, allow_code: bool) -> None:
    from chipweave.serving import system

    system.load(str(path))


def check_law(path: Path, allow_code: bool) -> None:
    from chipweave.trace import law

    law.load(str(path))


def check_strategy(path: Path, allow_code: bool) -> None:
    """Load a strategy, for its faults."""
    from chipweave.declare.user_code import Gate
    from chipweave.policy import strategy

    gate = Gate(allow_code)
    strategy.load(str(path), gate=gate)
    gate.raise_if_refused()


def check_run(path: Path, allow_code: bool, options: Any) -> Any:
    """A run file, with the options over it: all that `run` or `compare` would refuse."""
    return _check_runs(options, str(path), allow_code)
