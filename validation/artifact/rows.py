"""Reads the reference tables of suite artifact: oracle.csv and oracle_steps.csv.zst of a folder, every fault at
once."""

from __future__ import annotations

import io
import re
from typing import Any

from chipweave.errors import BadInput, Fault, Faults, Place
from chipweave.io import csvfile
from chipweave.ledger import number
from chipweave.trace import sources

SETTING = ("model", "mesh", "trace_set", "batch", "steps", "strategy")
NEEDED = (*SETTING, "variant", "stage", "step", "layer", "time_ns")
COUNTED = (
    "hops",
    "local_read_bytes",
    "remote_read_bytes",
    "copy_write_bytes",
    "local_slice_reads",
    "remote_slice_reads",
    "remote_llc_hits",
    "local_llc_hits",
    "copies",
)
QUANTITIES = ("time_ns", *COUNTED, "plan_crc32")
MAIN, STEPS = "oracle.csv", "oracle_steps.csv.zst"
MAX_TABLE = 1 << 28  # bytes, decompressed
PATTERNS = {
    "mesh": (r"[1-9]\d{0,3}x[1-9]\d{0,3}", "rows x columns, as 5x5"),
    "batch": (r"[1-9]\d{0,8}", "a number from 1"),
    "steps": (r"[1-9]\d{0,8}", "a number from 1"),
    "stage": ("prefill|decode", "prefill, decode"),
    "step": (r"all|\d*", "a number or all"),
    "layer": (r"all|\d*", "a number or all"),
}


def folder_of(reference: Any) -> Any:
    """The folder that a reference names: itself, or the one that the table lies in."""
    return reference if reference.is_dir() else reference.parent


def read(reference: Any) -> list[dict[str, str]]:
    """The rows of a folder's tables, or of one table, as dicts of text; a folder's main table stands for the folder.

    Raises:
        BadInput: no table, columns missing, cells that are not what their column holds, a damaged or endless archive.
    """
    tables, faults = _tables(reference), Faults()
    rows = [row for table in tables for row in _rows(table, _text(table, _unpacked(table, faults), faults), faults)]
    if not rows:
        faults.add("no rows", Place(str(tables[0])))
    faults.raise_if_any()
    return rows


def _tables(reference: Any) -> list[Any]:
    """The files to read."""
    if not reference.is_dir() and reference.name != MAIN:
        if not reference.is_file():
            raise BadInput(Fault("no such table", Place(str(reference)), allowed=f"a folder with {MAIN}, or a table"))
        return [reference]
    folder = folder_of(reference)
    if not (folder / MAIN).is_file():
        raise BadInput(Fault(f"no {MAIN} in the reference folder", Place(str(folder))))
    return [path for path in (folder / MAIN, folder / STEPS) if path.is_file()]


def _unpacked(path: Any, faults: Faults) -> bytes:
    """The bytes of a table, decompressed where its name says that it is packed."""
    try:
        with open(path, "rb") as raw:
            data = sources.open_stream(path, raw).read(MAX_TABLE + 1)
    except sources.READ_ERRORS as error:
        faults.add(
            f"{'not a whole zstd file' if path.suffix == '.zst' else 'cannot be read'}: {error}", Place(str(path))
        )
        return b""
    if len(data) > MAX_TABLE:
        faults.add("larger than is read", Place(str(path)), allowed=f"{MAX_TABLE} bytes decompressed")
        return b""
    return data


def _text(path: Any, data: bytes, faults: Faults) -> str:
    """A file's text; a fault, and "", where it is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        faults.add(f"not UTF-8 text: {error}", Place(str(path)))
        return ""


def _rows(path: Any, text: str, faults: Faults) -> list[dict[str, str]]:
    """The rows of one table; each cell is checked against what its column holds."""
    rows = []
    for row, place in csvfile.rows_of(io.StringIO(text, newline=""), path, NEEDED, faults):
        micro = row["trace_set"].startswith("micro:")  # a plan by hand: it has no batch
        for column, (pattern, allowed) in PATTERNS.items():
            if micro and column == "batch":
                continue
            if not re.fullmatch(pattern, row[column]):
                faults.add(f"{column} is '{row[column]}'", place, allowed)
        for column in QUANTITIES:
            if row.get(column) not in (None, "") and number(row[column]) is None:
                faults.add(f"{column} is '{row[column]}'", place, "a number, or nothing")
        rows.append(row)
    return rows
