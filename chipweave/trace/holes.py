"""Where requests of a trace have no rows: runs of steps, by request and layer.

A step of a request may leave layers out; the published artifact goes on without them. The store has a row there all the
same, naming experts 0, 1, ..., k - 1, so that every layer's column is as long; readers take it out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chipweave.trace.limits import MAX_HOLES
from chipweave.trace.runs_text import packed, unpacked

FIELDS = 4  # request, index of the layer, first step, last step


class Holes:
    """`runs`: int32 [n, 4], rows (request, index of the layer, first step, last step), by request."""

    def __init__(self, runs: np.ndarray) -> None:
        self.runs = np.asarray(runs, "<i4").reshape(-1, FIELDS)

    def __bool__(self) -> bool:
        return len(self.runs) > 0

    @property
    def count(self) -> int:
        """How many (request, step, layer) have no rows."""
        return int((self.runs[:, 3].astype(np.int64) - self.runs[:, 2] + 1).sum())

    def take(self, requests: int) -> Holes:
        """Those of the first `requests` requests."""
        return Holes(self.runs[self.runs[:, 0] < requests])

    def at(self, step: int) -> dict[Any, Any]:
        """Index of a layer -> the requests, ascending, that have no rows of it in a step; layers that all have are left
        out."""
        request, layer, first, last = self.runs.T
        now = np.flatnonzero((first <= step) & (step <= last))
        now = now[np.argsort(layer[now], kind="stable")]
        layers, starts = np.unique(layer[now], return_index=True)
        return dict(zip(layers.tolist(), np.split(request[now].astype(np.int64), starts[1:]), strict=False))

    def to_text(self) -> str:
        """For the header's JSON."""
        return packed(self.runs)

    @classmethod
    def from_text(cls, text: str, requests: int, layers: int) -> Any:
        """Raises ValueError where `text` is not what `to_text` wrote for a trace of `requests` and `layers`."""
        holes = cls(unpacked(text, FIELDS, MAX_HOLES, "holes"))
        request, layer, first, last = holes.runs.T
        if holes and (
            holes.runs.min() < 0
            or request.max() >= requests
            or layer.max() >= layers
            or (first > last).any()
            or (np.diff(request) < 0).any()
        ):
            raise ValueError("holes out of range")
        return holes


def runs_of(has: np.ndarray) -> np.ndarray:
    """int32 [n, 3]: (index of the layer, first step, last step) of the runs of steps where bool `has` [steps, layers]
    is not set."""
    lacks = np.zeros((has.shape[1], has.shape[0] + 2), np.int8)
    lacks[:, 1:-1] = ~has.T
    change = np.diff(lacks, axis=1)
    (layer, first), (_, end) = np.nonzero(change == 1), np.nonzero(change == -1)
    return np.stack([layer, first, end - 1], axis=1).astype(np.int32)
