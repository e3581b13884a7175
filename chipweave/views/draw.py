"""The picture of a system: each network in its shape, beside it what is inside a die, below it what the colours mean.

Links that differ from most of their network (a slow one) are drawn in another colour and carry the
values in which they differ; dies that differ from most have their border in that colour. Spots are
in units of one die pitch, y upwards, [0][0] at the top left; sizes of figures are inches. Same
system, same bytes: SVG ids are salted with a fixed text and the date is left out.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from chipweave.declare import units
from chipweave.io.outputs import save_picture
from chipweave.noc.graph_network import Network
from chipweave.topology.patterns import bare
from chipweave.topology.system import System
from chipweave.views import draw_layout as layout

INK, QUIET, PAPER = "#22303c", "#7b8794", "#ffffff"
LINK, ODD = "#3b82c4", "#d9480f"
FILLS = ("#dbeafe", "#dcfce7", "#fef3c7", "#fce7f3", "#ede9fe", "#cffafe", "#ffedd5", "#e2e8f0")
TITLE_PER_INCH, WORDS_PER_INCH = 8.5, 13.5  # characters of the bold title and of a panel's words
MOST_FIGURES = 5  # of a part inside a die
MOST_LINES = 3  # of what is said of a die that differs
BEHIND = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.4, "alpha": 0.85}
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9,
    "svg.fonttype": "none",
    "svg.hashsalt": "chipweave",
    "text.color": INK,
}


def draw(system: System, path: Path | str) -> None:
    """Draw `system` into a file; its ending gives the format (.svg, .png, .pdf).

    Panels from left to right: networks, one die of each sort, parts outside any die. The file is
    written under a temporary name and renamed.
    """
    panels: list[tuple[str, Any]] = [("network", (n, layout.positions(n, system))) for n in system.networks.values()]
    insides = layout.insides(system)
    panels += [("inside", i) for i in insides]
    graph = layout.loose(system)
    if graph.number_of_edges() or (not panels and graph):
        panels.append(("loose", graph))
    colours = {
        k: FILLS[i % len(FILLS)]
        for i, k in enumerate(dict.fromkeys(p.kind.partition(".")[0] for p in system.parts.values()))
    }
    with plt.rc_context(STYLE):
        sizes = [_size(kind, what) for kind, what in panels]
        wide = sum(w for w, _ in sizes) + 0.4
        title = textwrap.fill(
            f"{system.name}: {system.about}" if system.about else system.name,
            max(20, int((wide - 0.3) * TITLE_PER_INCH)),
        )
        top = 0.95 + 0.2 * title.count("\n")
        high = max(h for _, h in sizes) + top - 0.05
        figure, axes = plt.subplots(
            1, len(panels), squeeze=False, figsize=(wide, high), width_ratios=[w for w, _ in sizes]
        )
        figure.subplots_adjust(
            left=0.15 / wide, right=1 - 0.15 / wide, bottom=0.1 / high, top=1 - top / high, wspace=0.04
        )
        figure.text(0.15 / wide, 1 - 0.12 / high, title, ha="left", va="top", fontsize=12, fontweight="bold")
        for axis, (kind, what) in zip(axes[0], panels, strict=False):
            axis.set_aspect("equal")
            axis.axis("off")
            axis.set_anchor("NW")
            PANELS[kind](axis, system, what, colours)
        save_picture(figure, path, dpi=150, facecolor=PAPER)
        plt.close(figure)


def _scale(wide: float, high: float) -> float:
    """Inches of a unit of a network's picture: large ones are drawn smaller, and their words with them."""
    return 1.15 if max(wide, high) <= 10 else max(0.2, 12 / max(wide, high))


def _extent(spots: Any) -> tuple[float, float]:
    """Units across and down."""
    wide, high = (max(p[i] for p in spots) - min(p[i] for p in spots) + 1 for i in (0, 1))
    return wide, high


def _size(kind: str, what: Any) -> tuple[float, float]:
    """Inches of a panel (width, height); its words fit into its width.

    One die takes 1.15 inches; a grid of more than ten dies a side is shrunk to 12 inches.
    """
    if kind == "network":
        network, spots = what
        wide, high = _extent(spots.values())
        scale, words = _scale(wide, high), max(map(len, _words(network).split("\n"))) / WORDS_PER_INCH
        return max(3.2, wide * scale, words), max(2.4, high * scale + 0.7)
    spots = layout.columns(what[2] if kind == "inside" else what).values()
    return max(2.6, 1.75 * (1 + max(x for x, _ in spots))), max(2.8, 1.4 * (1 + len({y for _, y in spots})))


