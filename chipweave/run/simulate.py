"""One run from a specification: system, trace and policies joined, simulated, recorded."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from chipweave import topology
from chipweave.chain.rules import rules
from chipweave.component.controller import Controller
from chipweave.component.replicas import gather
from chipweave.component.staged import Staged
from chipweave.component.transfer_operands import Work
from chipweave.declare.params import as_node
from chipweave.declare.user_code import Gate, blamed
from chipweave.errors import BadInput, Fault
from chipweave.io.process import uncollected
from chipweave.policy import strategy
from chipweave.policy.guard import store_of
from chipweave.policy.view import CopyRoom, CopyStore
from chipweave.run.assemble import assemble, wires
from chipweave.run.clock import Simulation
from chipweave.run.context import Run
from chipweave.run.die_figures import check_facts, costs_of, die_places, distance_of, facts_of, homes
from chipweave.run.metrics import counted_by
from chipweave.run.outcome import Outcome
from chipweave.run.placing import Placing
from chipweave.run.record import Meter, figures
from chipweave.run.why.accounting import Accounting
from chipweave.run.workload import Workload
from chipweave.topology import preset as topology_preset
from chipweave.topology.inherited import inherited
from chipweave.topology.system import System
from chipweave.trace import models

if TYPE_CHECKING:
    from chipweave.trace.library import BatchedTrace as Routing


def room_of(facts: dict[str, Any], holds: np.ndarray, work: Work) -> CopyRoom:
    """What copies have to fit into, die by die: the HBM of each, less the home weights that lie on it, bytes.

    holds: bool [layers, E, D], which weights live where."""
    homes = holds.sum(axis=(0, 1))
    per_expert = work.slices * work.slice_bytes
    return CopyRoom(
        work.slice_bytes, np.array([int(b) for b in facts["hbm_bytes"]]), homes.astype(np.int64) * per_expert
    )


def mesh_of(system: Any) -> Any:
    """The network that joins the dies: the one that parts take part in.

    A topology may have others (an NVSwitch, a host's); the one whose endpoints work by stages is
    meant. BadInput where that leaves none or several.
    """
    named = [n for n in system.networks.values() if n.port]
    joined = [n for n in named if any(isinstance(system.parts.get(e), Staged) for e in n.endpoints)] or named
    if len(joined) > 1:
        names = [network.name for network in joined]
        regions = ", ".join(f"{{network: {name}}}" for name in names)
        raise BadInput(
            Fault(
                f"{system.name}: a run needs one network that joins its dies, not {len(names)}: {', '.join(names)}",
                joined[-1].written,
                f"a network of these: {{shape: joined, regions: [{regions}]}}, by which routes lead across",
            )
        )
    if not joined:
        what = f"{system.name}: a run needs one network that joins its dies, not 0"
        raise BadInput(Fault(what, allowed="a topology of dies, such as wafer_5x5"))
    return joined[0]


@blamed()  # here and not in the command: a worker process hands its exceptions on without their tracebacks
def simulate(
    spec: Any,
    on_layer: Any = None,
    keep_plans: bool = False,
    loaded: Loaded | None = None,
    around: Any = None,
    alter: Any = None,
    account: bool = True,
    outside: Any = None,
) -> Outcome:
    """Run a chipweave.run.spec.RunSpec to its end; returns an `Outcome`.

    on_layer    called with each LayerJob as it ends, and with None when all have (progress)
    keep_plans  record the CRC-32 of each plan
    loaded      what `load(spec)` returns, where some of it is not what the specification names
    around      called with the fabric and the Work; what it returns stands in for the fabric
                (chipweave.run.flit_sample)
    alter       changes links and layout before they are built (chipweave.run.why.ideal)
    account     keep accounts of where the time goes (chipweave.run.why.accounting)
    outside     as `around`, with what the accounts put around the fabric (chipweave.run.checkpoint)
    """
    layers = [each for each in (around, Accounting if account else None, outside) if each]

    def watched(fabric: Any, work: Any) -> Any:
        for each in layers:
            fabric = each(fabric, work)
        return fabric

    if loaded is None:
        make_trace(spec)
    meter = Meter()
    with uncollected():
        loaded = loaded or load(spec)
    trace: Any = loaded.routing.trace
    vanish = loaded.habits["unnamed_layers_vanish"]
    by_last = loaded.habits["last_request_says_prefill"]

    def workload(costs: Any, distance: Any) -> Any:
        moved = any(getattr(part, "moves_tokens", False) for part in loaded.system.parts.values())
        replication, reads = loaded.routing.replication, loaded.policies.reads_ids or moved
        seen = loaded.policies.sees_pairs
        return Workload(trace, replication, spec.steps, costs, distance, vanish, by_last, reads, seen)

    run = drive(
        spec, loaded.model, loaded.system, loaded.policies, trace.layers, workload, on_layer, keep_plans, watched, alter
    )
    if on_layer:
        on_layer(None)
    return outcome(spec, loaded, run, meter)


def drive(
    spec: Any,
    model: models.Model,
    system: Any,
    policies: Any,
    layers: tuple[int, ...],
    workload_of: Any,
    on_layer: Any = None,
    keep_plans: bool = False,
    around: Any = None,
    alter: Any = None,
) -> Run:
    """Run a workload on a system to its end; returns the `Run`. Arguments are those of `stage`."""
    try:
        with uncollected():
            run, simulation = stage(
                spec, model, system, policies, layers, workload_of, on_layer, keep_plans, around, alter
            )
        simulation.run(run.done)
    finally:
        gc.unfreeze()
    return run


def stage(
    spec: Any,
    model: Any,
    system: Any,
    policies: Any,
    layers: Any,
    workload_of: Any,
    on_layer: Any = None,
    keep_plans: bool = False,
    around: Any = None,
    alter: Any = None,
) -> Any:
    """All that stands before the first instant of a run: (Run, Simulation).

    layers       ids of the layers that have weights
    workload_of  (costs, distance) -> an object with `jobs(home, holders)`, like chipweave.run.workload.Workload; with
                 `popularity` and `pairs` too where the placement is asked again
    """
    network = mesh_of(system)
    groups = gather(system.parts.values())
    facts = facts_of(groups)
    check_facts(facts, system)
    counted_by(groups)
    dies = len(facts["compute"])
    places = die_places(network, system, dies)
    placing = Placing(policies.placement, model, layers, facts, homes(facts, places))
    room = room_of(facts, placing.placed.holds, Work.of(model, layers, CopyStore()))
    store = store_of(policies.replacement, room)
    control = [part for group in groups for part in group.members if isinstance(part, Controller)]
    moves_tokens = any(part.moves_tokens for part in control)
    work = replace(Work.of(model, layers, store), moves_tokens=moves_tokens, moves_weights=placing.every > 0)
    switches = {habit: getattr(network, habit) for habit in ("booking", "barging", "wake")}
    fabric, layout = assemble(
        system,
        groups,
        work,
        admission_of(spec, network),
        spec.wait_queue or network.wait_queue,
        spec.link_model,
        spec.engine,
        alter,
        **switches,
    )
    fabric = around(fabric, work) if around else fabric
    placing.distance = distance_of(network, places)
    workload = workload_of(costs_of(facts, network, model, places), placing.distance)
    run = Run(workload, work, policies, placing, dies, model, facts)
    run.start(fabric, layout, groups, on_layer, keep_plans)
    simulation = Simulation(fabric, wires(system, layout))
    for part in control:
        part.begin(simulation, run)
    if run.done is None:
        raise BadInput(f"{system.name}: no part drives the run (a cp.global, say)")
    return run, simulation


def make_trace(spec: Any, progress: Any = lambda text, done, total: None) -> None:
    """Make or import the trace of a specification where the cache has none yet: that is no part of a run's time."""
    from chipweave.trace.library import for_run

    try:
        for_run(spec.trace, spec.model, spec.batch, spec.steps, spec.seed, progress)
    except BadInput:
        pass  # reported by `load`, together with all other faults


@dataclass(frozen=True)
class Loaded:
    """What a specification names: a Model, a trace with its replication, a System, a Strategy, habits of the preset.

    code  name -> {"file", "sha256"} of all code let in
    """

    model: models.Model
    routing: Routing
    system: System
    policies: strategy.Strategy
    habits: dict
    code: dict = field(default_factory=dict)


def load(spec: Any) -> Any:
    """The `Loaded` of a specification; raises BadInput with the faults of all its parts.

    Parts are loaded one by one even where an earlier one fails, so that one call names everything
    that is wrong.
    """
    from chipweave.trace.library import for_run  # what reads traces is not needed to check a topology

    faults, gate = [], Gate(spec.allow_code)

    def attempt(function: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except BadInput as error:
            faults.extend(error.faults)

    preset = attempt(topology_preset.load, spec.preset)
    model = attempt(models.load, spec.model)
    routing = model and attempt(for_run, spec.trace, spec.model, spec.batch, spec.steps, spec.seed)
    system = attempt(topology.load, spec.topology, sets=spec.sets, allow_code=spec.allow_code, preset=spec.preset)
    policies = preset and attempt(open_strategy, spec, preset, gate)
    if faults:
        raise BadInput(list(dict.fromkeys(faults)))
    habits = {name: preset_says(preset, name) for name in topology_preset.HABITS}
    return Loaded(model, routing, system, policies, habits, {**system.code, **gate.used})


def preset_says(preset: topology_preset.Preset, habit: str) -> bool:
    """Whether a preset's `run` section switches a habit on."""
    node = preset.run.get(habit)
    return bool(node and node.value is True)


def open_strategy(spec: Any, preset: topology_preset.Preset, gate: Gate) -> strategy.Strategy:
    """The policies of the run, by the strategy's name or written out, with the preset's parameters.

    A preset may replace the replacement policy of a shipped strategy; policies that are written out, in a file of
    strategies too, stay as they are.
    """
    defaults = {kind: node.value for kind, node in preset.kinds.items()}
    if not isinstance(spec.strategy, str):
        return strategy.read(as_node(spec.policies), spec.strategy_name, defaults, gate, spec.folder)
    found = strategy.load(spec.strategy, defaults, gate)
    other = preset.run.get("replacement") if spec.strategy in strategy.shipped() else None
    return replace(found, replacement=strategy.build("replacement", other, defaults)) if other else found


def admission_of(spec: Any, network: Any) -> str:
    """The admission that was given, else the topology's.

    Links that are not held (`fair`, `flit`) are never booked ahead: there `early_booking` of a
    topology made for circuit becomes `work_conserving`.
    """
    model = spec.link_model or network.link_model
    if spec.admission or model == "circuit":
        return spec.admission or network.admission
    booked = rules(network.admission).booking
    return "work_conserving" if booked or model != network.link_model else network.admission


def replaced_by_options(spec: Any, system: System) -> list[str]:
    """In words, what the run's options replace of what the topology's files say of the network that joins the dies.

    A booking admission behind a link model that cannot book is replaced, too (`admission_of`).
    """
    network = mesh_of(system)
    tree = as_node(system.resolved["topology"]).get("networks")
    said = tree.get(network.name) if tree else None
    runs = {
        "link_model": spec.link_model or network.link_model,
        "admission": admission_of(spec, network),
        "wait_queue": spec.wait_queue or network.wait_queue,
    }
    words = []
    for key, now in runs.items():
        node = said.get(key) if said is not None and said.is_map else None
        was = node and (node.value["value"] if node.is_map else node).text
        path = f"networks.{network.name}.{key} = "
        if was and was != now and not any(other.startswith(path) for other in system.replaced):
            words.append(f"{path}{was} (this run's: {now})")
    return words


def outcome(spec: Any, loaded: Loaded, run: Run, meter: Meter) -> Outcome:
    """What a run that has ended leaves.

    Tokens are those decoded; a preset that counts as the paper does takes batch x steps, prefill
    included, and the result says so.
    """
    trace: Any = loaded.routing.trace
    table, prefill = run.records.table(), run.workload.prefill_steps
    as_the_paper = loaded.habits["prefill_step_counts"]
    tokens = spec.batch * run.workload.steps if as_the_paper else run.workload.decode_tokens
    row = {
        "strategy": spec.strategy_name,
        "link_model": spec.link_model or mesh_of(loaded.system).link_model,
        "admission": admission_of(spec, mesh_of(loaded.system)),
        **figures(table, tokens, prefill, run.records.columns),
        **meter.read(),
    }
    networks = [
        (n.name, [link.name for link in n.links], run.fabric.link_statistics(n)) for n in run.layout.parts["networks"]
    ]
    run.notes["tokens_counted"] = tokens
    if as_the_paper:
        run.notes["prefill_step_counts"] = True
    reuse = trace.provenance.get("reuse", {})
    if reuse:
        run.notes["times_each_logged_token_was_reused"] = reuse["factor"]
    if run.workload.steps < spec.steps:
        run.notes["steps_in_the_trace"] = run.workload.steps
    rests = inherited(loaded.system)
    if rests:
        run.notes["inherited"] = rests
    if loaded.system.replaced:
        run.notes["preset_replaces"] = loaded.system.replaced
    if option_replaces := replaced_by_options(spec, loaded.system):
        run.notes["options_replace"] = option_replaces
    facts = {
        "trace": {"name": trace.name, "sha256": trace.sha256},
        "system": {**loaded.system.resolved, "inherited": rests},
        "code": loaded.code,
        "policies": run.policies.resolved(),
        "notes": run.notes,
        "symptoms": run.symptoms.words() if run.symptoms else [],
        "tokens": run.tokens,
    }
    breakdown = getattr(run.fabric, "breakdown", None)  # of a fabric that keeps accounts
    accounts = breakdown(run) if breakdown else None
    return Outcome(row, table, run.statistics(), networks, facts, prefill, run.metrics, accounts)
