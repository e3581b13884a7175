"""Suite serving: kernels, exchanges, steps and nodes of MoE servers, measured rows beside what the model says."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from chipweave import ledger
from chipweave.ledger.asking import asking
from chipweave.ledger.choice import chosen
from chipweave.ledger.text import percent, table
from chipweave.serving import models

from ..cases.step import MODELS
from ..rows.conditions import conditions

FOLDER = files("chipweave.validation") / "references" / "serving"
KEEP_ROWS = False


def references(reference: Any = None, groups: tuple[Any, ...] = (), device: Any = None) -> Any:
    """[(Question, value text)] of a CSV or a folder of them (the shipped tables where none is given)."""
    return chosen(ledger.read_references(reference or FOLDER), groups, device)


def results(reference: Any = None, groups: tuple[Any, ...] = (), device: Any = None, jobs: int = 1) -> Any:
    """Judge the rows of `reference`."""
    return ledger.judge("serving", references(reference, groups, device), ledger.discover(), asking(jobs))


BAND = 0.03
"""A skewed load is dearer or cheaper than a balanced one where the ratio is off 1 by more than this."""

UNTUNED = "vllm_modeloptfp8moe_flashinfer_cutlass"
"""A kernel whose tactic is chosen without tuning: slower than its weights take, and faster with more tokens."""

SIGN_BAR = 0.95
"""Of those rows, the share whose ratio is to be predicted on its side of 1."""

BUSY_TOKENS, BUSY_CONTEXT = (4, 128), (1000, 8500)
"""Batches and contexts of the servers of group `step`: kernels of these sizes are those that its steps run."""


def remarks(rows: Any) -> Any:
    """What a reader should know: how often the sign of a skew is right; what the residual of a step is made of."""
    lines, skew = [], [r for r in rows if r.group == "moe_skew" and r.error is not None]
    if skew:
        alike = sum(_side(r.reference) == _side(r.simulated) for r in skew) / len(skew)
        clear = [r for r in skew if _side(r.reference)]
        right = sum((r.reference - 1) * (r.simulated - 1) > 0 for r in clear) / max(1, len(clear))
        lines.append(
            f"moe_skew: {len(clear)} of {len(skew)} rows are off 1 by more than {BAND:.0%}; {right:.1%} of them are "
            f"predicted on that side of 1 (bar {SIGN_BAR:.0%}); "
            f"{alike:.0%} of all rows fall in the same class (cheaper, within {BAND:.0%}, dearer)"
        )
        lines.append(_wrong_side([r for r in clear if (r.reference - 1) * (r.simulated - 1) <= 0]))
    lines += _steps(rows)
    parts = [f"{name} {bias:+.1%} ({n} rows)" for name, bias, n in residuals(rows)]
    return lines + (["mean signed error on kernels of the sizes that steps run: " + ", ".join(parts)] if parts else [])


def _wrong_side(rows: Any) -> str:
    """What the rows whose side is wrong share: one token (both loads read as many experts), one expert a rank (it waits
    for the host), a kernel that runs untuned; and how near to 1 the others were measured."""
    sorts: dict[str, int] = dict.fromkeys(("one token", "one expert a rank", "an untuned kernel", "others"), 0)
    near = 0
    for r in rows:
        words = conditions(r)
        alone = words.get("ep") == words.get("experts")
        sort = "one token" if r.x == 1 else "one expert a rank" if alone else "others"
        if sort == "others" and UNTUNED in words.get("kernel", ""):
            sort = "an untuned kernel"
        sorts[sort] += 1
        near += sort == "others" and abs(r.reference - 1) <= 2 * BAND
    parts = ", ".join(f"{sort} {n}" for sort, n in sorts.items())
    return (
        f"moe_skew: {len(rows)} rows on the wrong side: {parts} ({near} of these measured within {2 * BAND:.0%} of 1)"
    )


def _steps(rows: Any) -> list[str]:
    """The error of steps of MoE models apart, and of those of them that are no faster than the same server with an
    eighth of its requests or less: other versions or options of the server, which the table does not state."""
    given = {r.id: conditions(r) for r in rows if r.group == "step"}
    moe = [
        r
        for r in rows
        if r.id in given
        and r.role == ledger.SCORED
        and r.error is not None
        and models.load(_preset(given[r.id])).experts
    ]
    if not moe:
        return []
    odd = [r for r in moe if any(_cheaper(r, s, given) for s in moe)]
    mean = [sum(abs(r.error) for r in part) / max(1, len(part)) for part in (moe, [r for r in moe if r not in odd])]
    text = f"step, MoE models apart: {len(moe)} rows, mean error {mean[0]:.1%}"
    without = f"; without {len(odd)} that measure no longer than the same server with an eighth of the requests"
    names = ", ".join(r.id for r in odd)
    return [text + (f"{without} ({names}): {mean[1]:.1%}" if odd else "")]


def _preset(words: dict[str, str]) -> str:
    """The model that a modelled row names."""
    return next(preset for word, preset in MODELS.items() if word in "/" + words["model"].lower())


SERVER = ("model", "isl", "osl", "tp", "attention_dp", "moe_ep")
NO_LONGER = 1.1


def _cheaper(row: Any, other: Any, given: Any) -> bool:
    """Whether `row` takes no longer (within a tenth) than `other`, the same server with an eighth of the requests."""
    same = row.device == other.device and all(given[row.id].get(k) == given[other.id].get(k) for k in SERVER)
    return same and 8 * other.x <= row.x and row.reference <= NO_LONGER * other.reference


def residuals(rows: Any) -> Any:
    """[(part of a step, mean signed error, rows)]: where kernels of the same shapes as the servers' were measured, and
    the servers that the framework's time was fitted to."""
    found: dict[str, list[float]] = {}
    for r in rows:
        part = _part(r)
        if part and r.error is not None:
            found.setdefault(part, []).append(r.error)
    return [(part, sum(errors) / len(errors), len(errors)) for part, errors in sorted(found.items())]