def _network(axis: Any, system: System, what: tuple[Network, dict[Any, Any]], colours: dict[str, str]) -> None:
    """A network and where its routers stand: links, endpoints, dashed boxes where a die of the grid is absent.

    Over 100 endpoints, boxes lose their text and links their width: at that size only the pattern
    can be read.
    """
    network, spots = what
    scale = min(1.0, _scale(*_extent(spots.values())) / 1.15)
    common = _most_common(network)
    large = len(spots) <= 100
    for a, b in network.pairs():
        figures = _figures(network.graph.edges[a, b])
        odd = figures != common
        for start, end, style in _strokes(network, spots[a], spots[b]):
            axis.plot(
                *zip(start, end, strict=False),
                color=ODD if odd else LINK,
                linewidth=2.2 if large else 0.8,
                linestyle=style,
                zorder=1,
                solid_capstyle="butt",
            )
        if odd:
            level = abs(spots[a][1] - spots[b][1]) < 0.01
            middle = [(spots[a][i] + spots[b][i]) / 2 for i in (0, 1)]
            words = "\n".join(f for f in figures.split(", ") if f not in common.split(", "))
            axis.text(
                middle[0] + (0 if level else 0.04),
                middle[1] + (0.03 if level else 0),
                words,
                color=ODD,
                fontsize=4.8 if level else 5.5,
                ha="center" if level else "left",
                va="bottom" if level else "center",
                zorder=4,
                bbox=BEHIND,
            )
    number = layout.numbers(network, system)
    odd_dies = {die: words for _, odd in layout.alike(system).values() for die, words in odd.items()}
    for name, spot in spots.items():
        differs = odd_dies.get(layout.owner(system, name), "")
        _node(axis, name, spot, number.get(name), system, colours, scale if large else 0, differs)
    if network.shape in ("mesh", "torus") and not network.whole and len(network.dims) == 2:
        for y in range(network.dims[0]):
            for x in range(network.dims[1]):
                if (y, x) not in network.name_at:
                    _box(axis, (x, -y), 0.66, 0.56, PAPER, "absent", QUIET, dashed=True)
    axis.set_title(_words(network), fontsize=9, color=INK, loc="left")
    axis.autoscale_view()
    axis.margins(0.06)


def _words(network: Network) -> str:
    """What stands over a network: shape, links, latency and bandwidth of most of them, link model, routing."""
    shared = f"{network.link_model}, {network.duplex} links" if network.link_model == "circuit" else network.link_model
    return (
        f"network {network.name}: {network.shape} of {len(network.endpoints)}, {len(network.pairs())} links\n"
        f"{_most_common(network)} each way; {shared}; routing {network.routing}"
    )


def _strokes(network: Network, a: tuple[int, int], b: tuple[float, ...]) -> list[Any]:
    """[(from, to, line style)] of a link: one line, or for a link that closes a torus two ends that leave the grid.

    A line across the whole picture would hide the links below it.
    """
    step = [b[i] - a[i] for i in (0, 1)]
    if network.shape != "torus" or max(map(abs, step)) < 1.5:
        return [(a, b, "-")]
    out = [0.62 * (1 if s > 0 else -1) if s else 0 for s in step]
    return [(a, (a[0] - out[0], a[1] - out[1]), (0, (2, 1))), (b, (b[0] + out[0], b[1] + out[1]), (0, (2, 1)))]


def _node(
    axis: Any,
    name: str,
    spot: tuple[float, ...],
    number: int | None,
    system: System,
    colours: dict[str, str],
    scale: float,
    odd: str,
) -> None:
    """One die or router with its number, if it has one.

    scale: of its words, 0 for none; odd: in what it differs from the most common, or "".
    """
    owner, edge = layout.owner(system, name), ODD if odd else QUIET
    fill = colours.get(system.parts[name].kind.partition(".")[0], FILLS[0]) if name in system.parts else "#f1f5f9"
    if not scale:
        _box(axis, spot, 0.5, 0.5, fill, "", INK, edge=edge)
        return
    title = bare(owner).rpartition(".")[2] + (f" {number}" if number is not None else "")
    index = owner[owner.find("[") :] if "[" in owner else ""
    if index == f"[{number}]":  # says the same twice
        index = ""
    size = scale * min(8.5, 0.66 * 1.15 * 72 / (0.74 * max(1, len(title))))
    _box(axis, spot, 0.66, 0.56, fill, title, INK, below=index, edge=edge, size=size)
    if odd:
        lines = odd.split("\n")
        words = "\n".join(
            [*lines[:MOST_LINES], *([f"and {len(lines) - MOST_LINES} more"] if lines[MOST_LINES:] else [])]
        )
        axis.text(
            spot[0],
            spot[1] - 0.31,
            words,
            color=ODD,
            fontsize=6 * scale,
            ha="center",
            va="top",
            zorder=4,
            linespacing=1,
            bbox=BEHIND,
        )


