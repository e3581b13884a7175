"""A run, and beside it `flit` on a stratified sample of its layer-steps, in one pass.

A row of `fair` carries by how much `flit` differs (`beside: flit` of its network, as the wafers have it under preset
`physical`); a row of `flit` of coarse grain, by how much the next finer grain does. Each sampled layer-step starts from
the state that it has in the run itself.

Where `flit` cannot run on the system (it could deadlock, say), a row of `fair` goes without, and a note says why.

The sample is drawn before the run: of the prefill and of each quarter of the decode steps, in their order, LEAST
layer-steps. Totals are those of the ratio estimator (chipweave.run.flit_sample).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.declare.user_code import blamed
from chipweave.errors import BadInput, Fault
from chipweave.run import flit_sample as sample
from chipweave.run import simulate as serving
from chipweave.run.checkpoint import Keep
from chipweave.run.probe import Probe, Watched, finer
from chipweave.run.record import Meter
from chipweave.run.simulate import Outcome

SECONDS = ("cpu_s", "wall_s")


def wanted(spec: Any, network: Any) -> bool:
    """Whether a run of this specification is one that something is sampled beside."""
    model = spec.link_model or network.link_model
    coarse = model == "flit" and network.grain != "1"
    return coarse or (model == "fair" and network.beside == "flit" and spec.engine == "kernel")


@blamed()  # here too: what is sampled beside a run loads and lays out systems, with the user's parts
def simulate(
    spec: Any, on_layer: Any = None, threads: int = 1, account: bool = True, keep: Keep | None = None
) -> Outcome:
    """chipweave.run.simulate.simulate, with the sample's figures in the row where `wanted`.

    CPU and wall seconds of the row are those of the run alone.
    threads: layer-steps of the sample that run side by side.
    account: keep accounts of where the time goes.
    keep: where its checkpoints are kept; a run that has one goes on from there.
    """
    serving.make_trace(spec)
    meter = Meter()
    with serving.uncollected():
        loaded = serving.load(spec)
    network = serving.mesh_of(loaded.system)
    kept = keep.begin(loaded.code) if keep else None
    options: dict[str, Any] = {"loaded": loaded, "account": account, "outside": kept and kept.outside}
    watching: Any = kept.watching if kept else lambda on_layer: on_layer
    before = kept.before if kept else dict.fromkeys(SECONDS, 0.0)
    if not wanted(spec, network):
        loading = meter.read()
        outcome = serving.simulate(spec, watching(on_layer), **options)
        outcome.row |= {name: round(outcome.row[name] + loading[name] + before[name], 6) for name in SECONDS}
        return outcome
    trace: Any = loaded.routing.trace
    parts: list[sample.Stratum] = []
    made: list[Watched] = []
    grains: list[int] = []
    taken = dict.fromkeys(SECONDS, 0.0)
    refused: list[Fault] = []

    def around(fabric: Any, work: Any) -> Any:
        building = Meter()
        if spec.engine != "kernel":  # the twin's tables cannot be copied: its row says the grain alone
            grains.append(Probe.of(spec, work, "flit", "work_conserving").grain)
            return fabric
        try:
            probes = probes_of(spec, network, work)
        except BadInput as error:
            if (spec.link_model or network.link_model) == "flit":
                raise
            probes, refused[:] = [], error.faults
        if probes:
            parts.extend(strata(min(spec.steps, trace.steps), len(work.layers), bool(trace.has_prefill), spec.seed))
            made.append(Watched(fabric, probes, {int(row) for part in parts for row in part.chosen}, threads))
        taken.update({name: seconds for name, seconds in building.read().items() if name in SECONDS})
        return made[0] if made else fabric

    def layer_ended(job: Any) -> None:
        if made:
            made[0].next_layer(job)
        if on_layer:
            on_layer(job)

    outcome = serving.simulate(spec, watching(layer_ended), around=around, **options)
    if made:
        made[0].finish()
    spent = meter.read()
    outcome.row |= {name: round(spent[name] + before[name] - taken[name], 6) for name in SECONDS}
    if made:
        outcome.row |= {name: round(outcome.row[name] - cost, 6) for name, cost in made[0].cost_s().items()}
        outcome.row |= figures(outcome, parts, made[0])
    if refused:
        outcome.facts["notes"]["no_flit_beside"] = "; ".join(map(in_one_line, refused))
    if grains and grains[0] > 1:
        outcome.row["grain"] = grains[0]
    return outcome


def in_one_line(fault: Fault) -> str:
    """What is wrong and what would be right."""
    return f"{fault.what}; allowed: {fault.allowed}" if fault.allowed else fault.what


def probes_of(spec: Any, network: Any, work: Any) -> list[Probe]:
    """Fabrics that sampled layer-steps run on: the run's own model, flit, flit of the next finer grain; none where the
    grain is 1, which is exact or would cost more than the run."""
    admission = serving.admission_of(spec, network)
    flit = Probe.of(spec, work, "flit", "work_conserving")
    if flit.grain == 1:
        return []
    second = Probe.of(finer(spec, network.name, flit.grain), work, "flit", "work_conserving")
    if (spec.link_model or network.link_model) == "flit":
        return [flit, flit, second]
    return [Probe.of(spec, work, spec.link_model or network.link_model, admission), flit, second]


def strata(steps: int, layers: int, has_prefill: bool, seed: int) -> list[sample.Stratum]:
    """Strata of a run's rows in their order, LEAST rows of each chosen."""
    rng = np.random.default_rng(seed)
    rows = np.arange(steps * layers)
    early = layers if has_prefill else 0
    found = [(True, rows[:early])] + [(False, part) for part in np.array_split(rows[early:], sample.QUANTILES)]
    return [
        sample.Stratum(prefill, part, np.sort(rng.choice(part, min(len(part), sample.LEAST), replace=False)))
        for prefill, part in found
        if len(part)
    ]


def figures(outcome: Outcome, parts: list[sample.Stratum], watched: Watched) -> dict[str, Any]:
    """What the row gets: `flit` under another link model, `grain` and `grain_difference` under flit."""
    parts = [within(part, len(outcome.table), watched.times) for part in parts]
    parts = [part for part in parts if len(part.chosen)]
    grain = watched.probes[1].grain
    flit, second = (sample.totals(outcome.table, parts, watched.times, 0, of) for of in (1, 2))
    apart = sample.apart(flit, second)
    if outcome.row["link_model"] == "flit":
        return {"grain": grain, "grain_difference": apart}
    said = {
        "grain": grain,
        "grain_difference": apart,
        "layer_steps": sum(len(part.chosen) for part in parts),
        "of": len(outcome.table),
        **flit,
        "difference": sample.apart(flit, outcome.row),
    }
    return {"flit": said}


def within(part: sample.Stratum, rows: int, times: dict[int, Any]) -> sample.Stratum:
    """A stratum of the rows that the run came to have."""
    chosen = np.array([row for row in part.chosen.tolist() if row in times], int)
    return sample.Stratum(part.prefill, part.rows[part.rows < rows], chosen)
