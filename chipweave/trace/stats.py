"""How skewed and how sticky a trace is, by layer and phase.

max_over_mean    load of the busiest expert over the mean load of the layer's experts
gini             Gini coefficient of the loads: 0 all alike, towards 1 all on one
top20_share      share of all selections that the busiest 20 % of experts (rounded up) hold
token_overlap    share of a token's experts that the next token of the same request keeps
popularity_overlap   the same for two tokens drawn at random from the layer's loads: what skew alone gives
experts_used     share of experts that a batch step names at all, mean over decode steps
step_max_over_mean   max_over_mean within one step, mean over decode steps
"""

import math

import numpy as np

from chipweave.errors import BadInput, Fault, Place
from chipweave.io.console import Sheet, show

PHASES = ("prefill", "decode")
PER_LAYER = (
    "max_over_mean",
    "gini",
    "top20_share",
    "token_overlap",
    "popularity_overlap",
    "experts_used",
    "step_max_over_mean",
)


def measure(trace, progress=lambda text, done, total: None):
    """The document of `trace stats`: per phase and layer the measures above, and their median, least and most."""
    if trace.holes:
        raise BadInput(Fault("leaves layers out", Place(str(trace.path)), allowed="rows for every layer in every step"))
    phases = {name: _Phase(trace) for name in PHASES}
    last = None
    for block_step, ids, owners in _blocks(trace, progress):
        prefill = block_step == 0
        phases["prefill" if prefill else "decode"].count(ids)
        if prefill:
            phases["prefill"].pairs(ids[:-1], ids[1:], owners[:-1] == owners[1:])
        elif last is not None and last[0] == block_step - 1 >= 1:
            kept = np.searchsorted(last[2], owners)
            phases["decode"].pairs(last[1][kept], ids, np.ones(len(owners), bool))
        last = (block_step, ids, owners)
    result = {
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
            result[name] = {"tokens": phase.tokens, "layers": layers, "over_layers": _over_layers(layers)}
    return result


def gini(loads):
    """Gini coefficient of loads [experts]."""
    ordered, count = np.sort(loads), len(loads)
    return float((2 * np.arange(1, count + 1) - count - 1) @ ordered / (count * ordered.sum()))


def top_share(loads, share=0.2):
    """What the busiest ceil(share * experts) experts hold of all."""
    most = math.ceil(share * len(loads))
    return float(np.sort(loads)[-most:].sum() / loads.sum())


class _Phase:
    """Counts of one phase, added up block by block."""

    def __init__(self, trace):
        self.trace, self.tokens, self.steps, self.pair_count = trace, 0, 0, 0
        self.loads = np.zeros((len(trace.layers), trace.experts), np.int64)
        self.kept = np.zeros(len(trace.layers), np.int64)
        self.used, self.peaks = np.zeros(len(trace.layers)), np.zeros(len(trace.layers))

    def count(self, ids):
        """Add one step's ids [rows, layers, k] (a block of the prefill)."""
        self.tokens += len(ids)
        self.steps += 1
        for layer in range(len(self.loads)):
            loads = np.bincount(ids[:, layer].ravel(), minlength=self.trace.experts)
            self.loads[layer] += loads
            self.used[layer] += (loads > 0).mean()
            self.peaks[layer] += loads.max() / loads.mean()

    def pairs(self, before, after, same):
        """Add pairs of consecutive tokens [rows, layers, k], where `same` says they are of one request."""
        before, after = before[same], after[same]
        self.pair_count += len(after)
        for slot in range(self.trace.top_k):
            self.kept += (after == before[:, :, slot : slot + 1]).any(axis=2).sum(axis=0)

    def layers(self):
        rows, top_k = [], self.trace.top_k
        for index, layer in enumerate(self.trace.layers):
            loads = self.loads[index]
            share = loads / self.tokens
            rows.append(
                {
                    "layer": layer,
                    "max_over_mean": float(loads.max() / loads.mean()),
                    "gini": gini(loads),
                    "top20_share": top_share(loads),
                    "token_overlap": float(self.kept[index] / (self.pair_count * top_k)) if self.pair_count else None,
                    "popularity_overlap": float(share @ share / top_k),
                    "experts_used": float(self.used[index] / self.steps),
                    "step_max_over_mean": float(self.peaks[index] / self.steps),
                }
            )
        return rows


def _blocks(trace, progress):
    """(step, ids [rows, layers, k], request of each row), the prefill in blocks, a decode step whole."""
    done, owners = 0, trace.row_request(0)
    for ids in trace.read_blocks(0):
        yield 0, ids, owners[done : done + len(ids)]
        done += len(ids)
    for step in range(1, trace.steps):
        yield step, np.concatenate(list(trace.read_blocks(step))), trace.row_request(step)
        progress("reading steps", step + 1, trace.steps)


def _over_layers(layers):
    known = {key: [row[key] for row in layers if row[key] is not None] for key in PER_LAYER}
    return {
        key: {"median": float(np.median(values)), "least": min(values), "most": max(values)} if values else None
        for key, values in known.items()
    }


def print_table(document):
    """One table per phase: every layer, and the median over layers."""
    for phase in PHASES:
        if phase not in document:
            continue
        found = document[phase]
        title = f"{document['name']}: {phase}, {found['tokens']} tokens"
        sheet = Sheet(title, ("layer", *(key.replace("_", " ") for key in PER_LAYER)), right_from=1)
        for row in found["layers"]:
            sheet.add(str(row["layer"]), *map(_short, (row[key] for key in PER_LAYER)))
        medians = (found["over_layers"][key] and found["over_layers"][key]["median"] for key in PER_LAYER)
        sheet.add("median", *map(_short, medians))
        show(sheet)


def _short(value):
    return "-" if value is None else f"{value:.3f}"
