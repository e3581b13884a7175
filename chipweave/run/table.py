"""A table of results: an Arrow table whose columns say their units, as people and notebooks want to see it."""

from __future__ import annotations

import html
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chipweave.errors import BadInput, Fault
from chipweave.io.console import printable
from chipweave.io.late import late

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
else:
    pa = late("pyarrow")

SHOWN = 8  # rows of the text and of the page of a notebook
WIDEST = 48  # characters of a cell there
LABELS = ("strategy", "link_model", "admission")  # what tells the rows of one run from another's


class Table:
    """Rows and named columns. All that an Arrow table can do is there (`num_rows`, `filter`, `sort_by`, `group_by`).

    Whatever reads Arrow's C stream takes it as it is: `pyarrow.table(t)`, `polars.from_arrow(t.arrow)`, duckdb.

    Attributes:
        arrow: the pyarrow.Table; the unit of a column is in its field's metadata, under `unit`.
        name: what the rows are.
    """

    def __init__(self, arrow: pa.Table, name: str = "table") -> None:
        self.arrow = arrow
        self.name = name

    @property
    def units(self) -> dict[str, str]:
        """Column -> unit; "" where it has none."""
        return {field.name: ((field.metadata or {}).get(b"unit") or b"").decode() for field in self.arrow.schema}

    def to_pandas(self, units: bool = False) -> pd.DataFrame:
        """The table as a pandas DataFrame; `attrs["units"]` holds the units.

        Args:
            units: put the unit behind each column's name, "time_ps [ps]".

        Raises:
            BadInput: pandas is not installed.
        """
        try:
            import pandas  # noqa: F401  pyarrow imports it itself, and says no cure
        except ImportError:
            cure = "pip install 'chipweave[pandas]'; without it: .arrow, .to_pylist(), or the Parquet files"
            raise BadInput(Fault("pandas is not installed", allowed=cure)) from None
        frame = self.arrow.to_pandas()
        frame.attrs["units"] = self.units
        if units:
            frame.columns = [f"{name} [{unit}]" if unit else name for name, unit in self.units.items()]
        return frame

    def of(self, labels: dict[str, str]) -> Table:
        """The rows of one run, without the columns that name it."""
        import pyarrow.compute as pc

        found = self.arrow
        for name, value in labels.items():
            if name in found.column_names:
                found = found.filter(pc.equal(found.column(name).cast(pa.string()), value)).drop_columns([name])
        return Table(found, self.name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "arrow":
            raise AttributeError(name)
        return getattr(self.arrow, name)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.arrow.__arrow_c_stream__(requested_schema)

    def __getitem__(self, name: str) -> Any:
        """A column by name: a pyarrow.ChunkedArray."""
        return self.arrow[name]

    def __len__(self) -> int:
        return int(self.arrow.num_rows)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """The rows as tuples."""
        return zip(*(column.to_pylist() for column in self.arrow.columns), strict=True)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Table):
            other = other.arrow
        return bool(isinstance(other, pa.Table) and self.arrow.equals(other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = self.arrow.slice(0, SHOWN).to_pylist()
        heads = [f"{n} [{u}]" if u else n for n, u in self.units.items()]
        cells = [[_cell(value) for value in row.values()] for row in shown]
        wide = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
        lines = [f"{self.name}: {len(self):,} rows, {len(heads)} columns"] if cells else [f"{self.name}: no rows"]
        lines += ["  ".join(c.rjust(w) for c, w in zip(row, wide, strict=True)) for row in (heads, *cells) if cells]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """A notebook's view: the first rows, with units under the names."""
        rows = self.arrow.slice(0, SHOWN).to_pylist()
        heads = "".join(
            f"<th>{html.escape(printable(n))}<br><small>{html.escape(u or ' ')}</small></th>"
            for n, u in self.units.items()
        )
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(_cell(v))}</td>" for v in row.values()) + "</tr>" for row in rows
        )
        caption = f"{html.escape(self.name)}: {len(self):,} rows"
        return f"<table><caption>{caption}</caption><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


class Tables:
    """The tables of one run, or of the runs of a comparison with columns that name the run; made when first used."""

    def _table(self, name: str) -> Table:
        """The table of this name."""
        raise NotImplementedError

    @cached_property
    def layers(self) -> Table:
        """One row per run, step and layer: times in ps, counts of that layer alone."""
        return self._table("layers")

    @cached_property
    def links(self) -> Table:
        """One row per run, network, link and time bin in which the link was used or waited for."""
        return self._table("links")

    @cached_property
    def statistics(self) -> Table:
        """One row per run, part and statistic."""
        return self._table("statistics")

    @cached_property
    def critical(self) -> Table:
        """One row per run, step, layer and class: the critical path, split; a layer-step's classes sum to its time."""
        return self._table("critical")

    @cached_property
    def parts(self) -> Table:
        """One row per run and resource of a part: how long it was busy, idle and waited for."""
        return self._table("parts")

    @cached_property
    def flows(self) -> Table:
        """Of each link the largest flows: which expert of which layer, from which die to which."""
        return self._table("flows")


def _cell(value: Any) -> str:
    """A value as text: thousands separated, "-" for none, long ones cut."""
    if value is None:
        return "-"
    if isinstance(value, (list, dict)):
        return f"{len(value)} items"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
    text = printable(value)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 3]}..."


def from_rows(rows: list[dict[str, Any]], units: dict[str, str], name: str) -> Table:
    """A Table of dicts of plain values, one a row; columns in the order in which they first appear."""
    names = list(dict.fromkeys(key for row in rows for key in row))
    arrow = pa.table({key: pa.array([row.get(key) for row in rows]) for key in names})
    return Table(with_units(arrow, units), name)


def with_units(table: pa.Table, units: dict[str, str]) -> pa.Table:
    """The same table with units in the metadata of its fields."""
    fields = [field.with_metadata({"unit": units.get(field.name, "")}) for field in table.schema]
    return table.cast(pa.schema(fields))
