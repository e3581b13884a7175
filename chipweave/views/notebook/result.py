"""Runs and comparisons as Python users hold them: figures, tables with units, pictures, equality."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chipweave.errors import BadInput, Fault, nearest
from chipweave.run import compare, output_folder, resume
from chipweave.run.compare import VOLATILE
from chipweave.run.results import Results
from chipweave.run.simulate import Outcome
from chipweave.run.spec import RunSpec
from chipweave.run.table import LABELS, Table, Tables
from chipweave.run.why import explain
from chipweave.run.why.folder import Kept, spec_of
from chipweave.views.notebook import text

if TYPE_CHECKING:
    from chipweave.views.notebook.plots import Plots


class Result(Tables):
    """One run that has ended.

    Attributes:
        spec: what was run, a RunSpec.
        outcome: all that it left, as the program keeps it.
        folder: where it was read from, or "".
    """

    def __init__(self, spec: RunSpec, outcome: Outcome, folder: str = "") -> None:
        self.spec = spec
        self.outcome = outcome
        self.folder = folder

    @property
    def row(self) -> dict[str, Any]:
        """The figures of the run by name; docs/reference/metrics.md defines each and has its unit."""
        return self.outcome.row

    @property
    def strategy(self) -> str:
        """The strategy's name."""
        return str(self.row["strategy"])

    @property
    def time_ns(self) -> int:
        """Decode time in ns; that of the prefill where the run has no decode step."""
        return int(self.row["decode_time_ns"] or self.row["prefill_time_ns"])

    @property
    def table(self) -> Any:
        """int64 [layer-steps, columns]: the layer table as the program keeps it; `columns` names its columns."""
        return self.outcome.table

    @property
    def columns(self) -> list[str]:
        """Names of the columns of `table`."""
        return self.outcome.columns

    @property
    def facts(self) -> dict[str, Any]:
        """What the manifest says of the run: system and policies resolved, trace, code, notes."""
        return self.outcome.facts

    @property
    def labels(self) -> dict[str, str]:
        """What tells this run from others of a comparison."""
        return {name: self.row[name] for name in LABELS}

    @cached_property
    def _tables(self) -> dict[str, Table]:
        return {name: Table(arrow, name) for name, arrow in output_folder.tables([self.outcome]).items()}

    def _table(self, name: str) -> Table:
        """A table of the run, without the columns that name it."""
        return self._tables[name].of(self.labels)

    @property
    def plot(self) -> Plots:
        """Pictures of the run: `run.plot.links()`, `run.plot.layers()`."""
        from chipweave.views.notebook.plots import Plots

        return Plots([self])

    def why(self, layer: int | None = None, place: str | None = None) -> dict[str, Any]:
        """What the time went to, as `chipweave why --json` says it; runs it again with a record.

        Args:
            layer: of this layer alone.
            place: of what was spent at this part or link alone.

        Raises:
            BadInput: there is no such layer or place, or the run was taken by a sample.
        """
        entry = output_folder.entry(self.spec, self.outcome)
        return explain.why(Kept(self.folder or str(self), self.spec, self.row, entry), layer, place)

    def save(self, folder: str | Path, force: bool = False) -> Path:
        """Write the folder that `--out` would write; returns its path. As `Comparison.save`."""
        return Comparison.of([self]).save(folder, force)

    def figures(self) -> dict[str, Any]:
        """The figures that are the same on every machine."""
        return {k: v for k, v in self.row.items() if k not in (*VOLATILE, "speedup")}

    def __eq__(self, other: object) -> bool:
        """Whether all figures, every layer and every count of a part are the same; times of this machine aside."""
        if not isinstance(other, Result):
            return NotImplemented
        return self.figures() == other.figures() and all(
            _told(self, name) == _told(other, name) for name in ("layers", "statistics", "links")
        )

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self.spec.topology}, {self.spec.model}, {self.strategy}"

    def __repr__(self) -> str:
        return text.of_run(self)

    def _repr_html_(self) -> str:
        return text.page_of_run(self)


