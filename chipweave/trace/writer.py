"""Writing the store: a Parquet file with one column of fixed-size ids per MoE layer, rows by (step, request, token).

Row groups end with a step where they can, so that a reader takes one row group per step; many short steps share one,
and no row group is larger than `ROW_GROUP_ROWS`. Ids are close to random, so compression does not pay but for small
files that ship."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from chipweave.errors import BadInput, Fault
from chipweave.io.atomic import replacing
from chipweave.io.late import late
from chipweave.io.outputs import check_output

pa = late("pyarrow")
pq = late("pyarrow.parquet")

ROW_GROUP_ROWS = 16_384
ROW_GROUP_MIN_ROWS = 2_048
METADATA_KEY = b"chipweave.trace"


def check_out(out: Path | str, paths: Iterable[Path | str] = (), force: bool = False) -> None:
    """Raise BadInput unless a store can be written at `out` without loss: it is none of the `paths` that are read, and
    what it would replace is a store, or whatever it is with `force`."""
    check_output(out, "trace of chipweave, and --force is not given", _is_ours, force)
    out = Path(out)
    if not out.exists():
        return
    if any(Path(p).exists() and out.samefile(p) for p in paths):
        raise BadInput(
            Fault(
                f"{out} is what is imported: the store would replace it",
                allowed="another --out, such as " + out.stem + ".parquet",
            )
        )
    if not out.is_file():
        raise BadInput(Fault(f"{out} is no plain file", allowed="a new name, or a store to replace"))


def _is_ours(path: Path) -> bool:
    """Whether a Parquet file says that it is a store of a trace; its content may be damaged."""
    try:
        return METADATA_KEY in (pq.read_metadata(path).metadata or {})
    except (OSError, ValueError, pa.ArrowException):
        return False


def column_name(layer: int) -> str:
    """The column of a layer: layer_7."""
    return f"layer_{layer}"


def arrow_schema(shape: Any) -> Any:
    """Columns `step`, `request`, then per layer the row's ids as top_k little-endian integers, in the gate's order."""
    ids = pa.binary(shape.top_k * shape.dtype.itemsize)
    return pa.schema(
        [pa.field("step", pa.int32(), nullable=False), pa.field("request", pa.int32(), nullable=False)]
        + [pa.field(column_name(layer), ids, nullable=False) for layer in shape.layers]
    )


def write_store(
    path: Path, header: Any, rows: Iterable[Any], compression: str = "none", progress: Any = lambda done: None
) -> Any:
    """Write `rows` (as `Spill.by_step` yields them) to `path` and return the header with its content hash.

    The file appears under its name only when it is complete.
    """
    with (
        replacing(path, "wb") as temporary,
        pq.ParquetWriter(
            temporary.name,
            arrow_schema(header.shape),
            compression=compression,
            write_statistics=False,
            use_dictionary=["step", "request"],
            data_page_size=4 << 20,
        ) as file,
    ):
        groups = _RowGroups(file, header.shape)
        for step, requests, ids in rows:
            groups.add(step, requests, ids)
            progress(len(requests))
        groups.flush()
        header = header.with_hash(groups.digests())
        file.add_key_value_metadata({METADATA_KEY.decode(): header.to_json()})
    return header


class _RowGroups:
    """Collects rows, turned from [rows, layers, k] to one contiguous column per layer, and writes them in groups."""

    def __init__(self, file: Any, shape: Any) -> None:
        """One group's columns are held in memory, and a running hash of each layer."""
        self._file, self._shape = file, shape
        self._schema = arrow_schema(shape)
        self._columns = np.empty((len(shape.layers), ROW_GROUP_ROWS, shape.top_k), shape.dtype)
        self._steps, self._requests = np.empty(ROW_GROUP_ROWS, np.int32), np.empty(ROW_GROUP_ROWS, np.int32)
        self._hashes = [hashlib.sha256() for _ in shape.layers]
        self._filled, self._step = 0, 0

    def add(self, step: int, requests: np.ndarray, ids: np.ndarray) -> None:
        """Add rows of a step: requests [n], ids [n, layers, top_k]; writes a group when it is full."""
        if step != self._step and self._filled >= ROW_GROUP_MIN_ROWS:
            self.flush()
        self._step = step
        while len(requests):
            start, count = self._filled, min(len(requests), ROW_GROUP_ROWS - self._filled)
            self._columns[:, start : start + count] = ids[:count].transpose(1, 0, 2)
            self._steps[start : start + count] = step
            self._requests[start : start + count] = requests[:count]
            self._filled += count
            if self._filled == ROW_GROUP_ROWS:
                self.flush()
            requests, ids = requests[count:], ids[count:]

    def flush(self) -> None:
        """Write the rows held as one row group."""
        rows, self._filled = self._filled, 0
        if not rows:
            return
        columns = [pa.array(self._steps[:rows]), pa.array(self._requests[:rows])]
        for hashed, column, field in zip(self._hashes, self._columns, list(self._schema)[2:], strict=False):
            ids = np.ascontiguousarray(column[:rows])
            hashed.update(ids.data)
            columns.append(pa.FixedSizeBinaryArray.from_buffers(field.type, rows, [None, pa.py_buffer(ids)]))
        self._file.write_table(pa.Table.from_arrays(columns, schema=self._schema), row_group_size=rows)

    def digests(self) -> list[bytes]:
        """SHA-256 of each layer's ids, in the order of rows: equal for equal content, however it was grouped."""
        return [hashed.digest() for hashed in self._hashes]
