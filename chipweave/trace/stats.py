"""How skewed and how sticky a trace is, by layer and phase.

max_over_mean    load of the busiest expert over the mean load of the layer's experts
gini             Gini coefficient of the loads: 0 all alike, towards 1 all on one
top20_share      share of all selections that the busiest 20 % of experts (rounded up) hold
token_overlap    share of a token's experts that the next token of the same request keeps
popularity_overlap   the same for two tokens drawn at random from the layer's loads: what skew alone gives
cv               standard deviation over mean
top8_share       share of all selections that the busiest 8 experts hold
cold_share       share of experts with less than a tenth of the mean load
epN_max_over_mean    load of the busiest of N devices over the mean, experts in order of their ids (N = 8, 16, 32, 64)
group_max_over_mean  the same of the gate's groups, where the model's tokens use some of them only
experts_used     share of experts that a batch step names at all, mean over decode steps
step_max_over_mean   max_over_mean within one step, mean over decode steps
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from chipweave.errors import BadInput, Fault, Place
from chipweave.io.console import Sheet, show
from chipweave.trace import law as laws
from chipweave.trace import models, relations
from chipweave.trace.widths import predecessors

PHASES = ("prefill", "decode")
DEVICES = (8, 16, 32, 64)
PER_LAYER = (
    "max_over_mean",
    "gini",
    "top20_share",
    "token_overlap",
    "popularity_overlap",
    "experts_used",
    "step_max_over_mean",
    "cv",
    "top8_share",
    "cold_share",
    "ep8_max_over_mean",
    "ep16_max_over_mean",
    "ep32_max_over_mean",
    "ep64_max_over_mean",
    "group_max_over_mean",
)
COVERS = {
    "prefill": "over all tokens of the prompts (step 0)",
    "decode": "over all tokens of the decode steps; experts used, step max over mean: means over these steps",
}
RELATIONS_COVER = "prefill against decode: all tokens; relations: a sample of whole requests, both phases"
SHOWN = PER_LAYER[:7]  # of the table on a terminal; all are in the JSON


def measure(
    trace: Any,
    progress: Any = lambda text, done, total: None,
    sample: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
) -> dict[str, Any]:
    """The document of `trace stats`: per phase and layer the measures above, and their median, least and most.

    One pass over the trace in blocks; memory is that of one decode step. BadInput for a trace with
    layers left out.

    sample: what `relations.sample` gives of the trace, where it was drawn already.
    """
    if trace.holes:
        raise BadInput(Fault("leaves layers out", Place(str(trace.path)), allowed="rows for every layer in every step"))
    phases = {name: _Phase(trace) for name in PHASES}
    last: tuple[int, np.ndarray, np.ndarray] | None = None
    for block_step, ids, owners in _blocks(trace, progress):
        prefill = block_step == 0
        phases["prefill" if prefill else "decode"].count(ids)
        if prefill:
            phases["prefill"].pairs(ids[:-1], ids[1:], owners[:-1] == owners[1:])
        else:
            known = last if last is not None and last[0] == block_step - 1 >= 1 else None
            rows, places = predecessors(known[2] if known else owners[:0], owners)
            before = np.concatenate([known[1] if known else ids[:0], ids])[places]
            phases["decode"].pairs(before, ids[rows], np.ones(len(rows), bool))
        last = (block_step, ids, owners)
    result: dict[str, Any] = {
        "schema": "chipweave.trace.stats/1",
        "name": trace.name,
        "model": trace.model or None,
        "sha256": trace.sha256,
        "requests": trace.requests,
        "steps": trace.steps,
        "experts": trace.experts,
        "top_k": trace.top_k,
    }
    for name, phase in phases.items():
        if phase.tokens:
            layers = phase.layers()
            result[name] = {"tokens": phase.tokens, "layers": layers, "over_layers": _over_layers(layers, PER_LAYER)}
    if all(phase.tokens for phase in phases.values()):
        found = [
            {"layer": layer, **relations.phases(phases["prefill"].loads[i], phases["decode"].loads[i])}
            for i, layer in enumerate(trace.layers)
        ]
        result["phases"] = {"layers": found, "over_layers": _over_layers(found, relations.PHASES_FOUND)}
    related = relations.measure(*(sample or relations.sample(trace, progress)), trace.layers, trace.experts)
    result["relations"] = {"layers": related, "over_layers": _over_layers(related, relations.RELATIONS)}
    result["targets"] = against_targets(result, trace.model)
    return result


def against_targets(result: Any, model: Any) -> Any:
    """[{statistic, median, least, most, within}]: a model's trace against what its law aims at; [] without a law."""
    if not model or model not in laws.names():
        return []
    rows = []
    for name, (least, most) in laws.load(model).targets.items():
        section, _, key = name.partition(".")
        found = result.get(section, {}).get("over_layers", {}).get(key)
        if found:
            within = least <= found["median"] <= most
            rows.append({"statistic": name, "median": found["median"], "least": least, "most": most, "within": within})
    return rows


