"""Reads an output folder of `run` or `compare` back: the document, and the tables as Arrow tables with units."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from chipweave.errors import BadInput, Fault
from chipweave.io.late import late
from chipweave.run.table import Table, Tables

if TYPE_CHECKING:
    import pyarrow as pa
else:
    pa = late("pyarrow")
pq = late("pyarrow.parquet")


@contextmanager
def as_written(folder: str | Path) -> Iterator[None]:
    """Reading what an output folder holds: BadInput where its files lack something that they were written with."""
    try:
        yield
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        what = f"{type(error).__name__}: {error}"
        raise BadInput(
            Fault(
                f"{folder} holds files that are not as they were written ({what})",
                allowed="the runs again, with another --out",
            )
        ) from error


class Results(Tables):
    """What an output folder holds; a table is read when it is first used. Columns and units: docs/reference/results.md.

    Attributes:
        folder: where it was written; None for one that is not in a folder.
    """

    folder: Path | None

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.document  # noqa: B018  a folder that holds no results is refused here

    @cached_property
    def document(self) -> dict:
        """The comparison, as in `--json`: its settings, `rows` (one per run), `result_sha256`."""
        return self._json("result.json")

    @cached_property
    def manifest(self) -> dict:
        """Everything needed to repeat the runs."""
        return self._json("manifest.json")

    @property
    def rows(self) -> list[dict]:
        """One row per run; times in ns, sizes in bytes."""
        return self.document["rows"]

    @property
    def breakdown(self) -> list[dict]:
        """Where the time of each row went: critical path by layer, parts, hottest links; none of rows by a sample."""
        return self.document.get("breakdown", [])

    def _path(self, name: str) -> Path:
        """A file of the folder; BadInput where it is missing."""
        if self.folder is None:
            raise BadInput(Fault(f"these results are in no folder, so they have no {name}", allowed="save(folder)"))
        path = self.folder / name
        if not path.is_file():
            raise BadInput(
                Fault(f"{self.folder} has no {name}", allowed="a folder that `--out` of run or compare wrote")
            )
        return path

    def _json(self, name: str) -> dict:
        """A JSON object of the folder; BadInput where it is none."""
        path = self._path(name)
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise BadInput(f"{path} is no JSON: {error}") from None
        if not isinstance(found, dict):
            raise BadInput(f"{path} is no JSON object")
        return found

    def _table(self, name: str) -> Table:
        """A Parquet table of the folder; BadInput where it is none."""
        path = self._path(f"{name}.parquet")
        try:
            return Table(pq.read_table(path), name)
        except pa.ArrowInvalid as error:
            raise BadInput(f"{path} is no Parquet file: {error}") from None