def _box(
    axis: Any,
    spot: tuple[float, ...],
    wide: float,
    high: float,
    fill: str,
    text: str,
    ink: str,
    below: str = "",
    dashed: bool = False,
    edge: str = QUIET,
    size: float = 8.5,
) -> FancyBboxPatch:
    """A rounded box with a line of text, and a second, quieter one `below`; the box is returned for
    arrows to end at.
    """
    x, y = spot
    box = axis.add_patch(
        FancyBboxPatch(
            (x - wide / 2, y - high / 2),
            wide,
            high,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor=fill,
            edgecolor=edge,
            linewidth=1 if edge == QUIET else 1.8,
            linestyle="--" if dashed else "-",
            zorder=2,
        )
    )
    axis.text(
        x,
        y + (0.09 if below else 0),
        text,
        ha="center",
        va="center",
        fontsize=size,
        color=ink,
        fontweight="bold" if below else "normal",
        zorder=3,
    )
    if below:
        _quiet(axis, x, y - 0.12, below, 0.82 * size)
    return box


def _quiet(axis: Any, x: float, y: float, text: str, size: float, va: str = "center", linespacing: float = 1.2) -> None:
    """Text that stands back, centred on `x`, over a box."""
    axis.text(x, y, text, ha="center", va=va, fontsize=size, color=QUIET, zorder=3, linespacing=linespacing)


def _inside(axis: Any, system: System, what: Any, colours: dict[str, str]) -> None:
    """One die of a sort, its parts and links; the title counts the dies of that sort that are not like it."""
    name, instance, graph, odd = what
    others = f"; {odd} with another border differ{'s' if odd == 1 else ''} in kinds or figures" if odd else ""
    axis.set_title(f"inside one {name} ({instance}){others}", fontsize=9, color=INK, loc="left")
    _parts(axis, system, graph, colours, instance + ".")


def _loose(axis: Any, system: System, graph: Any, colours: dict[str, str]) -> None:
    """Parts that belong to no die."""
    axis.set_title("parts", fontsize=9, color=INK, loc="left")
    _parts(axis, system, graph, colours, "")


def _parts(axis: Any, system: System, graph: Any, colours: dict[str, str], prefix: str) -> None:
    """Boxes for parts, with what their slots hold, and arrows from the requester to the one that serves it.

    Arrows between neighbouring columns are straight; those that skip a column or go back bend round
    the boxes.
    """
    spots = {n: (1.75 * x, 1.45 * y) for n, (x, y) in layout.columns(graph).items()}
    boxes = {}
    for name, spot in spots.items():
        outside, part = graph.nodes[name].get("outside"), system.parts.get(name)
        kind, slots = (part.kind, part.slots) if part is not None else ("", {})  # what is outside may be no part
        fill = PAPER if outside else colours[kind.partition(".")[0]]
        held = "" if outside else ", ".join(s for s, inner in slots.items() if inner is not None)
        boxes[name] = _box(
            axis, spot, 1.3, 0.72, fill, name.removeprefix(prefix).strip(), INK, below=" ", dashed=bool(outside)
        )
        x, y = spot
        _quiet(axis, x, y - 0.14, (outside or kind) + (f"\nholds {held}" if held else ""), 6.5, linespacing=1.15)
        if part is not None and not outside:
            _quiet(axis, x, y - 0.4, _figures_of(part), 6, va="top", linespacing=1.1)
    for a, b, data in graph.edges(data=True):
        columns = (spots[b][0] - spots[a][0]) / 1.75
        bend = 0 if columns == 1 else -0.32 if columns > 1 else -0.45
        axis.add_patch(
            FancyArrowPatch(
                spots[a],
                spots[b],
                patchA=boxes[a],
                patchB=boxes[b],
                arrowstyle="-|>",
                mutation_scale=9,
                color=LINK,
                linewidth=1.4,
                connectionstyle=f"arc3,rad={bend}",
                zorder=1,
            )
        )
        if data["latency_ps"]:
            middle = [(spots[a][i] + spots[b][i]) / 2 for i in (0, 1)]
            axis.text(
                middle[0],
                middle[1] + 0.12 + abs(bend),
                _figures(data).replace(", ", "\n"),
                fontsize=6.5,
                color=LINK,
                ha="center",
                va="bottom",
                zorder=4,
            )
    axis.autoscale_view()
    axis.margins(0.08)


def _figures_of(part: Any) -> str:
    """The first values of a part, one a line."""
    words = [
        f"{name} {units.format(getattr(part, name), param.type, 4)}"
        for name, param in part.params.items()
        if param.type in units.DIMENSIONS and not param.many and getattr(part, name) is not None
    ]
    return "\n".join(words[:MOST_FIGURES])


PANELS = {"network": _network, "inside": _inside, "loose": _loose}


def _figures(data: dict[str, Any]) -> str:
    """Latency and bandwidth of an edge in words; a link without bandwidth of its own has a latency alone."""
    return (
        f"{units.format(data['latency_ps'], 'time')}, {units.format(data['bandwidth'], 'bandwidth')}"
        if data["bandwidth"]
        else units.format(data["latency_ps"], "time")
    )


def _most_common(network: Network) -> str:
    """Latency and bandwidth of most links: what the title states once, and odd links are compared with."""
    counts = Counter(_figures(d) for *_, d in network.graph.edges(data=True))
    return counts.most_common(1)[0][0] if counts else "no link"