def gini(loads: np.ndarray) -> float:
    """Gini coefficient of loads [experts]: sum of (2i - n - 1) x_i / (n sum x), x ascending."""
    ordered, count = np.sort(loads), len(loads)
    return float((2 * np.arange(1, count + 1) - count - 1) @ ordered / (count * ordered.sum()))


def top_share(loads: np.ndarray, share: float = 0.2) -> float:
    """What the busiest ceil(share * experts) experts hold of all."""
    most = math.ceil(share * len(loads))
    return float(np.sort(loads)[-most:].sum() / loads.sum())


def busiest(loads: np.ndarray, devices: int) -> float | None:
    """Load of the busiest of `devices` over the mean, experts dealt out in order; None with fewer experts."""
    if len(loads) < devices:
        return None
    held = np.add.reduceat(loads, np.arange(devices) * len(loads) // devices)
    return float(held.max() / held.mean())


def _groups_of(trace: Any) -> Any:
    """Groups of the trace's model, of which a token uses some only.

    1 where there are none or the model is not known.
    """
    model = models.load(trace.model) if trace.model in models.names() else None
    return model.groups if model and model.groups_used < model.groups else 1


class _Phase:
    """Counts of one phase, added up block by block.

    loads: int64 [layers, experts]; kept, pair_choices: choices that the next token keeps, and all
    of those; used, peaks: sums over steps.
    """

    def __init__(self, trace: Any) -> None:
        """All counts are 0."""
        self.trace, self.tokens, self.steps, self.pair_choices = trace, 0, 0, np.zeros(len(trace.layers), np.int64)
        self.loads = np.zeros((len(trace.layers), trace.experts), np.int64)
        self.kept = np.zeros(len(trace.layers), np.int64)
        self.used, self.peaks = np.zeros(len(trace.layers)), np.zeros(len(trace.layers))

    def count(self, ids: np.ndarray) -> None:
        """Add one step's ids [rows, layers, k] (a block of the prefill)."""
        self.tokens += len(ids)
        self.steps += 1
        for layer in range(len(self.loads)):
            loads = np.bincount(self.chosen(ids[:, layer]), minlength=self.trace.experts)
            self.loads[layer] += loads
            self.used[layer] += (loads > 0).mean()
            self.peaks[layer] += loads.max() / loads.mean()

    def pairs(self, before: Any, after: Any, same: Any) -> None:
        """Add pairs of consecutive tokens [rows, layers, k], where `same` says they are of one request."""
        before, after = before[same], after[same]
        there = np.ones(after.shape, bool) if self.trace.no_choice is None else after != self.trace.no_choice
        self.pair_choices += there.sum(axis=(0, 2))
        for slot in range(self.trace.top_k):
            self.kept += ((after == before[:, :, slot : slot + 1]) & there).sum(axis=(0, 2))

    def chosen(self, ids: Any) -> Any:
        """The ids that are choices, as one row."""
        return ids.ravel() if self.trace.no_choice is None else ids[ids != self.trace.no_choice]

    def layers(self) -> Any:
        """One row of measures for each layer; None where a measure has nothing to measure."""
        rows, top_k, groups = [], self.trace.top_k, _groups_of(self.trace)
        for index, layer in enumerate(self.trace.layers):
            loads = self.loads[index]
            share = loads / self.tokens
            rows.append(
                {
                    "layer": layer,
                    "max_over_mean": float(loads.max() / loads.mean()),
                    "gini": gini(loads),
                    "top20_share": top_share(loads),
                    "token_overlap": float(self.kept[index] / self.pair_choices[index])
                    if self.pair_choices[index]
                    else None,
                    "popularity_overlap": float(share @ share / top_k),
                    "experts_used": float(self.used[index] / self.steps),
                    "step_max_over_mean": float(self.peaks[index] / self.steps),
                    "cv": float(loads.std() / loads.mean()),
                    "top8_share": float(np.sort(loads)[-8:].sum() / loads.sum()),
                    "cold_share": float((loads < 0.1 * loads.mean()).mean()),
                    **{f"ep{n}_max_over_mean": busiest(loads, n) for n in DEVICES},
                    "group_max_over_mean": busiest(loads, groups) if groups > 1 else None,
                }
            )
        return rows


def _blocks(trace: Any, progress: Any) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """(step, ids [rows, layers, k], request of each row), the prefill in blocks, a decode step whole."""
    done, owners = 0, trace.row_request(0)
    for ids in trace.read_blocks(0):
        yield 0, ids, owners[done : done + len(ids)]
        done += len(ids)
    for step in range(1, trace.steps):
        yield step, np.concatenate(list(trace.read_blocks(step))), trace.row_request(step)
        progress("reading steps", step + 1, trace.steps)


def _over_layers(layers: Any, keys: Any) -> Any:
    """{measure: median, least, most over the layers that have it}."""
    known = {key: [row[key] for row in layers if row[key] is not None] for key in keys}
    return {
        key: {"median": float(np.median(values)), "least": min(values), "most": max(values)} if values else None
        for key, values in known.items()
    }


def print_table(document: Any) -> None:
    """One table per phase: every layer, and the median over layers."""
    for phase in PHASES:
        if phase not in document:
            continue
        found = document[phase]
        title = f"{document['name']}: {phase}, {found['tokens']} tokens"
        heads = ("layer", *(key.replace("_", " ") for key in SHOWN))
        sheet = Sheet(title, heads, caption=COVERS[phase], right_from=1)
        for row in found["layers"]:
            sheet.add(str(row["layer"]), *map(_short, (row[key] for key in SHOWN)))
        medians = (found["over_layers"][key] and found["over_layers"][key]["median"] for key in SHOWN)
        sheet.add("median", *map(_short, medians))
        show(sheet)
    print_relations(document)


def print_relations(document: Any) -> None:
    """Relations over layers, and the trace against the targets of its model's law."""
    heads: tuple[str, ...] = ("relation", "median", "least", "most")
    sheet = Sheet(f"{document['name']}: over layers", heads, caption=RELATIONS_COVER, right_from=1)
    for section in ("phases", "relations"):
        for key, found in (document.get(section) or {}).get("over_layers", {}).items():
            if found:
                sheet.add(key.replace("_", " "), *(_short(found[part]) for part in ("median", "least", "most")))
    show(sheet)
    if document.get("targets"):
        heads = ("statistic, median over layers", "measured", "target", "")
        covers = "measured: median over layers of this trace; target: what the law of its model aims at"
        sheet = Sheet(f"against {document['model']}", heads, caption=covers, right_from=1)
        for row in document["targets"]:
            aim = f"{row['least']:g} to {row['most']:g}"
            sheet.add(row["statistic"], _short(row["median"]), aim, "" if row["within"] else "missed")
        show(sheet)


def _short(value: Any) -> Any:
    """Three decimals, "-" for None."""
    return "-" if value is None else f"{value:.3f}"
