"""CSV files of users, read by one rule: UTF-8 with or without byte order mark, any line ends, nothing passed over.

A header that lacks a column or has one twice, a row with more or fewer cells than the header, a number that is none:
each is a fault with its line, and all are reported together. Lines without any cell are passed over.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from chipweave.errors import Fault, Faults, Place

MOST_FAULTS = 100  # of one file
WHOLE = re.compile(r"[+-]?[0-9]{1,30}")


def rows(
    path: str | Path, needed: Sequence[str], faults: Faults, others: bool = True
) -> Iterator[tuple[dict[str, str], Place]]:
    """Yield (column -> text, Place) of each sound row of a file; what is wrong goes to `faults`.

    needed: columns that must be there; others: whether more are allowed.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            yield from rows_of(file, path, needed, faults, others)
    except (OSError, UnicodeDecodeError) as error:
        words = getattr(error, "strerror", None) or str(error)
        allowed = "a CSV file with the columns " + ", ".join(needed)
        faults.add(f"cannot be read: {words[:1].lower()}{words[1:]}", Place(str(path)), allowed)


def rows_of(
    file: Any, path: str | Path, needed: Sequence[str], faults: Faults, others: bool = True
) -> Iterator[tuple[dict[str, str], Place]]:
    """`rows` of a text stream that was opened with newline=""; `path` is its name in places."""
    reader = csv.reader(file)
    try:
        header = next((row for row in reader if row), [])
        names = [cell.strip().removeprefix("\ufeff") for cell in header]
        if not _check_header(names, needed, others, faults, Place(str(path), max(1, reader.line_num))):
            return
        for cells in reader:
            place = Place(str(path), reader.line_num)
            if len(faults.found) >= MOST_FAULTS:
                return
            if len(cells) == len(names):
                yield dict(zip(names, cells, strict=True)), place
            elif cells:
                more = "more cells than columns (a comma without quotes?)"
                faults.add("fewer cells than columns" if len(cells) < len(names) else more, place)
    except csv.Error as error:
        faults.add(f"not CSV: {error}", Place(str(path), reader.line_num))


def _check_header(names: list[str], needed: Sequence[str], others: bool, faults: Faults, place: Place) -> bool:
    """Faults of the first line: columns missing, twice, or unknown where no others may stand. True without any."""
    missing = [name for name in needed if name not in names]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    unknown = [name for name in names if name not in needed] if not others else []
    if missing:
        faults.add(f"columns missing: {', '.join(missing)}", place, ", ".join(needed))
    if twice:
        faults.add(f"columns there more than once: {', '.join(twice)}", place, "each once")
    if unknown and not missing:
        faults.add(f"unknown columns: {', '.join(unknown)}", place, ", ".join(needed))
    return not (missing or twice or unknown)


def whole(text: str, low: int, high: int) -> int | None:
    """The whole number that a cell is, if it lies in low..high; else None. Spaces, underscores and 1.0 are no such
    number."""
    if not WHOLE.fullmatch(text) or not low <= int(text) <= high:
        return None
    return int(text)


def read_all(path: str | Path, needed: Sequence[str], others: bool = True) -> list[tuple[dict[str, str], Place]]:
    """All of `rows`; BadInput with every fault of the file."""
    faults = Faults()
    found = list(rows(path, needed, faults, others))
    faults.raise_if_any()
    return found


def cell_fault(name: str, text: str, low: int, high: int, place: Place) -> Fault:
    """The fault of a cell that is no whole number in low..high."""
    return Fault(f"{name} is {text[:40]!r}", place, f"a whole number, {low} to {high}")
