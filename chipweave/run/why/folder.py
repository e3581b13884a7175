"""The runs of a folder of `--out`, as specifications that can be run again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from chipweave.errors import BadInput, Fault, nearest
from chipweave.run import simulate
from chipweave.run.compare import VOLATILE
from chipweave.run.results import Results
from chipweave.run.spec import RunSpec
from chipweave.run.table import LABELS
from chipweave.run.why.ideal import Without
from chipweave.run.why.recorded import LayerPath, Recorded


@dataclass(frozen=True)
class Kept:
    """One row of a folder: its specification, its figures, its entry of the manifest."""

    folder: str
    spec: RunSpec
    row: dict[str, Any]
    entry: dict[str, Any]


def rows_of(folder: str) -> list[Kept]:
    """All rows of a folder.

    Raises:
        BadInput: it holds no results, or results that belong to no manifest.
    """
    results = Results(folder)
    entries = _objects(results.manifest.get("runs"), ("run", "prefill_steps"))
    rows = _objects(results.document.get("rows"), LABELS)
    if not rows or len(entries) != len(rows):
        raise BadInput(
            Fault(f"{folder}: manifest.json and result.json do not belong together", allowed="a folder of --out")
        )
    return [Kept(folder, spec_of(folder, e), row, e) for e, row in zip(entries, rows, strict=True)]


def _objects(items: Any, keys: tuple[str, ...]) -> list[dict[str, Any]]:
    """A list of objects of JSON with at least these keys; [] of anything else."""
    whole = isinstance(items, list) and all(isinstance(item, dict) and item.keys() >= set(keys) for item in items)
    return items if whole else []


def spec_of(folder: str, entry: dict[str, Any]) -> RunSpec:
    """The specification that a manifest's entry says."""
    try:
        said = {key: _tuples(value) for key, value in entry["run"].items()}
        return RunSpec(**said)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{folder}: manifest.json has no run that can be repeated: {error}") from None


def _tuples(value: Any) -> Any:
    """Lists of JSON as the tuples that a specification has."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def one_of(folder: str, strategy: str | None, link_model: str | None) -> Kept:
    """The row that options name; the first where they leave several.

    Raises:
        BadInput: there is none, or it was taken by a sample.
    """
    rows = rows_of(folder)
    for key, wanted in (("strategy", strategy), ("link_model", link_model)):
        there = [each.row[key] for each in rows]
        if wanted is not None and wanted not in there:
            near = nearest(wanted, there)
            raise BadInput(Fault(f"{folder} has no row of {key} '{wanted}'", allowed=", ".join(there), nearest=near))
        rows = [each for each in rows if wanted in (None, each.row[key])]
    if "sample" in rows[0].row:
        raise BadInput(
            Fault(
                f"{folder}: the row {rows[0].row['strategy']} was taken by a sample",
                allowed="--link-model circuit or fair",
            )
        )
    return rows[0]


def recorded(kept: Kept, transfer: int | None = None) -> list[LayerPath]:
    """Run it again with a record of its critical paths; of one transfer of each layer-step, where that is named.

    Raises:
        BadInput: no layer-step has that transfer; or as `again`.
    """
    watched = []

    def around(fabric: Any, work: Any) -> Recorded:
        watched.append(Recorded(fabric, work, transfer))
        return watched[0]

    outcome = again(kept, around)
    if not watched[0].paths:
        raise BadInput(Fault(f"no layer-step has a transfer {transfer}", allowed=f"0 to {watched[0].most - 1}"))
    return at_hottest_links(watched[0], outcome)


def again(kept: Kept, around: Any) -> simulate.Outcome:
    """Run it again, watched by what `around` puts around its fabric.

    Raises:
        BadInput: this program, trace or machine gives other figures than the folder's: what is said of them would not
        hold.
    """
    outcome = simulate.simulate(kept.spec, around=around, account=False)
    different = [k for k, v in outcome.row.items() if k not in (*VOLATILE, "speedup") and kept.row.get(k) != v]
    if different:
        raise BadInput(
            Fault(
                f"{kept.folder}: run again, {kept.row['strategy']} gives other values of {', '.join(different)}",
                allowed="a folder that this version wrote from the same files; `chipweave rerun` says more",
            )
        )
    return outcome


def at_hottest_links(watch: Recorded, outcome: simulate.Outcome) -> list[LayerPath]:
    """Each span on a route is placed at the link of it that carried most in the whole run."""
    carried = {name: (names, stats.bytes) for name, names, stats in outcome.links}
    paths = []
    for path in watch.paths:
        spans = []
        for span in path.spans:
            if span.link and span.link[1]:
                names, sizes = carried[span.link[0].name]
                hottest = max(span.link[1], key=lambda i: int(sizes[i]))
                span = replace(span, place=names[hottest])
            spans.append(span)
        paths.append(LayerPath(path.step, path.layer, path.begin, path.end, spans))
    return paths


def without(kept: Kept, cause: str) -> simulate.Outcome:
    """The run with one class of resources infinitely fast."""
    return simulate.simulate(kept.spec, alter=Without(cause), account=False)
