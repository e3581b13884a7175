"""Sweep files: a run, what varies, what is compared with what, and the pictures to draw.

    schema: chipweave.sweep/1
    name: batch
    doc: how the speed-up falls with the batch
    run: {model: deepseek-v3, topology: wafer_5x5, preset: artifact, steps: 128}
    vary:
      batch: [4096, 16384]
      strategy: [base, ep, allo]
      allocation.block: [50, 512]          # a policy's parameter; die.hbm.bandwidth would be a part's
    together:                              # settings that go together, one mapping after the other; `case` names them
      - {topology: wafer_5x5, die.d2d.bandwidth: 1.7 TB/s}
    compare: {strategy: base}              # `speedup`: decode time of the point that differs
                                           # in these alone (of `together`: in the whole entry), over one's own
    skip: [{strategy: base, allocation.block: 50}]
    plot: [{x: batch, y: speedup, colour: strategy, facet: model}]

Points are the product of all that varies, in the order written. Paths start at the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

from chipweave.declare import yamlfile
from chipweave.errors import BadInput, Fault, Faults, nearest
from chipweave.io.outputs import PICTURES
from chipweave.run.spec import RunSpec
from chipweave.study.plot import KINDS
from chipweave.study.point import FILES, SPEC_KEYS, Point, build
from chipweave.trace.library import names as trace_names

SCHEMA = "chipweave.sweep/1"
KEYS = ("schema", "name", "doc", "run", "vary", "together", "compare", "skip", "plot")
MOST_POINTS = 100_000
PLOT_KEYS = ("x", "y", "colour", "facet", "kind", "file", "title")


@dataclass(frozen=True)
class Sweep:
    """name, doc, points, the settings of the reference of `speedup`, plots (mappings of PLOT_KEYS)."""

    name: str
    doc: str
    points: list
    compare: dict = field(default_factory=dict)
    plots: list = field(default_factory=list)

    @property
    def settings(self) -> list[str]:
        """The names of all that varies, in order."""
        return list(dict.fromkeys(name for point in self.points for name in point.settings))


def load(path: Any) -> Sweep:
    """The Sweep of a file; raises `BadInput` with every fault of it."""
    return read(yamlfile.load(path), Path(path).resolve().parent, Path(path).stem)


def read(root: yamlfile.Node, folder: Path, name: str) -> Sweep:
    """The Sweep of a document; raises `BadInput` with every fault of it.

    folder: where its paths start; name: of a sweep that says none.
    """
    faults = Faults()
    if not root.is_map:
        raise BadInput(Fault(f"a sweep file is a mapping, not {root.shape()}", root.place))
    for key in root.value:
        if key not in KEYS:
            faults.add(f"a sweep file has no key {key!r}", root.keys[key], ", ".join(KEYS), nearest(key, KEYS))
    schema = root.get("schema")
    if schema is None or schema.value != SCHEMA:
        faults.add("a sweep file says its schema", root.place, f"schema: {SCHEMA}")
    base = _base(root.get("run"), folder, faults)
    axes = _axes(root, faults)
    skipped = _list(root.get("skip"), "skip", faults)
    skip = [_mapping(each, "skip", faults) for each in skipped]
    compare = _mapping(root.get("compare"), "compare", faults) if root.get("compare") else {}
    plots = _plots(root.get("plot"), faults)
    faults.raise_if_any()
    count = 1
    for axis in axes:
        count *= len(axis)
    if count > MOST_POINTS:
        faults.add(f"{count:,} points", root.place, f"at most {MOST_POINTS:,}")
        faults.raise_if_any()
    points = _points(base, axes, skip, root, faults)
    for each in skipped:
        _check_occurs(each, "skip", axes, faults)
    if compare:
        _check_occurs(root.value["compare"], "compare", axes, faults)
    faults.raise_if_any()
    compare = _whole_entries(compare, axes)
    text = {key: own.text if (own := root.get(key)) else "" for key in ("name", "doc")}
    return Sweep(text["name"] or name, text["doc"], points, compare, plots)


def _base(node: Any, folder: Any, faults: Any) -> Any:
    """The RunSpec under all points."""
    given = _mapping(node, "run", faults) if node else {}
    sets = given.pop("set", ())
    unknown = [key for key in given if key not in SPEC_KEYS]
    for key in unknown:
        faults.add(f"a run has no {key!r}", node.keys[key], ", ".join((*SPEC_KEYS, "set")), nearest(key, SPEC_KEYS))
    try:
        options = {key: value for key, value in given.items() if key not in unknown}
        return replace(RunSpec(folder=str(folder), sets=tuple(sets)), **_beside(options, folder))
    except (BadInput, TypeError) as error:
        faults.found += getattr(error, "faults", [Fault(str(error), node.place)])
        return RunSpec(folder=str(folder))


def _beside(settings: Any, folder: Any) -> Any:
    """Settings whose file names start at the folder of the sweep file.

    A file or folder of the name that something shipped has is not meant, as in a run file: `./artifact` is.
    """
    found = {}
    for key, value in settings.items():
        here = isinstance(value, str) and key in FILES and (folder / value).exists()
        named = here and ("/" in value or Path(value).suffix or key == "trace" and value not in trace_names())
        found[key] = str(folder / value) if named else value
    return found


def _axes(root: Any, faults: Any) -> Any:
    """[[settings, ...]] one list for each thing that varies."""
    axes, vary = [], root.get("vary")
    if vary is not None and not vary.is_map:
        faults.add(f"vary is a mapping of lists, not {vary.shape()}", vary.place, "batch: [4096, 16384]")
    for name, values in vary.value.items() if vary is not None and vary.is_map else ():
        if not values.is_list or not values.value:
            faults.add(f"{name} varies over {values.shape()}", values.place, "a list with at least one value")
            continue
        _once(name, values.value, faults)
        axes.append([{name: each.plain()} for each in values.value])
    _once("together", _list(root.get("together"), "together", Faults()), faults)
    together = [_mapping(each, "together", faults) for each in _list(root.get("together"), "together", faults)]
    if together:
        axes.append(together)
    if not axes:
        faults.add("nothing varies", root.place, "vary or together")
    return axes


def _once(name: str, values: Any, faults: Any) -> None:
    """A fault for each value that is there before: its points would count twice in every mean."""
    for i, each in enumerate(values):
        if any(each.plain() == other.plain() for other in values[:i]):
            faults.add(f"{name} varies over {each.plain()} twice", each.place, "each value once")


def _points(base: Any, axes: Any, skip: Any, root: Any, faults: Any) -> Any:
    """The product of all axes, less the points that `skip` names; faults of single points are collected."""
    points, folder = [], Path(base.folder)
    for parts in product(*axes):
        settings = {name: value for part in parts for name, value in part.items()}
        if any(all(settings.get(name) == value for name, value in each.items()) for each in skip):
            continue
        try:
            point = build(_beside(settings, folder), base)
            points.append(Point(point.spec, settings))
        except (BadInput, TypeError) as error:
            for fault in getattr(error, "faults", [Fault(str(error))]):
                if fault.what not in [each.what for each in faults.found]:
                    faults.found.append(replace(fault, place=root.place) if not str(fault.place) else fault)
    if not points and not faults.found:
        faults.add("every point is skipped", root.place, "at least one point")
    return points


def _whole_entries(compare: dict, axes: list[list[dict]]) -> dict:
    """Settings that go together are compared together: with one of an entry (its `case`, say) go all others of it."""
    found = dict(compare)
    for axis in axes:
        names = {name for settings in axis for name in settings}
        named = {name: value for name, value in compare.items() if name in names}
        fits = [settings for settings in axis if all(settings.get(name) == value for name, value in named.items())]
        if named and len(fits) == 1:
            found.update({name: fits[0].get(name) for name in names})
    return found


def _check_occurs(node: Any, what: str, axes: Any, faults: Any) -> None:
    """A fault for a setting that never varies, or never has the value: such a line would do nothing."""
    varied: dict[str, list] = {}
    for settings in (settings for axis in axes for settings in axis):
        for name, value in settings.items():
            varied.setdefault(name, []).append(value)
    for name, own in node.value.items() if node.is_map else ():
        if name not in varied:
            faults.add(f"{what}: {name!r} does not vary", node.keys[name], ", ".join(varied), nearest(name, varied))
        elif own.plain() not in varied[name]:
            known = [str(value) for value in varied[name]]
            faults.add(f"{what}: {name} is never {own.text}", own.place, ", ".join(known), nearest(own.text, known))


def _mapping(node: Any, what: Any, faults: Any) -> Any:
    if node is None or not node.is_map:
        faults.add(f"{what} holds {node.shape() if node else 'nothing'}", node.place if node else (), "a mapping")
        return {}
    return node.plain()


def _list(node: Any, what: Any, faults: Any) -> Any:
    """The items of a list, none where it is left out or wrong (with a fault)."""
    if node is None:
        return []
    if not node.is_list:
        faults.add(f"{what} is {node.shape()}", node.place, "a list of mappings")
        return []
    return node.value


def _plots(node: Any, faults: Any) -> Any:
    """The pictures a sweep names, each a mapping with x and y."""
    plots = []
    for each in _list(node, "plot", faults):
        plot = _mapping(each, "plot", faults)
        for key in plot:
            if key not in PLOT_KEYS:
                faults.add(f"a plot has no {key!r}", each.keys[key], ", ".join(PLOT_KEYS), nearest(key, PLOT_KEYS))
        for key in (key for key in plot if key in PLOT_KEYS and not isinstance(plot[key], str)):
            faults.add(f"a plot's {key} is {each.value[key].shape()}", each.value[key].place, "a text")
        file = plot.get("file", "a.svg")
        if isinstance(file, str) and (Path(file).name != file or not file.lower().endswith(PICTURES)):
            allowed = "a name in the folder of --out that ends in " + ", ".join(PICTURES)
            faults.add(f"a plot cannot go to {file!r}", each.value["file"].place, allowed)
        if not {"x", "y"} <= plot.keys():
            faults.add("a plot needs x and y", each.place, "{x: batch, y: speedup}")
        if str(plot.get("kind", "auto")) not in KINDS:
            faults.add(
                f"a plot cannot be {plot['kind']!r}", each.place, ", ".join(KINDS), nearest(str(plot["kind"]), KINDS)
            )
        plots.append(plot)
    return plots
