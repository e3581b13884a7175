"""`cw.sweep`: what the command `sweep` does, called from Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chipweave.declare.params import as_node
from chipweave.errors import Place
from chipweave.io.late import late
from chipweave.run.metrics import COUNTED, FIGURES
from chipweave.run.table import Table, with_units
from chipweave.study import executors, plot, run_sweep, sweep_file
from chipweave.study import sweep as points

pq = late("pyarrow.parquet")


class Points:
    """The points of a sweep that have run.

    Attributes:
        folder: where they are; the same call with it goes on with what is missing.
        document: as in sweep.json: name, settings, points, done, failed.
    """

    def __init__(self, folder: Path, document: dict[str, Any]) -> None:
        self.folder = folder
        self.document = document

    @property
    def failed(self) -> list[dict[str, Any]]:
        """Points that failed: settings and message of each."""
        found: list[dict[str, Any]] = self.document["failed"]
        return found

    @property
    def points(self) -> Table:
        """One row a point: its settings, then its figures."""
        units = {figure.name: figure.unit for figure in (*FIGURES, *COUNTED)}
        return Table(
            with_units(pq.read_table(self.folder / "points.parquet"), units), self.document["name"] or "points"
        )

    def to_pandas(self) -> Any:
        """`points` as a DataFrame."""
        return self.points.to_pandas()

    def plot(self, path: str | Path, x: str, y: str, colour: str | None = None, facet: str | None = None) -> Path:
        """Write a picture (.svg, .png, .pdf) of two columns; returns its path. As `chipweave plot`."""
        plot.draw(self.points.to_pydict(), Path(path), x, y, colour, facet)
        return Path(path)

    def __len__(self) -> int:
        return int(self.document["done"])

    def __repr__(self) -> str:
        d = self.document
        head = f"{d['name']}: {d['done']} of {d['points']} points, {len(d['failed'])} failed, in {self.folder}"
        return f"{head}\n{self.points!r}" if d["done"] else head

    def _repr_html_(self) -> str:
        return self.points._repr_html_() if self.document["done"] else ""


def sweep(
    what: str | Path | Mapping[str, Any],
    out: str | Path,
    *,
    executor: str = "local",
    jobs: int = 1,
    executor_options: Mapping[str, str] | None = None,
) -> Points:
    """Run every point of a sweep once, and go on where `out` has some already; returns the Points.

        cw.sweep({"run": {"model": "qwen3-30b-a3b", "steps": 4}, "vary": {"batch": [64, 256]}}, "runs/batch").points

    Args:
        what: a sweep file (docs/guide/sweeps.md), or the same as a mapping; `schema` may be left out of a mapping.
        out: the folder of the points.
        executor: local, mpi, dask, slurm, or one of your own.
        jobs: workers of it.

    Raises:
        BadInput: faults of the sweep, all at once, or a folder that holds something else.
    """
    if isinstance(what, Mapping):
        root = as_node({"schema": sweep_file.SCHEMA, **what}, Place("sweep"))
        found = sweep_file.read(root, Path.cwd(), "sweep")
    else:
        found = sweep_file.load(what)
    given = dict(executor_options or {})
    if executor == "local":
        executors.take_no_others(executor, given)
    run_sweep.make_traces(found, None)
    if executor == "local" and jobs == 1:
        return Points(Path(out), points.run(found, out, None))
    with executors.load(executor)(jobs, given) as pool:
        return Points(Path(out), points.run(found, out, pool))
