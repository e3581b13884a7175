"""Keep what tends to follow the experts that this die computes now.

Question   Should a die keep a copy of expert x that arrives?
Answer     If x is among the `top_n` of the heat map's row of any expert that the die computes in this layer. The map of
           a layer counts, over all requests, how often expert j was chosen by the token after one that chose i.
           Equal counts: the larger number is preferred. Prompts seed it with their consecutive tokens (the pair of the
           last prompt token and the first answer is not counted); step s adds the pairs (s - 1, s).
           Counting and asking are csrc/policies/heatmap.c; a test holds them against the plain ones.
Source     arXiv 2510.05497, section on the predictor (top-n unstated); n = 20 %, the seeding and `stop_at_own_id` are
           its published artifact's, `lookahead: artifact` its timing.
Beside     prediction_cross_token_heatmap_python.py (the same, plain), prediction_popularity.py
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave import fabric
from chipweave.errors import BadInput, ChipweaveError
from chipweave.policy import CountOrShare, Param, PredictionPolicy, nothing, part_of, policy
from chipweave.policy.tally import as_ids

FFI, LIB = fabric.load("heatmap")
MOST_CHOICES = 2**31 - 2  # one cell grows by at most one for each choice observed


@policy("prediction.cross_token_heatmap")
class CrossTokenHeatmap(PredictionPolicy):
    """Keep what tends to follow the experts that this die computes now."""

    top_n = CountOrShare("20 %", doc="experts preferred in each row, a number or a share of all")
    lookahead = Param(
        "choice",
        default="artifact",
        choices=["artifact", "causal"],
        doc="artifact: the map in step s has the pairs (s - 1, s); causal: only up to (s - 2, s - 1)",
    )
    stop_at_own_id = Param(
        "bool",
        default=True,
        doc=(
            "the rows asked on die d, by rising expert, end with expert "
            "number d if it is among them (a slip of the artifact)"
        ),
    )

    def _fill(self, name: str, values: dict[Any, Any], sources: dict[Any, Any]) -> None:
        super()._fill(name, values, sources)
        self.observes_first = self.lookahead == "artifact"
        self.tables: dict[int, np.ndarray] = {}  # layer -> int32[E, E]
        self.choices: dict[int, int] = {}  # layer -> choices observed

    def table(self, view: Any) -> np.ndarray:
        """The heat map of the view's layer, int32[E, E]; made on first use."""
        if view.layer not in self.tables:
            self.tables[view.layer] = np.zeros((view.experts, view.experts), np.int32)
            self.choices[view.layer] = 0
        return self.tables[view.layer]

    def observe(self, view: Any) -> None:
        """Count which experts followed which, from a token to the next of its request.

        BadInput before a counter can overflow.
        """
        if view.ids is None or (view.prompt_starts is None and view.previous_ids is None):
            return
        table = self.table(view)
        self.choices[view.layer] += view.ids.size
        if self.choices[view.layer] > MOST_CHOICES:
            raise BadInput(
                f"layer {view.layer}: more than {MOST_CHOICES} choices, which the heat map's counters may not hold"
            )
        if view.prompt_starts is not None:
            self.add_prompts(table, view.ids, view.prompt_starts)
        else:
            self.add(table, view.previous_ids, view.ids if view.paired is None else view.ids[view.paired])

    def add(self, table: np.ndarray, before: np.ndarray, after: np.ndarray) -> None:
        """Count the pairs of row r of `before` with row r of `after`, both [rows, k]."""
        before, after = as_ids(before), as_ids(after)
        if no_choice_in(before, len(table)) or no_choice_in(after, len(table)):
            wider = np.zeros((len(table) + 1,) * 2, np.int32)
            self.add(wider, with_last(before, len(table)), with_last(after, len(table)))
            table += wider[:-1, :-1]
            return
        if before.shape != after.shape or before.dtype != after.dtype:
            raise ValueError(f"previous ids are {before.dtype}{before.shape}, this step's {after.dtype}{after.shape}")
        run, name = kernel("heatmap_add", after)
        checked(
            run(c_ints(table), len(table), FFI.from_buffer(name, before), FFI.from_buffer(name, after), *after.shape),
            len(table),
        )

    def add_prompts(self, table: np.ndarray, ids: np.ndarray, starts: np.ndarray) -> None:
        """Count the pairs of consecutive rows of each request: rows starts[q] up to starts[q + 1] of ids [rows, k]."""
        ids, starts = as_ids(ids), np.ascontiguousarray(starts, np.int64)
        if no_choice_in(ids, len(table)):
            wider = np.zeros((len(table) + 1,) * 2, np.int32)
            self.add_prompts(wider, with_last(ids, len(table)), starts)
            table += wider[:-1, :-1]
            return
        if not (len(starts) and starts[0] >= 0 and starts[-1] <= len(ids) and (np.diff(starts) >= 0).all()):
            raise ValueError("prompt_starts do not rise from 0 to the number of rows")
        run, name = kernel("heatmap_add_prompts", ids)
        rows, first = FFI.from_buffer(name, ids), FFI.from_buffer("int64_t[]", starts)
        checked(run(c_ints(table), len(table), rows, first, len(starts) - 1, ids.shape[1]), len(table))

    def mask(self, view: Any, plan: Any) -> np.ndarray:
        """uint8 [dies, experts]: for each die the top_n successors of the experts it works on."""
        mask = nothing(view)
        checked(
            LIB.heatmap_mask(
                c_ints(self.table(view)),
                view.experts,
                view.dies,
                part_of(self.top_n, view.experts),
                self.stop_at_own_id,
                len(plan),
                c_ints(plan.expert),
                c_ints(plan.die),
                c_ints(view.home),
                FFI.from_buffer("uint8_t[]", mask),
            ),
            view.experts,
        )
        return mask


def no_choice_in(ids: np.ndarray, experts: int) -> bool:
    """Whether rows have fewer choices than top-k: the largest number of the type, which is no expert, fills them up."""
    most = np.iinfo(ids.dtype).max
    return most >= experts and bool((ids == most).any())


def with_last(ids: np.ndarray, experts: int) -> np.ndarray:
    """uint16 ids in which expert number `experts`, one past the last, stands for no choice."""
    return np.where(ids == np.iinfo(ids.dtype).max, experts, ids).astype(np.uint16)


def c_ints(array: np.ndarray) -> Any:
    """An int32 array as C takes it: itself where it is one already, so a table is written through it."""
    return FFI.from_buffer("int32_t[]", np.ascontiguousarray(array, np.int32))


def kernel(function: str, ids: np.ndarray) -> tuple[Any, str]:
    """(the C function for the type of ids, that type's name for cffi)."""
    narrow = ids.dtype == np.uint8
    return getattr(LIB, function + ("_u8" if narrow else "_u16")), "uint8_t[]" if narrow else "uint16_t[]"


def checked(status: int, experts: int) -> None:
    """Turn a status of heatmap.h into an error."""
    if status == LIB.HEATMAP_BAD_ID:
        raise BadInput(f"an expert id of the trace is out of range; allowed: 0 .. {experts - 1}")
    if status == LIB.HEATMAP_NO_MEMORY:
        raise ChipweaveError("no memory to ask the heat map")