class Comparison(Results):
    """Several runs of the same work: of `cw.compare`, or read from a folder that `--out` wrote.

    `comparison["allo"]` is the Result of that strategy (the first, where several link models were run),
    `comparison["allo", "flit"]` that of a link model, `comparison[0]` the first row; iterating gives all.
    """

    def __init__(self, folder: str | Path) -> None:
        super().__init__(folder)
        self._runs: list[Result] | None = None

    @classmethod
    def of(cls, runs: list[Result], gaps: list[Any] | tuple[Any, ...] = ()) -> Comparison:
        """A comparison of runs that are not in a folder; speed-ups are filled in."""
        made = cls.__new__(cls)
        made.folder = None
        made._runs = runs
        outcomes = [run.outcome for run in runs]
        made.document = compare.finish(runs[0].spec, outcomes, gaps)
        for name, arrow in output_folder.tables(outcomes).items():
            setattr(made, name, Table(arrow, name))
        return made

    @property
    def runs(self) -> list[Result]:
        """All runs, in the order of the rows."""
        if self._runs is None:
            entries = self.manifest["runs"]
            self._runs = [
                Result(spec_of(str(self.folder), entry), outcome, str(self.folder))
                for entry, outcome in zip(entries, resume.outcomes_of(Path(str(self.folder))), strict=True)
            ]
        return self._runs

    def __getitem__(self, which: int | str | tuple[str, ...]) -> Result:
        if isinstance(which, int):
            return self.runs[which]
        wanted = (which,) if isinstance(which, str) else which
        for run in self.runs:
            if all(run.row[key] == value for key, value in zip(LABELS, wanted, strict=False)):
                return run
        there = [run.strategy for run in self.runs]
        raise BadInput(
            Fault(
                f"no run {', '.join(wanted)}",
                allowed=", ".join(dict.fromkeys(there)),
                nearest=nearest(wanted[0], there),
            )
        )

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Result]:
        return iter(self.runs)

    @property
    def plot(self) -> Plots:
        """Pictures of all runs: `comparison.plot.times()`, `.layers()`, `.links()`."""
        from chipweave.views.notebook.plots import Plots

        return Plots(self.runs)

    def to_pandas(self) -> Any:
        """The figures, one row a run, as a DataFrame."""
        return self.figures.to_pandas()

    @property
    def figures(self) -> Table:
        """The figures, one row a run."""
        return text.figures_table(self.rows)

    def save(self, folder: str | Path, force: bool = False) -> Path:
        """Write the folder that `--out` would write; returns its path.

        Raises:
            BadInput: it holds results already, and `force` does not say that they may go.
        """
        path = Path(folder)
        there = [name for name in ("result.json", "manifest.json") if (path / name).exists()]
        if there and not force:
            raise BadInput(Fault(f"{path} holds {there[0]}", allowed="another folder, or force=True"))
        output_folder.write(path, self.document, [r.spec for r in self.runs], [r.outcome for r in self.runs])
        return path

    def __eq__(self, other: object) -> bool:
        """Whether it has the same runs in the same order, each equal."""
        return self.runs == other.runs if isinstance(other, Comparison) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return text.of_comparison(self)

    def _repr_html_(self) -> str:
        return text.page_of_comparison(self)


def _told(run: Result, name: str) -> list[tuple[Any, ...]]:
    """The rows of a table in an order of their own, without the count of events, which is the engine's."""
    table = getattr(run, name)
    kept = [column for column in table.column_names if column != "events"]
    return sorted(Table(table.arrow.select(kept)), key=str)


def read_results(folder: str | Path) -> Comparison:
    """The Comparison in a folder that `--out` wrote, a single run included.

    Raises:
        BadInput: the folder holds none.
    """
    return Comparison(folder)
