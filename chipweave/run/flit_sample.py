"""`flit` on a stratified sample of layer-steps, beside `circuit` and `fair` from the very same start.

The run of record is `circuit`, work conserving, in full. When it starts a layer that is in the sample, the tables
(LLC tags, copies, prediction bits) are laid into an engine for each link model, and each runs the layer's transfers by
itself (chipweave.run.probe): every figure of a sampled layer starts from the state that layer has in the full run.

Strata are prefill or decode, and four quantiles of the circuit layer time; every strategy has its own. A stratum's
total is its circuit time x (sum of flit / sum of circuit) over its sample: the ratio estimator, whose standard error
comes from the residuals flit - ratio x circuit with the correction for finite populations (Cochran, Sampling
Techniques, 3rd edition, 6.3 and 6.10).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chipweave.run import simulate as serving
from chipweave.run.probe import Probe, Watched, finer
from chipweave.run.record import column, nanoseconds

QUANTILES = 4
LEAST = 3  # layer-steps of a stratum, where it has as many
BUDGET_S = 600
NAMED = 3  # groups whose state did not recur
SECONDS_PER_FLIT_HOP = 200e-9  # CPU, on the shipped wafers as measured (docs/guide/link_models.md)
PROBES = (("circuit", None), ("circuit", "work_conserving"), ("fair", "work_conserving"), ("flit", "work_conserving"))
FLIT, FINER = 3, 4  # places of flit, and of flit of the next finer grain


@dataclass(frozen=True)
class Stratum:
    """Rows of a run's layer table that are much alike, and those of them in the sample."""

    prefill: bool
    rows: np.ndarray
    chosen: np.ndarray


def strata(table: Any, prefill_steps: Any, wanted: Any, seed: Any) -> Any:
    """[Stratum] of a circuit run's layer table; about `wanted` rows are chosen, at least LEAST of each stratum."""
    time, prefill = column(table, "time_ps"), column(table, "step") < prefill_steps
    found = []
    for early in (True, False):
        rows = np.flatnonzero(prefill == early)
        rows = rows[np.argsort(time[rows], kind="stable")]
        found += [(early, part) for part in np.array_split(rows, QUANTILES if not early else 1) if len(part)]
    rng = np.random.default_rng(seed)
    total = sum(len(rows) for _, rows in found)
    out = []
    for early, rows in found:
        count = min(len(rows), max(LEAST, round(wanted * len(rows) / total)))
        out.append(Stratum(early, rows, np.sort(rng.choice(rows, count, replace=False))))
    return out


def layer_cost(outcome: serving.Outcome) -> float:
    """Bytes that the links carried in a layer-step of a circuit run, at least one: what flit will cost goes with it."""
    return max(1, sum(int(stats.bytes.sum()) for _, _, stats in outcome.links) / max(1, len(outcome.table)))


def default_size(bytes_per_layer: float, flit_bytes: float) -> int:
    """Layer-steps of every strategy that take ten minutes together; `bytes_per_layer` is the sum of their
    layer_cost()."""
    per_layer = max(1e-3, bytes_per_layer / flit_bytes * SECONDS_PER_FLIT_HOP)
    return max(LEAST * (QUANTILES + 1), int(BUDGET_S / per_layer))


def apart(one: dict[str, float], other: dict[str, float]) -> float:
    """By how much the decode time (without one, the prefill's) of an estimate differs from another's."""
    name = "decode_time_ns" if other["decode_time_ns"] else "prefill_time_ns"
    return one[name] / other[name] - 1 if other[name] else 0.0


