"""Keep what tends to follow the experts that this die computes now.

Question   Should a die keep a copy of expert x that arrives?
Answer     If x is among the `top_n` of the heat map's row of any expert that the die computes in this layer. The map of
           a layer counts, over all requests, how often expert j was chosen by the token after one that chose i.
           Equal counts: the larger number is preferred. Prompts seed it with their consecutive tokens (the pair of the
           last prompt token and the first answer is not counted); step s adds the pairs (s - 1, s).
           Counting and asking are csrc/policies/heatmap.c; a test holds them against the plain ones. A row is
           counted when it is asked for: pairs wait until then, up to `WAIT_BYTES` of them.
Source     arXiv 2510.05497, section on the predictor (top-n unstated); n = 20 %, the seeding and `stop_at_own_id` are
           its published artifact's, `lookahead: artifact` its timing.
Beside     prediction_cross_token_heatmap_python.py (the same, plain), prediction_popularity.py
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from chipweave import fabric
from chipweave.errors import BadInput, ChipweaveError
from chipweave.policy import CountOrShare, Param, PredictionPolicy, nothing, part_of, policy
from chipweave.policy.tally import as_ids

FFI, LIB = fabric.load("heatmap")
WAIT_BYTES = 1 << 29  # ids that may wait to be counted: beyond, all are
FEW = 8  # rows up to this part of all are counted one by one, each at about a fiftieth of the cost of all
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
        self.maps: dict[int, Map] = {}  # by layer
        self.choices: dict[int, int] = {}  # layer -> choices observed
        self.waiting = 0  # bytes of ids that are not counted yet

    @property
    def tables(self) -> dict[int, np.ndarray]:
        """The whole heat maps, layer -> int32[E, E]."""
        self.count_all()
        return {layer: one.table for layer, one in self.maps.items()}

    def map(self, view: Any) -> Map:
        """The map of the view's layer, with what waits to be counted; made on first use."""
        if view.layer not in self.maps:
            self.maps[view.layer] = Map(view.experts)
            self.choices[view.layer] = 0
        return self.maps[view.layer]

    def table(self, view: Any) -> np.ndarray:
        """The heat map of the view's layer, int32[E, E], all of it counted."""
        one = self.map(view)
        self.count(one)
        return one.table

    def observe(self, view: Any) -> None:
        """Count which experts followed which, from a token to the next of its request.

        BadInput before a counter can overflow.
        """
        if view.ids is None or (view.prompt_starts is None and view.previous_ids is None):
            return
        one = self.map(view)
        self.choices[view.layer] += view.ids.size
        if self.choices[view.layer] > MOST_CHOICES:
            raise BadInput(
                f"layer {view.layer}: more than {MOST_CHOICES} choices, which the heat map's counters may not hold"
            )
        before, after = view.previous_ids, view.ids if view.paired is None else view.ids[view.paired]
        if view.prompt_starts is not None:
            before, after = view.ids, np.ascontiguousarray(view.prompt_starts, np.int64)
        prompts = view.prompt_starts is not None
        pairs = Pairs(as_ids(before), after if prompts else as_ids(after), prompts)
        if not pairs.fit(view.experts):
            pairs.add(self, one.table)  # some are no choice, or no expert
            return
        self.waiting += one.wait(pairs)
        if self.waiting > WAIT_BYTES:
            self.count_all()

    def count_all(self) -> None:
        """Count all that waits."""
        for one in self.maps.values():
            self.count(one)

    def count(self, one: Map) -> None:
        """Count all that waits of a layer."""
        for at, pairs in enumerate(one.pairs):
            rows = np.flatnonzero(one.done > at)
            counted = one.table[rows]
            pairs.add(self, one.table)
            one.table[rows] = counted
        self.waiting -= one.forget()

    def count_rows(self, one: Map, rows: np.ndarray) -> None:
        """Count what waits for these rows; all that waits, once it has been counted for many."""
        if (np.count_nonzero(one.done) + np.count_nonzero(one.done[rows] == 0)) * FEW > len(one.table):
            self.count(one)
            return
        for row in rows:
            for pairs in one.pairs[one.done[row] :]:
                pairs.add_row(one.table, int(row))
            one.done[row] = len(one.pairs)

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
        mask, one = nothing(view), self.map(view)
        away = plan.die != view.home[plan.expert]
        if not away.any():
            return mask  # of what is read at home no bit is asked for
        asking = np.zeros(view.dies, bool)
        asking[plan.die[away]] = True
        self.count_rows(one, np.unique(plan.expert[asking[plan.die]]))
        checked(
            LIB.heatmap_mask(
                c_ints(one.table),
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


@dataclass(frozen=True)
class Pairs:
    """Pairs of tokens that follow each other, in one layer.

    Attributes:
        before: ids [rows, k], as the kernel takes them.
        after: of each row the ids of the token after it; of prompts int64, where each of them starts in `before`, and
            the end.
    """

    before: np.ndarray
    after: np.ndarray
    prompts: bool

    def fit(self, experts: int) -> bool:
        """Whether they are as the kernel needs them: all ids are experts, shapes and starts agree."""
        if self.prompts:
            s = self.after
            if not (len(s) and s[0] >= 0 and s[-1] <= len(self.before) and (np.diff(s) >= 0).all()):
                return False
        elif self.before.shape != self.after.shape or self.before.dtype != self.after.dtype:
            return False
        for ids in (self.before,) if self.prompts else (self.before, self.after):
            run, name = kernel("heatmap_check", ids)
            if run(experts, FFI.from_buffer(name, ids), ids.size) or no_choice_in(ids, experts):
                return False
        return True

    def add(self, policy: Any, table: np.ndarray) -> None:
        """Count them all, as the policy does."""
        (policy.add_prompts if self.prompts else policy.add)(table, self.before, self.after)

    def add_row(self, table: np.ndarray, expert: int) -> None:
        """Count those after one expert; they `fit`."""
        run, name = kernel("heatmap_row_prompts" if self.prompts else "heatmap_row", self.before)
        before, row = FFI.from_buffer(name, self.before), FFI.from_buffer("int32_t[]", table[expert])
        after = FFI.from_buffer("int64_t[]" if self.prompts else name, self.after)
        rows, k = self.before.shape
        run(row, expert, before, after, len(self.after) - 1 if self.prompts else rows, k)


class Map:
    """The heat map of one layer, and the pairs that some of its rows have not counted yet.

    Attributes:
        table: int32[E, E].
        done: of each row, how many of `pairs` it has counted.
    """

    def __init__(self, experts: int) -> None:
        self.table = np.zeros((experts, experts), np.int32)
        self.done = np.zeros(experts, np.int64)
        self.pairs: list[Pairs] = []
        self.bytes = 0

    def wait(self, pairs: Pairs) -> int:
        """Keep pairs; returns the bytes of their ids, without those that are kept as the step before."""
        last = self.pairs[-1] if self.pairs else None
        size = pairs.after.nbytes
        if last is None or address(last.after) != address(pairs.before):
            size += pairs.before.nbytes
        self.pairs.append(pairs)
        self.bytes += size
        return size

    def forget(self) -> int:
        """All are counted; returns the bytes that they took."""
        gone, self.bytes = self.bytes, 0
        self.pairs.clear()
        self.done[:] = 0
        return gone


def address(array: np.ndarray) -> int:
    """Where its memory begins."""
    begin: int = array.__array_interface__["data"][0]
    return begin


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
