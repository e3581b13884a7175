"""One request in the JSON of MoE_expert_selection_trace: a list of steps, each {layer id: null or rows of expert ids}.

Step 0 is the prefill with a row per prompt token, every later step has one row. The quick path trusts nothing: it
checks each level's types and lengths with whole-container operations; where one does not hold, `_explain` walks the
same data slowly and says at which element."""

from __future__ import annotations

import json
from array import array
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np

from chipweave.errors import BadInput, Fault, Place, Unfit
from chipweave.io import strictjson
from chipweave.trace import uneven
from chipweave.trace.limits import MAX_EXPERTS, MAX_LAYERS, MAX_ROWS_A_STEP, MAX_TOP_K
from chipweave.trace.survey import NO_CHOICE


@dataclass(frozen=True)
class Layout:
    """What all requests of a trace share: the keys of a step, which of them are MoE layers, and top-k.

    keys: all keys of a step; moe, dense: those with rows and with null; layer_keys: keys of step 1,
    None with one step. Keys are text, as JSON has them.
    """

    keys: frozenset[str]
    moe: tuple[str, ...]
    dense: tuple[str, ...]
    top_k: int
    layer_keys: int | None

    @property
    def layers(self) -> tuple[int, ...]:
        """The MoE layers as numbers."""
        return tuple(int(key) for key in self.moe)


def load(text: bytes, place: Place) -> Any:
    """Parse a JSON document of at most some hundred levels; raises `BadInput` naming `place`."""
    try:
        return strictjson.loads(text)
    except strictjson.TwiceError as error:
        raise BadInput(Fault(str(error), place, "each key once")) from None
    except json.JSONDecodeError as error:
        raise BadInput(Fault(f"not JSON, or cut short: {error.msg} at character {error.pos + 1}", place)) from None
    except UnicodeDecodeError as error:
        raise BadInput(Fault(f"not UTF-8 at byte {error.start + 1}", place)) from None
    except RecursionError:
        raise BadInput(Fault("nested deeper than any trace", place)) from None
    except ValueError:
        raise BadInput(Fault("a number of more than 4300 digits", place, "expert ids")) from None


def layout_of(steps: Any, place: Place, top_k: int = 0) -> Layout:
    """The layout that the first request of a trace sets for all; `top_k`: of the model, where it is known."""
    fail = _failing(place)
    if not isinstance(steps, list) or not steps:
        fail("the trace is empty" if steps == [] else "a trace must be a list of steps", "[{layer: rows, ...}, ...]")
    first = steps[0]
    if not isinstance(first, dict) or not first:
        fail("step 0 names no layer", "an object of layer id: rows")
    for key in first:
        if not (key.isascii() and key.isdigit() and len(key) <= 5 and str(int(key)) == key and int(key) < MAX_LAYERS):
            fail(f"step 0: layer {key!r} is not a layer number", f"0 to {MAX_LAYERS - 1}")
    moe = tuple(sorted((key for key, rows in first.items() if rows is not None), key=int))
    if not moe:
        fail("step 0: every layer is null: no MoE layer", "at least one layer with rows")
    rows = first[moe[0]]
    if not isinstance(rows, list) or not rows or not isinstance(rows[0], list) or not 1 <= len(rows[0]) <= MAX_TOP_K:
        fail(f"step 0, layer {moe[0]}: no rows of expert ids", f"a list of rows with 1 to {MAX_TOP_K} ids")
    second = steps[1] if len(steps) > 1 and isinstance(steps[1], dict) else None
    dense = tuple(key for key, rows in first.items() if rows is None)
    return Layout(frozenset(first), moe, dense, max(top_k, len(rows[0])), len(second) if second is not None else None)


def ids_of(steps: Any, layout: Layout, place: Place, plain_numbers: bool) -> tuple[int, np.ndarray, list[int] | None]:
    """(prompt rows, ids uint16 [tokens, layers, top_k], rows of each decode step or None where all have one) of one
    request.

    Where a token has fewer experts than top_k the ids end with NO_CHOICE.

    `plain_numbers`: the text holds no `true` or `false`, which Python takes for 1 and 0.
    """
    if plain_numbers:
        try:
            return (*whole_ids(steps, layout), None)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            pass
    _explain(steps, layout, place)
    return uneven.ids_of(steps, layout)


def whole_ids(steps: list[Any], layout: Layout) -> tuple[int, np.ndarray]:
    """(prompt rows, ids) of a request that has all layers in every step; ValueError, TypeError, KeyError where anything
    is odd."""
    if not isinstance(steps, list) or not steps:
        raise TypeError
    layers = len(layout.moe)
    prompt = _rows(steps[:1], layout, None)
    prompt_rows = len(prompt) // (layers * layout.top_k)
    prompt = prompt.reshape(layers, prompt_rows, layout.top_k).transpose(1, 0, 2)
    return prompt_rows, np.concatenate([prompt, _rows(steps[1:], layout, 1).reshape(-1, layers, layout.top_k)])


def _rows(steps: list[Any], layout: Layout, rows_each: int | None) -> np.ndarray:
    """All ids of some steps as one flat uint16 array, by (step, layer, row); ValueError or TypeError where one is
    odd."""
    pick, drop = _getter(layout.moe), _getter(layout.dense)
    layers = []
    for step in steps:
        if step.keys() != layout.keys or any(value is not None for value in drop(step)):
            raise ValueError
        layers.extend(pick(step))
    return flat_ids(layers, layout.top_k, rows_each)


