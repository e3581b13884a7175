"""Pictures of runs, as matplotlib figures: times, layers, links on the system's own picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from chipweave import topology
from chipweave.errors import BadInput, Fault, nearest
from chipweave.io.console import printable
from chipweave.run.simulate import mesh_of
from chipweave.views import draw_layout

if TYPE_CHECKING:
    from chipweave.views.notebook.result import Result

SHADES = "viridis"
KINDS = {"busy": "share of the run held or sending", "stalled": "share idle while wanted", "bytes": "GB of messages"}
APART = 0.07  # by how much the two directions of a link stand apart, in dies


class Picture(Figure):
    """A matplotlib Figure that a notebook shows as it is, without pyplot and its backends."""

    def _repr_png_(self) -> bytes:
        out = io.BytesIO()
        self.savefig(out, format="png", dpi=80)
        return out.getvalue()


class Plots:
    """What can be drawn of one run or several; each method returns a matplotlib Figure (`.savefig("x.svg")`)."""

    def __init__(self, runs: Sequence[Result]) -> None:
        self.runs = list(runs)

    def times(self) -> Figure:
        """Time of each run, as bars, ms."""
        figure, axis = _axis(1 + 0.4 * len(self.runs))
        names = [_name(run) for run in self.runs]
        bars = axis.barh(names, [run.time_ns / 1e6 for run in self.runs])
        axis.bar_label(bars, fmt="%.3f", padding=3)
        axis.invert_yaxis()
        axis.set_xlabel("decode time [ms]")
        axis.margins(x=0.12)
        return figure

    def layers(self) -> Figure:
        """Time of each layer, summed over the decode steps, us; a line for each run."""
        figure, axis = _axis(3.2)
        for run in self.runs:
            layers = run.row["layers"]
            x = [row["layer"] for row in layers]
            axis.plot(x, [row["decode_time_ns"] / 1e3 for row in layers], label=_name(run), marker=".")
        axis.set_xlabel("layer")
        axis.set_ylabel("decode time [us]")
        axis.set_ylim(bottom=0)
        axis.legend(fontsize=8)
        return figure

    def links(self, kind: str = "busy", network: str | None = None) -> Figure:
        """The links of a network where they stand in the system, coloured; a panel for each run.

        Args:
            kind: "busy", "stalled" (shares of the run's time) or "bytes".
            network: its name; None: the one that joins the dies.

        Raises:
            BadInput: there is no such kind or network, or no run has statistics of links.
        """
        if kind not in KINDS:
            raise BadInput(Fault(f"no picture of {kind!r}", allowed=", ".join(KINDS), nearest=nearest(kind, KINDS)))
        found = [(run, *link_values(run, kind, network)) for run in self.runs if run.outcome.links]
        if not found:
            raise BadInput(Fault("no run has statistics of links", allowed="runs that were not taken by a sample"))
        figure = Picture(figsize=(4.2 * len(found), 4.0), layout="constrained")
        most = max((value for _, _, values, _ in found for value in values.values()), default=0) or 1
        for axis, (run, spots, values, _) in zip(figure.subplots(1, len(found), squeeze=False)[0], found, strict=True):
            lines = [shifted(spots[a], spots[b]) for a, b in values]
            drawn = LineCollection(lines, cmap=colormaps[SHADES], linewidths=3.5, capstyle="butt")
            drawn.set_array(np.array(list(values.values())))
            drawn.set_clim(0, most)
            axis.add_collection(drawn)
            axis.scatter(*zip(*spots.values(), strict=True), marker="s", s=90, color="#cbd5e1", zorder=3)
            axis.set_title(_name(run), fontsize=9)
            axis.set_aspect("equal")
            axis.axis("off")
            axis.autoscale_view()
        figure.colorbar(drawn, ax=figure.axes, label=KINDS[kind], shrink=0.8)
        return figure


def link_values(
    run: Result, kind: str, network: str | None
) -> tuple[dict[str, tuple[float, float]], dict[tuple[str, str], float], str]:
    """(router -> its spot, (from, to) -> value, network) of the links of a run."""
    system = topology.load(run.facts["system"], allow_code=run.spec.allow_code)
    known = {name: (names, stats) for name, names, stats in run.outcome.links}
    name = network or mesh_of(system).name
    if name not in system.networks or name not in known:
        raise BadInput(Fault(f"no network {name!r}", allowed=", ".join(known), nearest=nearest(name, known)))
    names, stats = known[name]
    total = max(1, run.outcome.total_ps)
    value = {"busy": stats.busy_ps / total, "stalled": stats.stalled_ps / total, "bytes": stats.bytes / 1e9}[kind]
    spots = draw_layout.positions(system.networks[name], system)
    ends = dict.fromkeys(((a, b) for a, b, _ in system.networks[name].graph.edges(data=True)), 0.0)
    for link, of in zip(names, value, strict=True):
        a, _, b = link.partition(" -> ")
        ends[a, b] = float(of)
    return spots, ends, name


def shifted(a: tuple[float, float], b: tuple[float, float]) -> list[tuple[float, float]]:
    """A line from a to b, moved to its right, so that both directions of a link are seen."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    far = float(np.hypot(dx, dy)) or 1.0
    right = (dy / far * APART, -dx / far * APART)
    return [(p[0] + right[0], p[1] + right[1]) for p in (a, b)]


def _axis(high: float) -> Any:
    figure = Picture(figsize=(7, high), layout="constrained")
    axis = figure.subplots()
    axis.spines[["top", "right"]].set_visible(False)
    return figure, axis


def _name(run: Result) -> str:
    return printable(f"{run.strategy}, {run.row['link_model']}")
