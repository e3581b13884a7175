"""Requests come one after the other, the store wants steps: the file between, and the way round.

    spill file:  | request 0: token 0, token 1, ... | request 1: ... |        a token = [layers, top_k] ids
    by step:     step 0: prompt rows of request 0, 1, ...;  step s: one row of every request that still runs

Memory stays within a block whatever the size of the trace: a block of decode steps is read as one run of bytes per
request.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from chipweave.trace.holes import Holes
from chipweave.trace.widths import Widths

BLOCK_BYTES = 32 << 20


class Spill:
    """A temporary file of requests, gone when closed."""

    def __init__(self, shape: Any, directory: Any = None) -> None:
        self.shape = shape
        self.names: list[str] = []
        self.prompt_rows: list[int] = []
        self.decode_steps: list[int] = []
        self.missing: list[np.ndarray | None] = []
        self.step_rows: list[np.ndarray | None] = []
        self._first: list[int] = []
        self._file = tempfile.TemporaryFile(prefix="chipweave-", dir=directory)
        self._begun, self._flushed = 0, True

    def __enter__(self) -> Spill:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def add(self, name: str, prompt_rows: int, ids: np.ndarray) -> None:
        """Append a request: `ids` [tokens, layers, top_k], of which the first `prompt_rows` are the prefill."""
        self.begin(name, prompt_rows, len(ids))
        self.append(ids)

    def begin(
        self, name: str, prompt_rows: int, tokens: int, missing: np.ndarray | None = None, step_rows: Any = None
    ) -> None:
        """Announce a request whose `tokens` tokens `append` will bring, after those of the requests announced before.

        missing: where it has no rows, as chipweave.trace.holes.runs_of has it.
        step_rows: whole numbers, its rows in decode steps 1, 2, ...; None: one in each.
        """
        assert 1 <= prompt_rows <= tokens
        assert step_rows is None or sum(step_rows) == tokens - prompt_rows
        self.names.append(name)
        self.prompt_rows.append(int(prompt_rows))
        self.decode_steps.append(int(tokens) - int(prompt_rows) if step_rows is None else len(step_rows))
        self.step_rows.append(None if step_rows is None or set(step_rows) <= {1} else np.asarray(step_rows, np.int64))
        self.missing.append(missing)
        self._first.append(self._begun)
        self._begun += int(tokens)

    def append(self, ids: np.ndarray) -> None:
        """Append tokens [tokens, layers, top_k]: those of requests begun, or of none."""
        assert ids.shape[1:] == (len(self.shape.layers), self.shape.top_k)
        self._file.write(np.ascontiguousarray(ids, dtype=self.shape.dtype).data)
        self._flushed = False

    def sort_by_name(self, since: int = 0) -> None:
        """Put the requests added from number `since` on into the order of their names."""
        order = list(range(since)) + sorted(range(since, len(self.names)), key=self.names.__getitem__)
        columns: tuple[list[Any], ...] = (
            self.names,
            self.prompt_rows,
            self.decode_steps,
            self.missing,
            self._first,
            self.step_rows,
        )
        for column in columns:
            column[:] = [column[i] for i in order]

    def holes(self) -> Holes | None:
        """The Holes of all requests, or None."""
        runs = [
            np.insert(missing, 0, request, axis=1)
            for request, missing in enumerate(self.missing)
            if missing is not None
        ]
        return Holes(np.concatenate(runs)) if runs else None

    def widths(self) -> Widths | None:
        """The Widths of all requests, or None."""
        runs = [
            np.stack([np.full(len(steps), request), steps + 1, rows[steps]], axis=1)
            for request, rows in enumerate(self.step_rows)
            if rows is not None
            for steps in [np.flatnonzero(rows > 1)]
        ]
        return Widths(np.concatenate(runs)) if runs else None

    def by_step(self) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Yield (step, request of each row int64 [rows], ids [rows, layers, top_k]), in (step, request, token)
        order."""
        yield from self._prefill()
        yield from self._decode() if not any(rows is not None for rows in self.step_rows) else self._decode_uneven()

    def read(self, request: int, start: int, count: int) -> np.ndarray:
        """Tokens [count, layers, top_k] of one request, from token `start` on."""
        return self.tokens(self._first[request] + start, count)

    def tokens(self, first: int, count: int) -> np.ndarray:
        """Tokens [count, layers, top_k] by their number in the file."""
        if not self._flushed:
            self._file.flush()
            self._flushed = True
        data = os.pread(self._file.fileno(), count * self.shape.token_bytes, first * self.shape.token_bytes)
        return np.frombuffer(data, self.shape.dtype).reshape(count, len(self.shape.layers), self.shape.top_k)

    def _prefill(self) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """(0, request of each row, ids) in blocks of at most BLOCK_BYTES."""
        most = max(1, BLOCK_BYTES // self.shape.token_bytes)
        for request, rows in enumerate(self.prompt_rows):
            for start in range(0, rows, most):
                count = min(most, rows - start)
                yield 0, np.full(count, request), self.read(request, start, count)

    def _decode(self) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """(step, requests that run in it, their ids), several steps read at a time."""
        decode, prompt = np.array(self.decode_steps), np.array(self.prompt_rows)
        if not decode.any():
            return
        step, last = 1, int(decode.max())
        while step <= last:
            running = np.flatnonzero(decode >= step)
            count = min(last + 1 - step, max(1, BLOCK_BYTES // (self.shape.token_bytes * len(running))))
            block = np.empty((count, len(running), len(self.shape.layers), self.shape.top_k), self.shape.dtype)
            for row, request in enumerate(running.tolist()):
                have = min(count, int(decode[request]) - step + 1)
                block[:have, row] = self.read(request, int(prompt[request]) + step - 1, have)
            for i in range(count):
                still = decode[running] >= step + i
                yield step + i, running[still], block[i] if still.all() else block[i][still]
            step += count

    def _decode_uneven(self) -> Iterator[Any]:
        """As `_decode` where requests have several rows in a step: a step at a time, a request's rows together."""
        decode = np.array(self.decode_steps)
        at = np.array(self.prompt_rows)  # tokens of each request that are out
        for step in range(1, int(decode.max(initial=0)) + 1):
            running = np.flatnonzero(decode >= step).tolist()
            rows = [1 if self.step_rows[r] is None else int(self.step_rows[r][step - 1]) for r in running]
            parts = [self.read(r, int(at[r]), many) for r, many in zip(running, rows, strict=True)]
            at[running] += rows
            yield step, np.repeat(running, rows), np.concatenate(parts)
