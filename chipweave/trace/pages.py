"""Row groups of a store read in one go, without Arrow in between: ids that are neither compressed nor encoded stand in
the file as they are.

    | step | request | header ids of layer 0 | header ids of layer 1 | ...        one column of one row group each

A group that does not look exactly so is left to Arrow.
"""

from __future__ import annotations

import os
import weakref
from typing import Any

import numpy as np

FIRST = 2  # the columns before: step, request
MOST_HEADER_BYTES = 64


class Pages:
    """The file at `path`, open for reading."""

    def __init__(self, path: Any) -> None:
        self._file = os.open(path, os.O_RDONLY)
        self._bytes = os.fstat(self._file).st_size
        weakref.finalize(self, os.close, self._file)

    def read(self, group: Any, shape: Any) -> list[np.ndarray] | None:
        """[ids of each layer: read-only [rows, top_k]] of a row group (its Parquet metadata); None: Arrow is to read
        it."""
        size = group.num_rows * shape.top_k * shape.dtype.itemsize
        chunks = [_place(group.column(FIRST + layer)) for layer in range(len(shape.layers))]
        start, end = chunks[0][0], max(at + length for at, length in chunks)
        if not 0 < size < end - start <= len(chunks) * (size + MOST_HEADER_BYTES) or end > self._bytes:
            return None  # what a group says of itself is believed only as far as the file goes
        content, header = os.pread(self._file, end - start, start), _header(group.num_rows, size)
        if len(content) < end - start:
            return None
        ids = []
        for at, length in chunks:
            at -= start
            if at < 0 or length < size + len(header) or not content.startswith(header, at):
                return None
            flat = np.frombuffer(content, shape.dtype, group.num_rows * shape.top_k, at + length - size)
            ids.append(flat.reshape(group.num_rows, shape.top_k))
        return ids


def _place(column: Any) -> tuple[int, int]:
    """(offset, bytes) of a column of a row group in the file."""
    return column.data_page_offset, column.total_compressed_size


def _header(rows: int, size: int) -> bytes:
    """How the header of a data page begins that holds all rows, plainly: Parquet's PageHeader in Thrift's compact
    protocol.

    type 0 (data page), uncompressed size, compressed size, { number of values, encoding 0 (plain)
    """
    return b"\x15\x00\x15" + _varint(size) + b"\x15" + _varint(size) + b"\x2c\x15" + _varint(rows) + b"\x15\x00"


def _varint(number: int) -> bytes:
    """A number >= 0 as Thrift writes signed ones: doubled, then 7 bits a byte, lowest first."""
    number, out = 2 * number, bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])
