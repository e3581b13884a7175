"""What a report shows, gathered from a folder of `--out`: links over time, routing, residuals, the command."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import numpy as np

from chipweave.chain.link_statistics import LinkStatistics
from chipweave.errors import ChipweaveError
from chipweave.ledger import baseline, files
from chipweave.run import error_bars
from chipweave.run.metrics import COUNTED, FIGURES
from chipweave.run.spec import RunSpec
from chipweave.topology.system import System
from chipweave.trace.library import for_run
from chipweave.views.notebook.result import Comparison, Result

MOST_NUMBERS = 180_000  # of all links over time together: what keeps the page small
MOST_BINS = 48
MOST_STEPS = 8  # decode steps that the picture of routing counts
QUANTITIES = ("busy", "stalled", "bytes")

# What the ledger holds of each sort of part, by the first word of its kind; the groups are those of error bars.
PARTS_OF = {"memory": "memory", "sm": "compute", "d2d": "links"}
WORDS = {
    "memory": "HBM and caches",
    "compute": "SMs",
    "links": "links and collectives",
}


def definitions(found: Comparison) -> dict[str, dict[str, str]]:
    """Figure -> its unit, its owner, its definition: the dictionary of metrics, with new ones of a user's parts."""
    known = {f.name: {"unit": f.unit, "owner": "run", "is": f.definition} for f in FIGURES}
    known |= {f.name: {"unit": f.unit, "owner": "components", "is": f.definition} for f in COUNTED}
    for run in found:
        for figure in run.outcome.metrics:
            known.setdefault(
                figure.name, {"unit": figure.unit, "owner": "components", "is": figure.definition or "of a user's part"}
            )
    return known


def series(runs: list[Result], links: dict[str, list[str]]) -> list[dict[str, Any]]:
    """For each run and network: its links over time, in few bins, and over the whole run.

    links: network -> names of its links, in the order of the picture. Bins are joined until all runs together have at
    most `MOST_NUMBERS` numbers; shares are of the joined bin, bytes are sums, so nothing is lost.
    """
    each = sum(map(len, links.values())) * len(QUANTITIES) * max(1, len(runs))
    most = max(1, min(MOST_BINS, MOST_NUMBERS // max(1, each)))
    found = []
    for run in runs:
        total = run.outcome.total_ps
        own = {name: (names, stats) for name, names, stats in run.outcome.links}
        found.append({name: over_time(*own[name], order, total, most) for name, order in links.items() if name in own})
    return found


def over_time(names: list[str], stats: LinkStatistics, order: list[str], total_ps: int, most: int) -> dict[str, Any]:
    """Values of links in at most `most` bins. names: those of `stats`, order: those of the picture.

    The last bin ends with the run, so that its shares are of the time there was."""
    bins = stats.bins
    join = max(1, -(-len(bins) // most))
    padded = np.zeros((-(-len(bins) // join) * join, len(names), 3), np.int64)
    padded[: len(bins)] = bins
    joined = padded.reshape(-1, join, len(names), 3).sum(axis=1)
    width = join * stats.bin_ps
    begins = np.arange(len(joined)) * width
    lengths = np.maximum(1, np.minimum(width, total_ps - begins))
    at = {name: i for i, name in enumerate(names)}
    place = [at.get(name, -1) for name in order]
    picked = [joined[:, i] if i >= 0 else np.zeros((len(joined), 3), np.int64) for i in place]
    values = np.stack(picked, axis=1) if picked else np.zeros((len(joined), 0, 3), np.int64)
    whole = {
        "busy": [int(stats.busy_ps[i]) if i >= 0 else 0 for i in place],
        "stalled": [int(stats.stalled_ps[i]) if i >= 0 else 0 for i in place],
        "bytes": [int(stats.bytes[i]) if i >= 0 else 0 for i in place],
    }
    shares = {"busy": 1, "stalled": 2}
    return {
        "begin_ps": begins.tolist(),
        "bin_ps": width,
        "total_ps": total_ps,
        "whole": whole,
        "bytes": values[:, :, 0].tolist(),
        **{k: np.round(values[:, :, i] / lengths[:, None], 4).tolist() for k, i in shares.items()},
    }


def routing(spec: RunSpec) -> dict[str, Any]:
    """How often each expert of each layer was chosen in some decode steps of the trace, spread evenly; {} with the
    reason where the trace is not there any more."""
    try:
        work = for_run(spec.trace, spec.model, spec.batch, spec.steps, spec.seed)
    except (ChipweaveError, OSError) as error:
        return {"why": str(error)}
    trace: Any = work.trace
    steps = min(spec.steps, trace.steps)
    first = 1 if steps > 1 else 0
    chosen = np.unique(np.linspace(first, steps - 1, min(MOST_STEPS, steps - first)).astype(int)).tolist()
    counts = np.zeros((len(trace.layers), trace.experts), np.int64)
    for ids in _read(trace, chosen):
        for i in range(len(trace.layers)):
            flat = np.asarray(ids[i]).ravel()
            counts[i] += np.bincount(flat[flat < trace.experts], minlength=trace.experts)
    return {"layers": list(trace.layers), "steps": chosen, "counts": counts.tolist(), "replication": work.replication}


def _read(trace: Any, steps: list[int]) -> Iterator[Any]:
    for step in steps:
        yield trace.read(step)


def residuals(system: System) -> list[dict[str, Any]]:
    """For each sort of part of the system: its kinds, and how far the model is from measured H100 rows of that sort."""
    kinds: dict[str, set[str]] = {}
    for part in system.parts.values():
        kinds.setdefault(part.kind.partition(".")[0], set()).add(part.kind)
    groups = baseline.read(files.folder() / "baseline.json")["h100"]
    means = error_bars.residuals()
    found = []
    for sort, names in sorted(kinds.items()):
        measured = PARTS_OF.get(sort, "")
        rows = [
            {"group": name.removesuffix(" (predicted)"), **row}
            for name, row in groups.items()
            if measured
            and name.startswith(error_bars.GROUPS[measured])
            and name.endswith("(predicted)")
            and row["n_modelled"]
        ]
        found.append(
            {
                "kinds": sorted(names),
                "part": WORDS.get(measured, ""),
                "mean": means.get(measured),
                "groups": sorted(rows, key=lambda row: -(row["mape"] or 0)),
            }
        )
    return sorted(found, key=lambda each: each["mean"] is None)


def command(found: Comparison) -> str:
    """The command that runs the comparison again; paths are those that were given."""
    runs = [run.spec for run in found]
    spec = runs[0]
    words = ["chipweave", "compare", "--topology", spec.topology, "--model", spec.model]
    words += ["--trace", spec.trace] if spec.trace else []
    words += ["--batch", str(spec.batch), "--steps", str(spec.steps), "--seed", str(spec.seed), "--preset", spec.preset]
    words += ["--strategies", ",".join(dict.fromkeys(run.strategy_name for run in runs))]
    models = list(dict.fromkeys(run.row["link_model"] for run in found))
    words += ["--link-models" if len(models) > 1 else "--link-model", ",".join(models)]
    for name in ("admission", "wait_queue"):
        if len(models) == 1 and getattr(spec, name):
            words += [f"--{name.replace('_', '-')}", getattr(spec, name)]
    words += ["--engine", spec.engine] if spec.engine != RunSpec.engine else []
    words += [word for each in spec.sets for word in ("--set", each)]
    words += ["--allow-code"] if spec.allow_code else []
    return shlex.join(words)
