"""Running a sweep: every point once, whatever happens in between.

OUT/points/KEY.json holds the row of a point and appears whole or not at all; OUT/points.parquet and OUT/sweep.json
are made of them when the sweep ends, is interrupted, or is run again. A point that is there is not run again; one
that failed is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor, as_completed
from pathlib import Path
from typing import Any

from chipweave import __version__
from chipweave.errors import BadInput, Fault, Interrupted
from chipweave.io.atomic import replacing, write_json
from chipweave.io.console import note
from chipweave.io.late import late
from chipweave.io.progress import Counting
from chipweave.study import point as points
from chipweave.study.sweep_file import Sweep

pa = late("pyarrow")
pq = late("pyarrow.parquet")

POINT_SCHEMA = "chipweave.sweep.point/1"
SWEEP_SCHEMA = "chipweave.sweep/1"


class Folder:
    """The results of a sweep on disk."""

    def __init__(self, path: Any) -> None:
        """path: OUT; nothing is made before `begin`."""
        self.path = Path(path)
        self.points = self.path / "points"

    def begin(self, sweep: Sweep) -> None:
        """Make the folder; raises `BadInput` where one is there that holds something else."""
        if self.path.exists() and not self.path.is_dir():
            raise BadInput(Fault(f"{self.path} is no folder", allowed="a new folder, or that of the same sweep"))
        others = [p.name for p in self.path.iterdir() if not p.name.startswith(".")] if self.path.exists() else []
        if others and not self.points.is_dir():
            raise BadInput(
                Fault(f"{self.path} holds other files, such as {others[0]}", allowed="a new folder, or that of a sweep")
            )
        self.points.mkdir(parents=True, exist_ok=True)

    def read(self, key: str) -> dict | None:
        """The row of a point, or None where it has not run; what is damaged has not run."""
        try:
            document = json.loads((self.points / f"{key}.json").read_text())
            return document["row"] if document["schema"] == POINT_SCHEMA else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, key: str, settings: dict, row: dict) -> None:
        """Keep the row of a point."""
        write_json(self.points / f"{key}.json", {"schema": POINT_SCHEMA, "key": key, "settings": settings, "row": row})


def run(sweep: Sweep, out: Any, executor: Executor | None, only: int | None = None) -> dict:
    """Run what is missing and write the tables; returns the document of sweep.json.

    executor: where points run; None: here, one after the other. only: number of the one point to run.
    """
    folder = Folder(out)
    folder.begin(sweep)
    keys = [each.key() for each in sweep.points]
    wanted = range(len(keys)) if only is None else [only]
    rows = [folder.read(key) for key in keys]
    missing, seen = [], set()
    for i in wanted:
        row = rows[i]
        if (row is None or "failed" in row) and keys[i] not in seen:
            missing.append(i)
            seen.add(keys[i])
    note(f"{sweep.name}: {len(sweep.points)} points, {len(sweep.points) - len(missing)} done")
    try:
        with Counting(len(missing), sweep.name) as counting:
            for i, row in _results(sweep, missing, executor):
                folder.write(keys[i], sweep.points[i].settings, row)
                if "failed" in row:
                    note(f"failed: {described(sweep.points[i].settings)}: {row['failed']}")
                counting.advance()
    except KeyboardInterrupt:
        finish(sweep, keys, folder)
        raise Interrupted(f"interrupted: what is done is in {out}; the same command runs the rest") from None
    return finish(sweep, keys, folder)


def _results(sweep: Any, missing: Any, executor: Any) -> Iterator[Any]:
    """(number, row) of each missing point as it ends.

    A worker that dies makes its point a failed one; Ctrl-C cancels those that have not started.
    """
    if executor is None:
        for i in missing:
            yield i, points.run(sweep.points[i])
        return
    futures = {executor.submit(points.run, sweep.points[i]): i for i in missing}
    try:
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except (CancelledError, Exception) as error:
                yield futures[future], {"failed": f"{type(error).__name__}: {str(error)[:300]}"}
    except BaseException:
        for future in futures:
            future.cancel()
        raise


def finish(sweep: Sweep, keys: list[str], folder: Folder) -> dict:
    """Write points.parquet and sweep.json of the rows there are; returns the document."""
    rows, failed, left = [], [], 0
    for each, key in zip(sweep.points, keys, strict=True):
        row = folder.read(key)
        if row is None:
            left += 1
        elif "failed" in row:
            failed.append({"settings": each.settings, "message": row["failed"]})
        else:
            rows.append({**{name: _cell(value) for name, value in each.settings.items()}, **row, "key": key})
    fill_speedups(rows, sweep)
    if rows:
        write_table(folder.path / "points.parquet", rows, sweep)
    else:  # or one of an earlier sweep would pass for this one's
        (folder.path / "points.parquet").unlink(missing_ok=True)
    document = {
        "schema": SWEEP_SCHEMA,
        "version": __version__,
        "name": sweep.name,
        "doc": sweep.doc,
        "settings": sweep.settings,
        "points": len(sweep.points),
        "done": len(rows),
        "left": left,
        "failed": failed,
        "plots": sweep.plots,
    }
    write_json(folder.path / "sweep.json", document)
    return document


def fill_speedups(rows: list[dict], sweep: Sweep) -> None:
    """`speedup` of each row: decode time of the row that differs from it in the settings of `compare` alone.

    Over its own.
    """
    if not sweep.compare:
        return
    wanted = {name: _cell(value) for name, value in sweep.compare.items()}
    others = [name for name in sweep.settings if name not in wanted]
    reference = {}
    for row in rows:
        if all(row.get(name) == value for name, value in wanted.items()):
            reference[tuple(row.get(name) for name in others)] = row["decode_time_ns"]
    for row in rows:
        base = reference.get(tuple(row.get(name) for name in others))
        row["speedup"] = base / row["decode_time_ns"] if base and row["decode_time_ns"] else None


def write_table(path: Path, rows: list[dict], sweep: Sweep) -> None:
    """One row a point: its settings, its values, its key.

    A column of mixed types becomes text, as Parquet has one type a column. Written under another
    name and renamed.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [row.get(name) for row in rows] for name in names}
    for name, values in columns.items():
        if len({type(v) for v in values if v is not None}) > 1 and not all(
            isinstance(v, (int, float)) and not isinstance(v, bool) for v in values if v is not None
        ):
            columns[name] = [None if v is None else str(v) for v in values]
    with replacing(path, "wb") as file:
        pq.write_table(pa.table(columns), file)


def described(settings: dict) -> str:
    """Settings in one line."""
    return ", ".join(f"{name}={_cell(value)}" for name, value in settings.items())


def _cell(value: Any) -> Any:
    """A setting as a cell of a table: a mapping as its kind and parameters."""
    if isinstance(value, dict):
        more = ", ".join(f"{k}={v}" for k, v in value.items() if k != "kind")
        return f"{value.get('kind', '')}({more})" if more else str(value.get("kind", ""))
    return value if isinstance(value, (int, float, str, bool)) or value is None else str(value)
