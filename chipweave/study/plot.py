"""Pictures of a table of points: x against y, a colour for each value of one column, a panel for each of another.

Panels share the y axis, so that they can be compared. x is logarithmic (base 2) where its values
span a factor of 8 or more: batches and sizes usually double.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from chipweave.errors import BadInput, Fault, nearest
from chipweave.io.outputs import check_picture, save_picture

KINDS = ("auto", "line", "bar", "scatter")
MOST_PANELS, MOST_COLOURS = 24, 20


def read_table(path: Any) -> dict[str, list]:
    """Columns of a Parquet table, or of the points.parquet in a folder; BadInput where there is
    none or it is damaged.
    """
    path = Path(path)
    path = path / "points.parquet" if path.is_dir() else path
    try:
        return pq.read_table(path).to_pydict()
    except FileNotFoundError:
        raise BadInput(Fault(f"no table {path}", allowed="a Parquet file, or the folder of a sweep")) from None
    except Exception as error:  # pyarrow has many
        raise BadInput(Fault(f"{path} cannot be read: {str(error).splitlines()[0][:100]}")) from None


def draw(
    table: dict,
    path: Any,
    x: str,
    y: str,
    colour: str | None = None,
    facet: str | None = None,
    kind: str = "auto",
    title: str = "",
) -> None:
    """Write a picture; raises `BadInput` for a column that there is not, or more panels than fit.

    x, y, colour, facet: names of columns; y holds numbers, missing ones are left out. kind: "auto",
    "bar", "line" or "scatter"; auto draws bars where x is text or has one value. path: .svg, .png
    or .pdf.
    """
    check_picture(path)
    for name in filter(None, (x, y, colour, facet)):
        if name not in table:
            raise BadInput(Fault(f"no column {name!r}", allowed=", ".join(table), nearest=nearest(name, table)))
    if not all(isinstance(v, (int, float)) or v is None for v in table[y]):
        raise BadInput(Fault(f"{y} holds no numbers", allowed="a column of numbers for y"))
    panels, colours = _values(table, facet), _values(table, colour)
    if len(panels) > MOST_PANELS or len(colours) > MOST_COLOURS:
        allowed = f"at most {MOST_PANELS} panels and {MOST_COLOURS} colours"
        raise BadInput(Fault(f"{len(panels)} panels, {len(colours)} colours", allowed=allowed))
    _figure(table, path, (x, y, colour, facet), panels, colours, kind, title)


def _values(table: Any, name: Any) -> Any:
    """The values of a column in order of appearance; [None] for no column."""
    return list(dict.fromkeys(table[name])) if name else [None]


def _figure(table: Any, path: Any, names: Any, panels: Any, colours: Any, kind: Any, title: Any) -> None:
    """The panels, four a row, on one figure."""
    from matplotlib.figure import Figure

    x, y, _, facet = names
    across = min(4, len(panels))
    down = -(-len(panels) // across)
    figure = Figure(figsize=(4 * across + 1, 3 * down + 0.6), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False, sharey=True).ravel()
    for axis, panel in zip(axes, panels, strict=False):
        _panel(axis, table, names, panel, colours, kind)
        axis.set_xlabel(x)
        axis.set_title(f"{panel}" if facet else "")
        axis.grid(alpha=0.3)
    for axis in axes[len(panels) :]:
        axis.remove()
    axes[0].set_ylabel(y)
    if colours != [None]:
        axes[0].legend(fontsize="small")
    figure.suptitle(title)
    save_picture(figure, path)


def _panel(axis: Any, table: Any, names: Any, panel: Any, colours: Any, kind: Any) -> None:
    """One panel: bars for words on x or a single value, lines for numbers."""
    x, y, colour, facet = names
    rows = [i for i in range(len(table[y])) if (not facet or table[facet][i] == panel) and table[y][i] is not None]
    numeric = all(isinstance(table[x][i], (int, float)) for i in rows)
    places = list(dict.fromkeys(table[x][i] for i in rows))
    bars = kind == "bar" or (kind == "auto" and (not numeric or len(places) < 2))
    for number, value in enumerate(colours):
        mine = [i for i in rows if not colour or table[colour][i] == value]
        if bars:
            width = 0.8 / len(colours)
            at = [places.index(table[x][i]) + (number - (len(colours) - 1) / 2) * width for i in mine]
            axis.bar(at, [table[y][i] for i in mine], width, label=str(value))
            continue
        mine.sort(key=lambda i: table[x][i])
        style = "o" if kind == "scatter" else "o-"
        axis.plot([table[x][i] for i in mine], [table[y][i] for i in mine], style, markersize=4, label=str(value))
    if bars:
        axis.set_xticks(range(len(places)), [str(p) for p in places], rotation=30 if len(places) > 3 else 0)
    elif numeric and min(places, default=0) > 0 and max(places) / min(places) >= 8:
        axis.set_xscale("log", base=2)
        axis.set_xticks(places, [f"{p:g}" for p in places])


def only(table: dict, where: Any) -> dict:
    """The rows of a table where columns have the values of `COLUMN=VALUE` texts; BadInput where none is left."""
    kept: Sequence[int] = range(len(next(iter(table.values()), [])))
    for text in where:
        name, _, value = text.partition("=")
        if name not in table:
            raise BadInput(Fault(f"no column {name!r}", allowed=", ".join(table), nearest=nearest(name, table)))
        kept = [i for i in kept if str(table[name][i]) == value]
    if not kept:
        raise BadInput(Fault("no row is left", allowed="values that occur: " + ", ".join(where)))
    return {name: [values[i] for i in kept] for name, values in table.items()}
