"""Counts and first appearances of a batch, layer by layer, made in the first run of a trace and read in all others.

They are what most policies see of a trace, a hundredth of its ids at a large batch, and the same for every strategy,
topology and link model. They lie in the cache beside the traces; what is there counts for the file as it is (content
by its header, size, time of change), the requests taken of it and how often each stands in the batch.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from chipweave.errors import BadInput
from chipweave.io.atomic import replacing

WORTH = 16  # ids of a layer and step for each expert: with fewer, counting is as quick as reading counts
VERSION = 1  # raised when a tally would come out differently


class Tallies:
    """int32 [steps, layers, 2, experts]: counts and first appearances, read where they are known, else filled.

    known: whether all is there; otherwise `put` takes each layer and `keep` writes what is then complete.
    """

    def __init__(self, trace: Any, replication: int, steps: int) -> None:
        """trace: a Trace or InTurn; a batch of few ids, or with rows or choices left out, is counted anew each time."""
        self.shape = (steps, len(trace.layers), 2, trace.experts)
        self.path = path_of(trace, replication) if is_worth(trace) else None
        self.rows = self._read()
        self.known = self.rows is not None
        if self.path and not self.known:
            self.rows = np.full(self.shape, -1, np.int32)

    def of(self, step: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        """(counts, first appearance), int32 [experts], of the layer at `index`; where all is known."""
        assert self.rows is not None
        return self.rows[step, index, 0], self.rows[step, index, 1]

    def put(self, step: int, index: int, counts: np.ndarray, first: np.ndarray) -> None:
        """Note what was counted."""
        if self.rows is not None and not self.known:
            self.rows[step, index] = counts, first

    def keep(self) -> None:
        """Write them, once all steps are counted. A cache that cannot be written is no fault of the run."""
        if self.path is None or self.rows is None or self.known or (self.rows[:, :, 0, 0] < 0).any():
            return
        with suppress(OSError, BadInput):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.path, "wb") as file:
                np.save(file, self.rows)

    def _read(self) -> np.ndarray | None:
        """What is there of at least as many steps, read-only; None where there is nothing, or something else."""
        if self.path is None or not self.path.exists():
            return None
        with suppress(OSError, ValueError, EOFError):
            rows = np.load(self.path, mmap_mode="r", allow_pickle=False)
            if rows.dtype == np.int32 and rows.shape[1:] == self.shape[1:] and len(rows) >= self.shape[0]:
                return np.asarray(rows)
        return None


def is_worth(trace: Any) -> bool:
    """Whether a trace's tallies are kept: each layer of each step has rows, each row all its choices, and many."""
    whole = trace.holes is None and not trace.widths and trace.no_choice is None
    return whole and trace.steps > 1 and trace.requests * trace.top_k >= WORTH * trace.experts


def path_of(trace: Any, replication: int) -> Path:
    """The file of a batch's tallies in the cache."""
    from chipweave.trace.library import cache_folder  # late: `check` of a topology reads no traces

    stat = Path(trace.path).stat()
    key = [VERSION, trace.sha256, stat.st_size, stat.st_mtime_ns, trace.requests, replication]
    return cache_folder() / f"tallies-{hashlib.sha256(json.dumps(key).encode()).hexdigest()[:24]}.npy"