def measure(spec: Any, outcome: Any, wanted: Any, on_layer: Any = None, together: Any = None, threads: int = 1) -> Any:
    """Run the sample of one strategy; returns (estimate, rows).

    spec: the RunSpec of the circuit run, work conserving; outcome: its Outcome; wanted: layer-steps, None for the
    default.
    together: sum of layer_cost() over the strategies that share ten minutes; None: this one alone.
    threads: layer-steps that run side by side; the result is the same for any number.
    estimate: dict of figures for the row of `compare`; rows: one dict a sampled layer-step, times in ns.
    """
    loaded = serving.load(spec)
    network = serving.mesh_of(loaded.system)
    parts: list[Stratum] = []
    made: list[Watched] = []

    def around(fabric: Any, work: Any) -> Watched:
        probes = [Probe.of(spec, work, model, admission) for model, admission in PROBES]
        grain = probes[FLIT].grain
        if grain > 1:
            probes.append(Probe.of(finer(spec, network.name, grain), work, *PROBES[FLIT]))
        bytes_of_all = network.router.flit * (grain / 3 if grain > 1 else 1)  # the finer grain costs twice as much
        size = wanted or default_size(together or layer_cost(outcome), bytes_of_all)
        parts.extend(strata(outcome.table, outcome.prefill_steps, size, spec.seed))
        made.append(Watched(fabric, probes, {int(row) for part in parts for row in part.chosen}, threads))
        return made[0]

    def layer_ended(job: Any) -> None:
        made[0].next_layer(job)
        if on_layer:
            on_layer(job)

    serving.simulate(spec, layer_ended, loaded=loaded, around=around, account=False)
    made[0].finish()
    times = made[0].times
    share, jumps, unrepeated = made[0].skipped(FLIT)
    estimate: dict[str, Any] = totals(outcome.table, parts, times)
    if len(made[0].probes) > len(PROBES):
        estimate["grain"] = made[0].probes[FLIT].grain
        estimate["grain_difference"] = apart(estimate, totals(outcome.table, parts, times, of=FINER))
    estimate |= {
        "layer_steps": len(times),
        "of": len(outcome.table),
        "jumps": jumps,
        "skipped_share": share,
        "unrepeated": unrepeated[:NAMED],
    }
    steps, layers = column(outcome.table, "step"), column(outcome.table, "layer")
    rows = [
        {
            "strategy": spec.strategy_name,
            "step": int(steps[row]),
            "prefill": bool(steps[row] < outcome.prefill_steps),
            "layer": int(layers[row]),
            "circuit_ns": nanoseconds(t[0]),
            "circuit_work_conserving_ns": nanoseconds(t[1]),
            "fair_ns": nanoseconds(t[2]),
            "flit_ns": nanoseconds(t[FLIT]),
        }
        | ({"flit_finer_ns": nanoseconds(t[FINER])} if len(t) > FINER else {})
        for row, t in sorted(times.items())
    ]
    return estimate, rows


def totals(
    table: np.ndarray, parts: list[Stratum], times: dict[int, list[int]], own: int = 1, of: int = 3
) -> dict[str, float]:
    """Decode and prefill time under flit with standard errors, in ns, by the ratio estimator over the strata.

    own, of: places in `times` of the run's own link model and of the one that is estimated. What a layer lasts beside
    its transfers (its plan and reports on their way) is the same under every link model."""
    time = column(table, "time_ps")
    out = {"decode_time_ns": 0, "decode_standard_error_ns": 0.0, "prefill_time_ns": 0, "prefill_standard_error_ns": 0.0}
    for part in parts:
        circuit = np.array([times[int(row)][own] for row in part.chosen], float)
        flit = np.array([times[int(row)][of] for row in part.chosen], float)
        ratio = flit.sum() / circuit.sum() if circuit.sum() else 1.0
        n, whole = len(part.chosen), len(part.rows)
        spread = np.sum((flit - ratio * circuit) ** 2) / (n - 1) if n > 1 else 0.0
        error = whole * np.sqrt((1 - n / whole) * spread / n)
        name = "prefill" if part.prefill else "decode"
        beside = whole * float(np.mean(time[part.chosen] - circuit)) if n else 0.0
        out[f"{name}_time_ns"] += (ratio * (float(time[part.rows].sum()) - beside) + beside) / 1000
        out[f"{name}_standard_error_ns"] = float(np.hypot(out[f"{name}_standard_error_ns"], error / 1000))
    return out | {name: round(out[name]) for name in ("decode_time_ns", "prefill_time_ns")}


def row_of(outcome: Any, estimate: Any, cost: Any) -> Any:
    """The row of `compare` for flit: times estimated from the sample, bytes and hops as counted by the full circuit
    run."""
    row = (
        dict(outcome.row)
        | cost
        | {
            "link_model": "flit",
            "admission": "work_conserving",
            "layers": [],
            "decode_time_ns": estimate["decode_time_ns"],
            "prefill_time_ns": estimate["prefill_time_ns"],
        }
    )
    row |= {name: estimate[name] for name in ("grain", "grain_difference") if name in estimate}
    tokens = outcome.row["throughput_tokens_per_s"] * outcome.row["decode_time_ns"]
    row["throughput_tokens_per_s"] = tokens / estimate["decode_time_ns"] if estimate["decode_time_ns"] else 0.0
    return row | {"sample": estimate}
