"""Reading a trace back, step by step, with memory that does not grow with the trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, overload

import numpy as np

from chipweave.errors import BadInput, Fault, Place
from chipweave.io.late import late
from chipweave.trace.header import Header
from chipweave.trace.pages import Pages
from chipweave.trace.writer import METADATA_KEY, arrow_schema, column_name

pa = late("pyarrow")
pq = late("pyarrow.parquet")

WHOLE_STEP_BYTES = 32 << 20  # a larger step is read layer by layer


class StepIds(Sequence[np.ndarray]):
    """The ids of one step. `step_ids[i]` is layer `layers[i]`: uint8 or uint16 [rows, top_k], contiguous, read-only.

    Rows stand in request order; in step 0 a request has one row per prompt token, later one. `row_request[row]` says
    which. `missing`: index of a layer -> requests that have no rows of it; rows of such a layer are those of
    `owners(index)`."""

    def __init__(
        self,
        step: int,
        layers: tuple[int, ...],
        row_request: np.ndarray,
        read_layer: Callable[[int], np.ndarray],
        missing: dict[int, np.ndarray] | None = None,
    ) -> None:
        self.step, self.layers, self.row_request, self.missing = step, layers, row_request, missing or {}
        self._read_layer = read_layer

    def __len__(self) -> int:
        return len(self.layers)

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> NoReturn: ...
    def __getitem__(self, index: int | slice) -> np.ndarray:
        if isinstance(index, slice):
            raise TypeError("layers of a step are read one by one, not by a slice")
        if not -len(self.layers) <= index < len(self.layers):
            raise IndexError(index)
        index %= len(self.layers)
        ids = self._read_layer(index)
        return ids[self._there(index)] if index in self.missing else ids

    def owners(self, index: int) -> np.ndarray:
        """Which request each row of a layer belongs to: int64 [rows]."""
        return self.row_request[self._there(index)] if index in self.missing else self.row_request

    def _there(self, index: int) -> np.ndarray:
        return ~np.isin(self.row_request, self.missing[index])

    @property
    def rows(self) -> int:
        return len(self.row_request)


class Trace:
    """An open trace. `take(n)` is the same trace with the first n requests only; the file stays open once for both.

    name, model, provenance, sha256   what it is; sha256 is of the content of the whole file, also after `take`
    layers, experts, top_k            the shape; `layers` are the ids of the MoE layers
    layer_keys                        layers named by step 1 of the first request, dense ones counted; None if unknown
    requests, order                   how many, and their names in the order that decides first appearance
    prompt_rows, decode_steps         int64 [requests]
    steps                             prefill included
    no_choice                         what fills a row of fewer experts than top_k; None where every row has all
    widths                            where requests have several rows in a decode step (Widths), or None
    holes                             where requests have no rows of a layer (chipweave.trace.holes.Holes), or None
    """

    def __init__(
        self, file: Any, header: Header, path: Path | str, requests: int | None = None, pages: Pages | None = None
    ) -> None:
        self._file, self.header, self.path = file, header, Path(path)
        self._pages = pages or Pages(path)
        self.requests = len(header.names) if requests is None else requests
        self.name, self.model, self.provenance, self.sha256 = (
            header.name,
            header.model,
            header.provenance,
            header.sha256,
        )
        shape = header.shape
        self.layers, self.experts, self.top_k, self.layer_keys = (
            shape.layers,
            shape.experts,
            shape.top_k,
            shape.layer_keys,
        )
        self.shape, self.dtype, self.no_choice = shape, shape.dtype, shape.no_choice
        self.order = header.names[: self.requests]
        self.prompt_rows, self.decode_steps = header.prompt_rows[: self.requests], header.decode_steps[: self.requests]
        self.holes = header.holes and header.holes.take(self.requests)
        self.widths = header.widths and header.widths.take(self.requests)
        self.steps = 1 + int(self.decode_steps.max())
        self._group_starts = np.cumsum(
            [0] + [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]
        )
        per_step = _running_counts(header.decode_steps)
        if header.widths:
            per_step = per_step + header.widths.extra_by_step(len(per_step))[1:]
        self._step_starts = np.cumsum(np.concatenate([[0, int(header.prompt_rows.sum())], per_step]))
        self._last_group: tuple[tuple[int, int | None], list[np.ndarray]] = ((-1, None), [])

    @property
    def has_prefill(self) -> bool:
        """Whether step 0 is a prefill: some request of the whole trace has more than one row in it.

        It does not depend on the order of requests nor on how many of them are taken: prompts of one row are left
        where a prefix cache held the rest.
        """
        return bool((self.header.prompt_rows > 1).any())

    @property
    def last_has_prefill(self) -> bool:
        """The published artifact's rule: step 0 is a prefill where the last request taken has more than one row in
        it."""
        return bool(self.prompt_rows[-1] > 1)

    @property
    def prefill_only(self) -> bool:
        return self.steps == 1

    def take(self, requests: int) -> Trace:
        """The first `requests` requests of this trace, in the same order."""
        if not 1 <= requests <= self.requests:
            raise BadInput(f"{self.name}: cannot take {requests} requests; allowed: 1 to {self.requests}")
        return Trace(self._file, self.header, self.path, requests, self._pages)

    def row_request(self, step: int) -> np.ndarray:
        """Which request each row of the step belongs to: int64 [rows]."""
        if step == 0:
            return np.repeat(np.arange(self.requests), self.prompt_rows)
        running = np.flatnonzero(self.decode_steps >= step)
        return np.repeat(running, self.widths.at(step, running)) if self.widths else running

    def read(self, step: int) -> StepIds:
        """The ids of one step as `StepIds`; views of it stay valid for as long as they are kept."""
        if not 0 <= step < self.steps:
            raise IndexError(f"step {step} of {self.steps}")
        row_request = self.row_request(step)
        first = int(self._step_starts[step])
        if len(row_request) * self.header.shape.token_bytes <= WHOLE_STEP_BYTES:
            parts = self._parts(first, len(row_request), None)
            layer_ids: Callable[[int], np.ndarray] = cache(lambda index: self._ids(parts, index))
        else:
            layer_ids = lambda index: self._ids(self._parts(first, len(row_request), index), 0, index)  # noqa: E731
        return StepIds(step, self.layers, row_request, layer_ids, self.holes.at(step) if self.holes else None)

    def steps_iter(self, first: int = 0, last: int | None = None) -> Iterator[StepIds]:
        """Yield `read(step)` for the steps from `first` to before `last`; holds one step at a time."""
        for step in range(first, self.steps if last is None else min(last, self.steps)):
            yield self.read(step)

    def read_blocks(self, step: int) -> Iterator[np.ndarray]:
        """Yield the step's ids in bounded blocks, by token: [rows, layers, top_k]; where there are holes, with their
        fillers."""
        rows, first = len(self.row_request(step)), int(self._step_starts[step])
        for group, start, count in self._groups_of(first, rows):
            ids = self._group(group, None)
            yield np.stack([self._ids([(ids, start, count)], column) for column in range(len(self.layers))], axis=1)

    def _groups_of(self, first: int, rows: int) -> Iterator[tuple[int, int, int]]:
        """The (row group, first row in it, rows) that make up rows [first, first + rows)."""
        group = int(np.searchsorted(self._group_starts, first, side="right")) - 1
        while rows:
            count = min(rows, int(self._group_starts[group + 1]) - first)
            yield group, first - int(self._group_starts[group]), count
            first, rows, group = first + count, rows - count, group + 1

    def _parts(self, first: int, rows: int, index: int | None) -> list[tuple[list[np.ndarray], int, int]]:
        """Pieces (ids of layers, start, count) of row groups that make up rows [first, first + rows), of one layer or
        all."""
        return [(self._group(group, index), start, count) for group, start, count in self._groups_of(first, rows)]

    def _group(self, group: int, index: int | None) -> list[np.ndarray]:
        """[ids of each layer] of a row group, or of the one layer only."""
        if self._last_group[0] != (group, index):
            try:
                plain = self._pages.read(self._file.metadata.row_group(group), self.shape) if index is None else None
                self._last_group = ((group, index), plain or self._decoded(group, index))
            except (pa.ArrowException, OSError) as error:
                raise BadInput(
                    Fault(f"row group {group} cannot be read: {_first_line(error)}", Place(str(self.path)))
                ) from None
        return self._last_group[1]

    def _decoded(self, group: int, index: int | None) -> list[np.ndarray]:
        names = [column_name(layer) for layer in (self.layers if index is None else self.layers[index : index + 1])]
        table = self._file.read_row_group(group, columns=names, use_threads=False)
        return [self._view(column) for column in table.columns]

    def _ids(self, parts: list[tuple[list[np.ndarray], int, int]], column: int, index: int | None = None) -> np.ndarray:
        """ids of one layer of a step, read only; BadInput for one that the model has not: the file was damaged."""
        pieces = [layers[column][start : start + count] for layers, start, count in parts]
        ids = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
        ids.flags.writeable = False
        worst = self._worst(ids)
        if worst >= self.experts:
            layer = self.layers[column if index is None else index]
            raise BadInput(
                Fault(
                    f"layer {layer}: expert id {worst} out of range",
                    Place(str(self.path)),
                    allowed=f"0 to {self.experts - 1}",
                )
            )
        return ids

    def _worst(self, ids: np.ndarray) -> int:
        """The largest id, absent choices left out; -1 where there is none or all fit."""
        if not len(ids) or (self.experts in (256, 65536) and self.no_choice is None):
            return -1
        if self.no_choice is None:
            return int(ids.max())
        return int(ids.max(where=ids != self.no_choice, initial=0))

    def _view(self, column: Any) -> np.ndarray:
        if column.num_chunks == 1:
            return _chunk_view(column.chunk(0), self.dtype, self.top_k)
        return np.concatenate([_chunk_view(chunk, self.dtype, self.top_k) for chunk in column.chunks])


def _chunk_view(chunk: Any, dtype: Any, top_k: int) -> np.ndarray:
    """The ids of an Arrow array without a copy."""
    flat = np.frombuffer(
        chunk.buffers()[1], dtype, count=len(chunk) * top_k, offset=chunk.offset * top_k * dtype.itemsize
    )
    return flat.reshape(len(chunk), top_k)


def _running_counts(decode_steps: np.ndarray) -> np.ndarray:
    """How many requests run in steps 1, 2, ..., last."""
    ends = np.bincount(decode_steps)
    return len(decode_steps) - np.cumsum(ends)[:-1]


def open_store(path: Path) -> Trace:
    """Open a Parquet store; raises `BadInput` where it is none, is cut short or contradicts itself."""
    place = Place(str(path))
    try:
        file = pq.ParquetFile(path, memory_map=False, pre_buffer=False)
    except FileNotFoundError:
        raise BadInput(Fault("no such file", place)) from None
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise BadInput(Fault(f"not a Parquet file, or cut short: {_first_line(error)}", place)) from None
    text = (file.schema_arrow.metadata or {}).get(METADATA_KEY) or (file.metadata.metadata or {}).get(METADATA_KEY)
    if text is None:
        raise BadInput(
            Fault("a Parquet file, but not a trace of chipweave", place, allowed="what `chipweave trace import` writes")
        )
    try:
        header = Header.from_json(text)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise BadInput(Fault(f"its description cannot be read: {error}", place)) from None
    _check(file, header, place)
    return Trace(file, header, path)


def _check(file: Any, header: Header, place: Place) -> None:
    """BadInput where a file's columns or number of rows are not those of its header."""
    if not file.schema_arrow.remove_metadata().equals(arrow_schema(header.shape)):
        raise BadInput(Fault("its columns are not those its description names", place))
    rows = int(header.prompt_rows.sum() + header.decode_steps.sum()) + (header.widths.extra if header.widths else 0)
    if rows != file.metadata.num_rows:
        raise BadInput(Fault(f"has {file.metadata.num_rows} rows where its requests need {rows}", place))


def _first_line(error: Any) -> Any:
    return (str(error).splitlines() or [type(error).__name__])[0]
