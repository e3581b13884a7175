"""Decode steps with several rows of a request, as speculative decoding has them: which, and what comes before each row.

A step that verifies n tokens of a request has n rows of it, in the order of the tokens; steps not listed have one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.trace.limits import MAX_ROWS_A_STEP, MAX_WIDTHS
from chipweave.trace.runs_text import packed, unpacked

FIELDS = 3  # request, step, rows


class Widths:
    """`runs`: int32 [n, 3], (request, step from 1, rows from 2), by request and step."""

    def __init__(self, runs: Any) -> None:
        self.runs = np.asarray(runs, "<i4").reshape(-1, FIELDS)

    def __bool__(self) -> Any:
        return len(self.runs) > 0

    def take(self, requests: int) -> Widths:
        """Those of the first `requests` requests."""
        return Widths(self.runs[self.runs[:, 0] < requests])

    def at(self, step: int, requests: np.ndarray) -> np.ndarray:
        """int64: rows in a step of each of the `requests` (ascending) that run in it."""
        rows = np.ones(len(requests), np.int64)
        mine = self.runs[self.runs[:, 1] == step]
        there = np.isin(mine[:, 0], requests)
        rows[np.searchsorted(requests, mine[there, 0])] = mine[there, 2]
        return rows

    def extra_by_step(self, steps: int) -> np.ndarray:
        """int64 [steps + 1]: rows beyond one a request, step by step."""
        return np.bincount(self.runs[:, 1], self.runs[:, 2] - 1, steps + 1).astype(np.int64)

    @property
    def extra(self) -> int:
        """Rows beyond one a request and step."""
        return int((self.runs[:, 2].astype(np.int64) - 1).sum())

    def to_text(self) -> str:
        """For the header's JSON."""
        return packed(self.runs)

    @classmethod
    def from_text(cls, text: str, decode_steps: list) -> Widths:
        """Raises ValueError where `text` is not what `to_text` wrote for requests of these many decode steps."""
        widths = cls(unpacked(text, FIELDS, MAX_WIDTHS, "widths"))
        request, step, rows = widths.runs.T.astype(np.int64)
        if widths:
            order = request * (1 << 32) + step
            if request.min() < 0 or request.max() >= len(decode_steps) or (np.diff(order) <= 0).any():
                raise ValueError("widths out of order")
            if step.min() < 1 or (step > np.asarray(decode_steps)[request]).any() or rows.min() < 2:
                raise ValueError("widths out of range")
            if rows.max() > MAX_ROWS_A_STEP:
                raise ValueError("widths out of range")
        return widths


def predecessors(before: np.ndarray, now: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rows of `now` that have a token before them, where it is among the rows of the step before followed by `now`).

    before, now: the request of each row of two steps, ascending. A request's first row follows its last row of the step
    before; its other rows follow each other.
    """
    first = np.concatenate([[True], now[1:] != now[:-1]])
    place = np.searchsorted(before, now, side="right") - 1
    known = (place >= 0) & (before[np.maximum(place, 0)] == now) if len(before) else np.zeros(len(now), bool)
    rows = np.flatnonzero(~first | known)
    return rows, np.where(first, place, len(before) + np.arange(len(now)) - 1)[rows]
