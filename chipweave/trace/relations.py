"""What ties the choices of a trace together: token to token, layer to layer, expert to expert, prompt to answer.

Measured on a sample of whole requests (`SAMPLE_TOKENS` tokens), each figure beside what popularity alone would give.

next_layer_coverage      for each expert of a layer the 20 % of the next layer's experts that follow it most; share
                         of the following choices they hold, on the tokens the table was made from
next_layer_held_out      the same, table from one half of the requests, choices from the other
next_layer_popularity    share that the next layer's 20 % most popular experts hold: coverage without any relation
next_token_*             the same from a token to the next of its request, in the same layer
top_pairs_share          share of co-activations that the 10 % most frequent pairs of a layer hold
pair_lift_p99            99th percentile over pairs of (co-activations / what independence gives), pairs expected 5
                         times
request_concentration    Dirichlet concentration of the requests' own shares around the layer's, by their variance
spearman, top5_overlap, top10_overlap, top20_overlap     loads of prompts against loads of answers (section "phases")
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from chipweave import fabric
from chipweave.trace.store import Trace

FFI, LIB = fabric.load("heatmap")
SAMPLE_TOKENS = 1 << 16
SAMPLE_STEPS = 64
TOP = 0.2
RELATIONS = (
    "next_layer_coverage",
    "next_layer_held_out",
    "next_layer_popularity",
    "next_token_coverage",
    "next_token_held_out",
    "next_token_popularity",
    "top_pairs_share",
    "pair_lift_p99",
    "request_concentration",
)
PHASES_FOUND = ("spearman", "top5_overlap", "top10_overlap", "top20_overlap")


def sample(trace: Trace, progress: Any = lambda text, done, total: None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(ids [tokens, layers, k], request of each token, rows whose successor in the request is the next row).

    An absent choice is expert number `trace.experts`, one past the last.

    Answers of the first requests; prompts where the trace has no answers. Rows by (request, token).
    """
    if trace.prefill_only:
        ids = np.concatenate(list(trace.read_blocks(0)))[:SAMPLE_TOKENS]
        owner = trace.row_request(0)[: len(ids)]
    else:
        steps = range(1, min(trace.steps, SAMPLE_STEPS + 1))
        most = max(2, SAMPLE_TOKENS // len(steps))
        rows: list[np.ndarray] = []
        owners: list[np.ndarray] = []
        at: list[np.ndarray] = []
        for step in steps:
            request = trace.row_request(step)
            block = np.concatenate(list(trace.read_blocks(step)))[request < most]
            rows.append(block)
            owners.append(request[request < most])
            at.append(np.full(len(block), step))
            progress("reading a sample", step, len(steps))
        owner = np.concatenate(owners)
        order = np.lexsort((np.concatenate(at), owner))
        ids, owner = np.concatenate(rows)[order], owner[order]
    if trace.no_choice is not None:
        ids = np.where(ids == trace.no_choice, trace.experts, ids.astype(np.uint16))
    follows = np.flatnonzero(owner[1:] == owner[:-1])
    return ids, owner, follows


def measure(
    ids: np.ndarray, owner: np.ndarray, follows: np.ndarray, layers: Sequence[int], experts: int
) -> list[dict[str, Any]]:
    """A row of RELATIONS for each layer; None where a figure does not exist."""
    rows: list[dict[str, Any]] = []
    half = owner < np.median(owner) if len(np.unique(owner)) > 1 else np.arange(len(owner)) < len(owner) // 2
    for index, layer in enumerate(layers):
        here = ids[:, index]
        row: dict[str, Any] = {"layer": layer, **dict.fromkeys(RELATIONS)}
        if index + 1 < len(layers):
            row.update(_coverage("next_layer", here, ids[:, index + 1], half, experts))
        if len(follows):
            row.update(_coverage("next_token", here[follows], here[follows + 1], half[follows], experts))
        if here.shape[1] > 1:
            row.update(_pairs(here, experts))
        row["request_concentration"] = concentration(here, owner, experts)
        rows.append(row)
    return rows


def together(ids: np.ndarray, experts: int, times: int = 1) -> np.ndarray:
    """int64 [experts, experts]: rows of ids that have both, counted `times` each; nothing is together with itself."""
    ids = np.minimum(ids.astype(np.uint16), experts)  # beyond: a choice that is absent
    both = table_of(ids, ids, experts).astype(np.int64)
    np.fill_diagonal(both, 0)
    return both * times


def table_of(before: np.ndarray, after: np.ndarray, experts: int) -> np.ndarray:
    """int32 [experts, experts]: how often j was chosen in a row of `after` when i was in the same row of `before`.

    Ids are at most `experts`, which stands for an absent choice; ValueError where one is above.
    """
    before, after = (np.ascontiguousarray(each, np.uint16) for each in (before, after))
    wide = experts + 1  # a row and a column for absent choices
    table = np.zeros((wide, wide), np.int32)
    wrong = LIB.heatmap_add_u16(
        FFI.from_buffer("int32_t[]", table),
        wide,
        FFI.from_buffer("uint16_t[]", before),
        FFI.from_buffer("uint16_t[]", after),
        *after.shape,
    )
    if wrong:
        raise ValueError(f"an id of more than {experts}")
    return np.ascontiguousarray(table[:experts, :experts])


def held_by_top(table: np.ndarray, test: np.ndarray, share: float = TOP) -> float:
    """Share of `test` that lies in the `share` largest entries of each row of `table`."""
    top = np.argsort(-table, axis=1, kind="stable")[:, : math.ceil(share * len(table))]
    return float(np.take_along_axis(test, top, 1).sum() / max(1, test.sum()))


def _coverage(name: str, before: np.ndarray, after: np.ndarray, half: np.ndarray, experts: int) -> dict[str, float]:
    """Share of what follows that the TOP of successors cover: in sample, held out, and by popularity alone.

    half: which pairs the table is made of; the others are held out.
    """
    first, second = table_of(before[half], after[half], experts), table_of(before[~half], after[~half], experts)
    loads = np.sort((first + second).sum(axis=0))
    return {
        f"{name}_coverage": held_by_top(first + second, first + second),
        f"{name}_held_out": held_by_top(first, second),
        f"{name}_popularity": float(loads[-math.ceil(TOP * experts) :].sum() / max(1, loads.sum())),
    }


def _pairs(here: np.ndarray, experts: int) -> dict[str, float | None]:
    """Pairs of experts chosen together against independence: share of the top tenth, and lift where
    5 or more are expected.
    """
    table = table_of(here, here, experts)
    upper = np.triu_indices(experts, 1)
    seen = table[upper].astype(float)
    chosen = table.diagonal() / len(here)
    expected = np.outer(chosen, chosen)[upper] * len(here)
    ordered = np.sort(seen)[::-1]
    often = expected >= 5
    return {
        "top_pairs_share": float(ordered[: len(ordered) // 10].sum() / max(1.0, ordered.sum())),
        "pair_lift_p99": float(np.quantile(seen[often] / expected[often], 0.99)) if often.any() else None,
    }


def concentration(here: np.ndarray, owner: np.ndarray, experts: int) -> float | None:
    """Dirichlet concentration by moments: 1 / r - 1, r the correlation of two choices of one request.

    None without spread.
    """
    requests, member = np.unique(owner, return_inverse=True)
    if len(requests) < 2:
        return None
    counts = np.zeros((len(requests), experts + 1))
    np.add.at(counts, (member[:, None], here), 1)
    counts = counts[counts[:, :experts].any(axis=1), :experts]
    if len(counts) < 2:
        return None
    number = counts.sum(axis=1, keepdims=True)
    share = counts.sum(axis=0) / counts.sum()
    spread = ((counts / number - share) ** 2).mean(axis=0).sum()
    chance = (share * (1 - share)).sum()
    draws = float((1 / number).mean())
    r = (spread - chance * draws) / (chance * (1 - draws)) if draws < 1 else 0
    return float(1 / r - 1) if r > 0 else None


def phases(prompt: np.ndarray, answer: np.ndarray) -> dict[str, float]:
    """PHASES_FOUND of two vectors of loads [experts]."""
    found = {"spearman": spearman(prompt, answer)}
    for count in (5, 10, 20):
        top = [set(np.argsort(-loads, kind="stable")[:count].tolist()) for loads in (prompt, answer)]
        found[f"top{count}_overlap"] = len(top[0] & top[1]) / min(count, len(prompt))
    return found


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation; equal loads share their mean rank."""
    first, second = _mean_ranks(a), _mean_ranks(b)
    if min(first.std(), second.std()) == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _mean_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0, ties sharing the mean of theirs, as Spearman's correlation wants."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    start = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    size = np.diff(np.concatenate([start, [len(values)]]))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(start + (size - 1) / 2, size)
    return ranks