def _part(result: Any) -> Any:
    """The part of a step that a row tells about, or None."""
    x = result.x
    if x is None:
        return None
    if result.group.startswith("attention") and "decode" in result.quantity:
        return "attention" if BUSY_CONTEXT[0] <= x <= BUSY_CONTEXT[1] else None
    if result.group == "moe_balanced":
        return "experts" if BUSY_TOKENS[0] <= x <= BUSY_TOKENS[1] else None
    if result.group in ("a2a_nodes", "a2a_nvl72"):
        return "communication"
    return "framework" if result.group == "step" and result.role == "calibration" else None


def _side(ratio: Any) -> Any:
    """1 dearer, -1 cheaper, 0 within the band."""
    return (ratio > 1 + BAND) - (ratio < 1 - BAND)


def extra(rows: Any) -> Any:
    """Parts of the Markdown ledger that only this suite has: the groups by framework and model; rows that are not
    modelled."""
    split: dict[Any, list[Any]] = {}
    missing: dict[tuple[str, str], list[str]] = {}
    for r in rows:
        if r.role != ledger.SCORED:
            continue
        if r.error is None:
            missing.setdefault((r.group, r.why), []).append(r.id)
        else:
            words = conditions(r)
            name = (
                words.get("kernel")
                if r.group.startswith("moe")
                else words.get("model", words.get("framework", words.get("library", "")))
            )
            split.setdefault((r.group, r.device, (words.get("framework") or "-").split()[0], name), []).append(r.error)
    lines = [
        [*key, len(e), percent(sum(map(abs, e)) / len(e)), percent(sum(e) / len(e))]
        for key, e in sorted(split.items(), key=str)
    ]
    parts = (
        [
            "### By framework, kernel and model",
            table(["group", "device", "framework", "kernel or model", "rows", "mean error", "bias"], lines),
        ]
        if lines
        else []
    )
    gone = [[group, len(ids), why] for (group, why), ids in sorted(missing.items())]
    return parts + (["### Rows that are not modelled", table(["group", "rows", "why"], gone)] if gone else [])
