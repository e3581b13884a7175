"""One picture per curve of a ledger, measured and simulated over x, and one per group, simulated against measured.

A curve is the rows that differ in x alone; hollow points are rows that are not scored (calibration and what repeats
it). It is drawn where at least `LEAST` of them have a number for x and an answer."""

from __future__ import annotations

import re
import textwrap
from statistics import fmean
from typing import Any

from chipweave.io.outputs import save_picture
from chipweave.ledger import SCORED

LEAST = 4
POWERS_OF_TWO = ("B", "B moved", "M", "message_size", "tokens")
MEASURED, SIMULATED = "#444444", "#c44e52"
TOLD_APART, MOST_SORTS = ("framework", "library", "model", "kernel"), 8
"""Conditions that colour a group's points, where rows have them; colours at most, the rest is grey."""


def curves(references: Any, results: Any) -> Any:
    """{name: (title, unit, x name, [(x, measured, simulated, scored)])} of all curves there are, sorted by x; named by
    their first row."""
    found: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for (q, _), r in zip(references, results, strict=False):
        if q.x is not None and r.error is not None:
            title = (q.group, q.quantity, q.device, q.conditions, q.clock if q.clock != "-" else "")
            found.setdefault((title, q.unit, q.x_name), []).append(
                (q.x, r.reference, r.simulated, r.role == SCORED, r.id)
            )
    named = {}
    for (title, unit, x_name), points in found.items():
        if len(points) >= LEAST:
            name = _slug(f"{points[0][-1]} {title[1]}")
            named[name] = ("; ".join(t for t in title if t), unit, x_name, sorted(p[:4] for p in points))
    return named


def draw(folder: Any, references: Any, results: Any, suffix: str = ".png") -> Any:
    """Write one picture per curve into `folder`; returns their paths.

    results: of the ledger, in the order of `references`. suffix: ".png" or ".svg".
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, (title, unit, x_name, points) in curves(references, results).items():
        figure = Figure(figsize=(7, 4.2), layout="constrained")
        FigureCanvasAgg(figure)
        _curve(figure.add_subplot(), title, unit, x_name, points)
        paths.append(folder / f"{name}{suffix}")
        save_picture(figure, paths[-1], dpi=110)
    return paths


def draw_groups(folder: Any, results: Any, suffix: str = ".png") -> Any:
    """Write one picture per group into `folder`: scored rows, simulated against measured, by framework and model or
    kernel; returns their paths."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    groups: dict[str, list[Any]] = {}
    for r in results:
        if r.counts and r.role == SCORED and r.error is not None and r.reference > 0 and r.simulated > 0:
            groups.setdefault(r.group, []).append(r)
    paths = []
    for group, rows in groups.items():
        if len(rows) < LEAST:
            continue
        figure = Figure(figsize=(7, 5.4), layout="constrained")
        FigureCanvasAgg(figure)
        _scatter(figure.add_subplot(), group, rows)
        paths.append(folder / f"group-{_slug(group)}{suffix}")
        save_picture(figure, paths[-1], dpi=110)
    return paths


def sort_of(result: Any) -> str:
    """Framework without its version, and model or kernel, of a row's conditions; its device where it has none."""
    words = dict(part.strip().split("=", 1) for part in result.conditions.split(";") if "=" in part)
    found = [words[key] for key in TOLD_APART if words.get(key)]
    return " ".join([found[0].split()[0], *(w.rpartition("/")[2] for w in found[1:])]) if found else result.device


def _scatter(axes: Any, group: str, rows: list[Any]) -> None:
    """Points by sort, the most frequent sorts in colours, and the line where both are equal."""
    sorts: dict[str, list[Any]] = {}
    for r in rows:
        sorts.setdefault(sort_of(r), []).append(r)
    often = sorted(sorts, key=lambda name: -len(sorts[name]))
    for number, name in enumerate(often):
        x, y = zip(*((r.reference, r.simulated) for r in sorts[name]), strict=True)
        told = number < MOST_SORTS
        error = fmean(abs(r.error) for r in sorts[name])
        label = f"{name}: {len(x)} rows, {error:.1%}" if told else ("others" if number == MOST_SORTS else None)
        axes.plot(x, y, ".", markersize=4, color=f"C{number}" if told else "#bbbbbb", label=label, zorder=3 - told)
    ends = [f(f(r.reference, r.simulated) for r in rows) for f in (min, max)]
    axes.plot(ends, ends, "-", color=MEASURED, linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("measured")
    axes.set_ylabel("simulated")
    mean = fmean(abs(r.error) for r in rows)
    axes.set_title(f"{group}: {len(rows)} predicted rows, mean error {mean:.1%}", fontsize=9)
    axes.grid(alpha=0.3, which="major")
    axes.legend(frameon=False, fontsize=7)


def _curve(axes: Any, title: Any, unit: Any, x_name: Any, points: Any) -> None:
    """One curve: measured points, the simulated line, axes logarithmic where values span a factor
    of 20 on x or 8 on y.
    """
    from matplotlib.ticker import LogFormatter

    x, measured, simulated, _ = zip(*points, strict=False)
    scored = [(x, m, s) for x, m, s, counts in points if counts]
    others = [(x, m) for x, m, _, counts in points if not counts]
    if scored:
        axes.plot(*zip(*[p[:2] for p in scored], strict=False), "o", color=MEASURED, markersize=4.5, label="measured")
    if others:
        axes.plot(
            *zip(*others, strict=False),
            "o",
            color=MEASURED,
            markersize=4.5,
            fillstyle="none",
            label="measured, not scored",
        )
    errors = [abs(s / m - 1) for _, m, s in scored if m]
    label = f"simulated, mean error {fmean(errors):.1%}" if errors else "simulated"
    axes.plot(x, simulated, "-", color=SIMULATED, linewidth=1.6, label=label)
    if min(x) > 0 and max(x) / min(x) > 20:
        axes.set_xscale("log", base=2 if x_name.split("/")[0] in POWERS_OF_TWO else 10)
    if min(measured + simulated) > 0 and max(measured) / min(measured) > 8:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(LogFormatter(labelOnlyBase=False, minor_thresholds=(1, 0.4)))
    else:
        axes.set_ylim(bottom=0)
    axes.set_title(textwrap.fill(title, 88), fontsize=8.5)
    axes.set_xlabel(x_name)
    axes.set_ylabel(unit)
    axes.grid(alpha=0.3, which="major")
    axes.legend(frameon=False)


def _slug(text: str) -> str:
    """A text as a file name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:80].strip("-")
