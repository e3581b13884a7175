"""What a trace says, in pictures and numbers: who is popular, what follows what, how soon an expert comes again.

Beside every relation stands what popularity alone gives, and what is left of it on requests that were held out.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from chipweave.errors import BadInput, Fault
from chipweave.io.atomic import check_folder, check_replaced, write_json
from chipweave.io.outputs import save_picture
from chipweave.policy.tally import tally
from chipweave.trace import relations, stats

SCHEMA = "chipweave.trace.analysis/1"
PICTURES = ("popularity", "by_layer", "coverage", "heat_maps", "reuse")
DISTANCES = (1, 2, 4, 8, 16, 32, 64)


def analyse(
    trace: Any,
    out: Any,
    progress: Any = lambda text, done, total: None,
    layer: int | None = None,
    force: bool = False,
) -> dict:
    """Write analysis.json and pictures to the folder `out`; returns the document.

    layer: of the heat maps, the middle one where None; BadInput for one that is no MoE layer. Works
    on a sample of tokens of whole requests, so that relations between tokens hold. A folder that has the
    analysis of another trace is refused unless `force`.
    """
    check_folder(out)
    pictures = [Path(out) / f"{name}.png" for name in PICTURES]
    check_replaced(Path(out) / "analysis.json", lambda there: there["sha256"] == trace.sha256, force, pictures)
    if layer is not None and layer not in trace.layers:
        raise BadInput(Fault(f"no MoE layer {layer}", allowed=f"{trace.layers[0]} to {trace.layers[-1]}"))
    Path(out).mkdir(parents=True, exist_ok=True)
    ids, owner, follows = sample = relations.sample(trace, progress)
    document = stats.measure(trace, progress, sample)
    index = len(trace.layers) // 2 if layer is None else trace.layers.index(layer)
    reuse = reuse_distance(ids, owner, trace.experts)
    groups = contrast(trace, ids, owner)
    result = {
        **{
            key: document.get(key)
            for key in ("name", "model", "sha256", "prefill", "decode", "phases", "relations", "targets")
        },
        "schema": SCHEMA,
        "heat_map_layer": trace.layers[index],
        "reuse_distance": reuse,
        "contrast": groups,
    }
    write_json(Path(out) / "analysis.json", result)
    _pictures(Path(out), trace, document, ids, follows, index, reuse, groups)
    return result


def reuse_distance(ids: Any, owner: Any, experts: Any) -> list[dict]:
    """For each of DISTANCES: share of a token's experts that its request chose within that number of tokens before.

    Means over layers; an absent choice counts for nothing. `popularity`: the same for tokens shuffled over requests,
    which leaves loads as they are and nothing else.
    """
    shuffled = np.random.default_rng(0).permutation(len(ids))
    seen, chance = _seen_within(ids, owner, experts), _seen_within(ids[shuffled], owner, experts)
    return [
        {"tokens": distance, "share": float(seen[i]), "popularity": float(chance[i])}
        for i, distance in enumerate(DISTANCES)
    ]


def _seen_within(ids: Any, owner: Any, experts: Any) -> Any:
    """float [DISTANCES]: the share of choices that were made at most that number of tokens before, in the same request.

    The mean over choices of at most eight layers, evenly spaced.
    """
    place = np.arange(len(ids))
    begin = np.concatenate([[0], np.flatnonzero(owner[1:] != owner[:-1]) + 1])
    begin = begin[np.searchsorted(begin, place, side="right") - 1]
    total, count = np.zeros(len(DISTANCES)), 0
    for index in range(0, ids.shape[1], max(1, ids.shape[1] // 8)):
        last, gap = np.full(experts + 1, -(10**9)), np.empty((len(ids), ids.shape[2]), np.int64)
        for token in range(len(ids)):
            chosen = ids[token, index]
            before = last[chosen]
            gap[token] = np.where(before >= begin[token], token - before, 10**9)
            last[chosen] = token
        later = gap[(place > begin)[:, None] & (ids[:, index] < experts)]
        total += [(later <= distance).sum() for distance in DISTANCES]
        count += later.size
    return total / max(1, count)


def contrast(trace: Any, ids: Any, owner: Any) -> list[dict]:
    """Groups of requests by the first parts of their names (task, language): rank correlation and common hot experts.

    Medians over layers of each pair of groups; [] where all requests are of one group.
    """
    names = [name.rpartition("/")[0] for name in trace.order]
    groups = sorted({names[request] for request in np.unique(owner).tolist()})
    if not 1 < len(groups) <= 16:
        return []
    member = np.array([groups.index(name) if name in groups else -1 for name in names])[owner]
    loads = np.array(
        [
            [
                np.bincount(ids[member == g][:, layer].ravel(), minlength=trace.experts + 1)[: trace.experts]
                for layer in range(ids.shape[1])
            ]
            for g in range(len(groups))
        ]
    )
    rows = []
    for a in range(len(groups)):
        for b in range(a):
            found = [relations.phases(loads[a, layer], loads[b, layer]) for layer in range(ids.shape[1])]
            medians = {key: float(np.median([each[key] for each in found])) for key in relations.PHASES_FOUND}
            rows.append({"one": groups[b], "other": groups[a], **medians})
    return rows


def _pictures(out: Any, trace: Any, document: Any, ids: Any, follows: Any, index: Any, reuse: Any, groups: Any) -> None:
    """popularity.png, by_layer.png, the heat maps and the rest, one figure a file, in `out`."""
    from matplotlib.figure import Figure

    def figure(name: Any, wide: float = 7.0, high: float = 3.6, columns: int = 1) -> Any:
        made = Figure(figsize=(wide, high), layout="constrained")
        return made, made.subplots(1, columns, squeeze=False)[0], out / f"{name}.png"

    made, (axis,), path = figure("popularity")
    loads = _loads(ids, trace.experts)
    image = axis.imshow(
        np.sort(loads, axis=1)[:, ::-1], aspect="auto", cmap="viridis", norm="log" if (loads > 0).all() else None
    )
    axis.set(xlabel="expert by rank", ylabel="MoE layer", title=f"{trace.name}: load over the mean")
    made.colorbar(image)
    save_picture(made, path, dpi=110)

    made, (axis,), path = figure("by_layer")
    phase = "decode" if "decode" in document else "prefill"
    for key in ("max_over_mean", "cv", "gini"):
        axis.plot(trace.layers, [row[key] for row in document[phase]["layers"]], label=key.replace("_", " "))
    if "phases" in document:
        axis.plot(
            trace.layers,
            [row["spearman"] for row in document["phases"]["layers"]],
            label="prompt-answer rank correlation",
        )
    axis.set(xlabel="MoE layer", title=f"{trace.name}: skew by layer, {phase}", yscale="log")
    axis.legend(fontsize="small")
    save_picture(made, path, dpi=110)

    made, axes, path = figure("coverage", 11, 3.6, 2)
    for axis, name in zip(axes, ("next_layer", "next_token"), strict=True):
        for part, style in (("coverage", "-"), ("held_out", "--"), ("popularity", ":")):
            values = [row[f"{name}_{part}"] for row in document["relations"]["layers"]]
            axis.plot(trace.layers, [np.nan if v is None else v for v in values], style, label=part.replace("_", " "))
        axis.set(xlabel="MoE layer", ylabel="held by the top 20 %", title=name.replace("_", " "), ylim=(0, 1))
        axis.legend(fontsize="small")
    save_picture(made, path, dpi=110)

    made, axes, path = figure("heat_maps", 11, 5, 2)
    after = min(index + 1, len(trace.layers) - 1)
    tables = (
        ("next layer", relations.table_of(ids[:, index], ids[:, after], trace.experts)),
        ("next token", relations.table_of(ids[follows, index], ids[follows + 1, index], trace.experts)),
    )
    for axis, (name, table) in zip(axes, tables, strict=True):
        share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
        image = axis.imshow(share, aspect="auto", cmap="magma", vmax=max(np.quantile(share, 0.999), 1e-9))
        axis.set(xlabel="expert that follows", ylabel="expert", title=f"layer {trace.layers[index]}: {name}")
        made.colorbar(image)
    save_picture(made, path, dpi=110)

    made, (axis,), path = figure("reuse", 5)
    axis.plot([r["tokens"] for r in reuse], [r["share"] for r in reuse], "o-", label="the request's own tokens")
    axis.plot([r["tokens"] for r in reuse], [r["popularity"] for r in reuse], "o:", label="popularity alone")
    axis.set(xlabel="tokens back", ylabel="share of experts seen", xscale="log", ylim=(0, 1), title="reuse")
    axis.legend(fontsize="small")
    save_picture(made, path, dpi=110)


def _loads(ids: Any, experts: Any) -> Any:
    """float [layers, experts]: load over the mean."""
    counts = np.stack(
        [np.bincount(ids[:, layer].ravel(), minlength=experts + 1)[:experts] for layer in range(ids.shape[1])]
    )
    return counts / np.maximum(counts.mean(axis=1, keepdims=True), 1e-9)


def holds_loads(path: Path) -> bool:
    """Whether a file is what `trace loads` writes."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {"loads"} <= set(file.files)
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile):
        return False


def loads_of(trace: Any, progress: Any = lambda text, done, total: None) -> dict[str, np.ndarray]:
    """`loads` of the answers (of the prompts where there are none), `prompt_loads` [layers, experts].

    `pairs` [experts, experts].
    """
    counts = np.zeros((2, len(trace.layers), trace.experts), np.int64)
    for step in trace.steps_iter():
        for index in range(len(trace.layers)):
            counts[min(step.step, 1), index] += tally(step[index], trace.experts)[0]
        progress("counting", step.step + 1, trace.steps)
    ids, _, _ = relations.sample(trace)
    pairs = np.zeros((trace.experts, trace.experts), np.int64)
    for i in range(len(trace.layers)):
        pairs += relations.table_of(ids[:, i], ids[:, i], trace.experts)
    np.fill_diagonal(pairs, 0)
    answers = counts[1] if counts[1].any() else counts[0]
    return {"loads": answers, "prompt_loads": counts[0], "pairs": pairs, "layer": np.array(trace.layers)}