def flat_ids(layers: list[Any], top_k: int, rows_each: int | None) -> np.ndarray:
    """The ids of some layers' lists of rows, `rows_each` of them in each (None: as many in all), as one flat uint16
    array."""
    _all_are(list, layers)
    counts = set(map(len, layers))
    if layers and (len(counts) != 1 or 0 in counts or counts != {rows_each or min(counts)}):
        raise ValueError
    rows = list(chain.from_iterable(layers))
    _all_are(list, rows)
    if rows and set(map(len, rows)) != {top_k}:
        raise ValueError
    return np.frombuffer(array("H", list(chain.from_iterable(rows))), np.uint16) if rows else np.empty(0, np.uint16)


def _getter(keys: tuple[str, ...]) -> Any:
    """A function from a step to its values of `keys`, as a tuple whatever their number."""
    if len(keys) == 1:
        return lambda step: (step[keys[0]],)
    return itemgetter(*keys) if keys else lambda step: ()


def _all_are(kind: type[Any], values: list[Any]) -> None:
    """TypeError unless all values have exactly this type: a bool is no int here."""
    if not set(map(type, values)) <= {kind}:
        raise TypeError


def _explain(steps: list[Any], layout: Layout, place: Any) -> None:
    """Raise `BadInput` at the first element that is not as it must be; return if none is found."""
    fail = _failing(place)
    if not isinstance(steps, list) or not steps:
        fail("the trace is empty" if steps == [] else "a trace must be a list of steps", "[{layer: rows, ...}, ...]")
    for number, step in enumerate(steps):
        if not isinstance(step, dict):
            fail(f"step {number} is not an object of layers", "{layer: rows, ...}")
        _explain_keys(number, step, layout, fail)
        count = len(step[layout.moe[0]])
        if count > MAX_ROWS_A_STEP and number:
            fail(f"step {number}: {count} rows", f"at most {MAX_ROWS_A_STEP} tokens of a request in a decode step")
        for key in layout.moe:
            explain_layer(f"step {number}, layer {key}", step[key], count, layout.top_k, fail, uneven=True)


def _explain_keys(number: int, step: dict[Any, Any], layout: Layout, fail: Any) -> None:
    """BadInput where a step has other layers than the first, or rows where the first has null."""
    missing, extra = layout.keys - step.keys(), step.keys() - layout.keys
    if missing or extra:
        which = f"lacks layer {min(missing, key=int)}" if missing else f"has a layer {sorted(extra)[0]!r}"
        fail(f"step {number} {which}", "the layers of step 0 of the first request, in every step of every request")
    for key in layout.dense:
        if step[key] is not None:
            fail(
                f"step {number}, layer {key}: has rows where the first request has null",
                "null in the same layers everywhere",
            )
    for key in layout.moe:
        if not isinstance(step[key], list):
            fail(
                (
                    f"step {number}, layer {key}: {'null' if step[key] is None else 'no list'} "
                    "where the first request has rows"
                ),
                "null in the same layers everywhere",
            )


def explain_layer(where: str, rows: list[list[int]], count: int, top_k: int, fail: Any, uneven: bool = False) -> None:
    """Raise `BadInput` at the first fault of a layer's rows; `uneven`: rows may be shorter than top_k, or hold -1."""
    if not rows:
        fail(f"{where}: has no row", "a row of expert ids per token")
    if len(rows) != count:
        fail(f"{where}: has {len(rows)} rows", f"{count}, as many in every layer of a step")
    for index, row in enumerate(rows):
        if not isinstance(row, list):
            fail(f"{where}, row {index}: not a list of expert ids", f"{top_k} ids")
        if len(row) > top_k or (len(row) < top_k and not uneven):
            fail(f"{where}, row {index}: has {len(row)} ids", f"{top_k}, as in the first request")
        for expert in row:
            if type(expert) is not int:
                fail(f"{where}, row {index}: {json.dumps(expert)[:40]} is not an expert id", "a whole number from 0")
            if not -int(uneven) <= expert < MAX_EXPERTS:
                allowed = f"0 to {MAX_EXPERTS - 1}" + (", -1 for no choice" if uneven else "")
                fail(f"{where}, row {index}: expert id {str(expert)[:40]} out of range", allowed)


def check_experts(ids: np.ndarray, prompt_rows: int, layers: tuple[int, ...], experts: int, place: Any) -> None:
    """Raise `Unfit` at the first id that is not below `experts`."""
    if int(ids.max()) < experts:
        return
    wrong = (ids >= experts) & (ids != NO_CHOICE)
    if not wrong.any():
        return
    token, layer, _ = (int(i[0]) for i in np.nonzero(wrong))
    step, row = (0, token) if token < prompt_rows else (token - prompt_rows + 1, 0)
    worst = int(ids[token, layer][wrong[token, layer]].max())
    raise Unfit(
        Fault(
            f"step {step}, layer {layers[layer]}, row {row}: expert id {worst} out of range",
            place,
            allowed=f"0 to {experts - 1}",
        )
    )


def _failing(place: Any) -> Any:
    """A function that raises BadInput at `place`: fail(what, allowed)."""

    def fail(what: Any, allowed: Any) -> Any:
        raise BadInput(Fault(what, place, allowed=allowed))

    return fail
