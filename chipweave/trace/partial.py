"""Requests that leave layers out: null, or no key, in some steps or in all. Which layers there are, the model says.

A request that has them all is read as any other (jsontrace.py). In one that does not, steps are read together that have
the same layers.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NoReturn

import numpy as np

from chipweave.errors import BadInput, Fault, Place, Unfit
from chipweave.trace import jsontrace
from chipweave.trace.holes import runs_of

QUICK_FAULTS = (ValueError, TypeError, KeyError, AttributeError, OverflowError)


def layout_of(steps: Any, model: Any, place: Place) -> jsontrace.Layout:
    """The layout of a trace of `model`, from the model and its first request; raises `Unfit` where that is another
    model's."""
    if not isinstance(steps, list) or not steps or not all(isinstance(step, dict) for step in steps):
        return jsontrace.layout_of(steps, place)  # says what is wrong
    moe = tuple(map(str, model.moe_layers))
    there = {key: rows for step in steps for key, rows in step.items() if rows is not None}
    sizes = {len(rows[0]) for rows in there.values() if isinstance(rows, list) and rows and isinstance(rows[0], list)}
    if not there.keys() <= set(moe) or not sizes <= {model.top_k}:
        raise Unfit(
            Fault(
                f"not a trace of {model.name}: top-{', '.join(map(str, sorted(sizes)))} in {len(there)} layers",
                place,
                allowed=f"top-{model.top_k} in layers among {moe[0]} to {moe[-1]}",
            )
        )
    layer_keys = len(steps[1]) if len(steps) > 1 else None
    return jsontrace.Layout(frozenset(steps[0]), moe, tuple(steps[0].keys() - set(moe)), model.top_k, layer_keys)


def ids_of(
    steps: Any, layout: jsontrace.Layout, place: Place, plain_numbers: bool
) -> tuple[int, np.ndarray, np.ndarray | None]:
    """As jsontrace.ids_of, and what is missing as runs_of has it, None where nothing is; there, ids are 0, 1, ..., k -
    1."""
    if plain_numbers:
        with suppress(*QUICK_FAULTS):
            return (*jsontrace.whole_ids(steps, layout), None)
        with suppress(*QUICK_FAULTS):
            return _partial_ids(steps, layout)
    _explain(steps, layout, place)
    return _partial_ids(steps, layout)


def _partial_ids(steps: Any, layout: jsontrace.Layout) -> tuple[int, np.ndarray, np.ndarray | None]:
    """(prompt rows, ids, layers left out by step) of a request; TypeError or ValueError where it is not plain.

    Layers that are left out get ids 0, 1, ..., which readers take out again.
    """
    if not isinstance(steps, list) or not steps:
        raise TypeError
    has = np.array([[step.get(key) is not None for key in layout.moe] for step in steps])
    if sum(rows is not None for step in steps for rows in step.values()) != has.sum():
        raise ValueError
    first = [key for key in layout.moe if steps[0].get(key) is not None]
    prompt = len(steps[0][first[0]]) if first else 1
    ids = np.empty((prompt + len(steps) - 1, len(layout.moe), layout.top_k), np.uint16)
    ids[:] = np.arange(layout.top_k)
    if first:
        flat = jsontrace.flat_ids([steps[0][key] for key in first], layout.top_k, None)
        ids[:prompt, has[0]] = flat.reshape(len(first), prompt, layout.top_k).transpose(1, 0, 2)
    patterns, which = np.unique(has[1:], axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        columns, alike = np.flatnonzero(pattern), np.flatnonzero(which.ravel() == number)
        keys = [layout.moe[column] for column in columns]
        flat = jsontrace.flat_ids([steps[1 + step][key] for step in alike for key in keys], layout.top_k, 1)
        ids[np.ix_(prompt + alike, columns)] = flat.reshape(len(alike), len(columns), layout.top_k)
    missing = runs_of(has)
    return prompt, ids, missing if len(missing) else None


def _explain(steps: Any, layout: jsontrace.Layout, place: Place) -> None:
    """Raise `BadInput` at the first element that is not as it must be; return if none is found."""

    def fail(what: str, allowed: str) -> NoReturn:
        raise BadInput(Fault(what, place, allowed=allowed))

    if not isinstance(steps, list) or not steps:
        fail("the trace is empty" if steps == [] else "a trace must be a list of steps", "[{layer: rows, ...}, ...]")
    for number, step in enumerate(steps):
        if not isinstance(step, dict):
            fail(f"step {number} is not an object of layers", "{layer: rows, ...}")
        there = [key for key, rows in step.items() if rows is not None]
        for key in there:
            if key not in layout.moe:
                fail(
                    f"step {number}: layer {key[:20]!r} has rows",
                    f"rows in layers among {layout.moe[0]} to {layout.moe[-1]}, the model's MoE layers",
                )
            if not isinstance(step[key], list):
                fail(f"step {number}, layer {key}: no list", "rows of expert ids, or null")
        for key in sorted(there, key=int):
            count = 1 if number else len(step[min(there, key=int)])
            jsontrace.explain_layer(f"step {number}, layer {key}", step[key], count, layout.top_k, fail)
