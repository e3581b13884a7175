"""What the command `sweep` does.

Points run in processes of the executor; tables and pictures are made here, of the rows there are by
then.
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from chipweave.errors import BadInput, Fault
from chipweave.io.atomic import check_folder, write_json
from chipweave.io.console import Sheet, note, show
from chipweave.io.outputs import check_document
from chipweave.io.progress import progress
from chipweave.run import simulate
from chipweave.study import executors, plot, sweep
from chipweave.study.point import Point
from chipweave.study.sweep_file import Sweep, load

COVERS = "decode_time_ns, speedup, hops: decode steps alone; cpu_s: the whole run, prefill included; points that ended"


def command(
    file: Any,
    out: Any,
    executor: Any,
    jobs: Any,
    options: Any,
    only: Any,
    emit: Any,
    listed: Any,
    allow_code: Any,
    json_path: Any,
) -> None:
    """Run, list or emit a sweep; raises `BadInput` before any work where something is wrong.

    executor, options: see chipweave.study.executors; only: the number of one point; emit: print a
    job script and run nothing; listed: print the points. Exit code 2 where points have failed.
    """
    found = load(file)
    if allow_code:
        points = [Point(replace(p.spec, allow_code=True), p.settings) for p in found.points]
        found = replace(found, points=points)
    if listed:
        for number, each in enumerate(found.points):
            print(f"{number}\t{each.key()}\t{sweep.described(each.settings)}")
        return
    if out is None:
        raise BadInput(Fault("no --out is given", allowed="--out FOLDER, where the results go"))
    if emit:
        print(slurm_script(file, out, len(found.points), jobs, allow_code))
        return
    check_folder(out)
    check_document(json_path)
    if only is not None and only >= len(found.points):
        raise BadInput(Fault(f"point {only} of {len(found.points)}", allowed=f"0 to {len(found.points) - 1}"))
    make = None if executor == "local" and (jobs == 1 or only is not None) else executors.load(executor)
    given = dict(_pair(text) for text in options)
    if executor == "local":
        executors.take_no_others(executor, given)
    make_traces(found, only)
    if make is None:
        document = sweep.run(found, out, None, only)
    else:
        with make(jobs, given) as pool:
            document = sweep.run(found, out, pool, only)
    draw(found, document, out)
    if json_path:
        write_json(json_path, document)
    if json_path != "-":
        report(document, out)
    if document["failed"]:
        raise BadInput(Fault(f"{len(document['failed'])} points failed: {document['failed'][0]['message']}"))


def make_traces(found: Sweep, only: int | None) -> None:
    """Make or import each trace once, before the points that read it.

    Two that made the same would do the work twice.
    """
    wanted = found.points if only is None else [found.points[only]]
    seen = set()
    with progress() as bar:
        for each in wanted:
            spec = each.spec
            which = (spec.trace, spec.model, spec.batch if spec.trace is None else 0, spec.steps, spec.seed)
            if which not in seen:
                seen.add(which)
                simulate.make_trace(spec, bar)


def draw(found: Sweep, document: dict, out: Any) -> None:
    """The pictures that a sweep file asks for, of the rows there are."""
    table = Path(out) / "points.parquet"
    for number, each in enumerate(found.plots if document["done"] else ()):
        path = Path(out) / each.get("file", f"{each['y']}{number or ''}.svg")
        columns = plot.read_table(table)
        try:
            x, y, colour, facet, kind, title = (each.get(key) for key in ("x", "y", "colour", "facet", "kind", "title"))
            plot.draw(columns, path, x, y, colour, facet, kind or "auto", title or found.doc)
        except BadInput as error:
            note(f"plot {number}: {error}")


def report(document: dict, out: Any) -> None:
    """The table of results on standard output."""
    table = plot.read_table(out) if document["done"] else {}
    figures = [name for name in ("decode_time_ns", "speedup", "hops", "cpu_s") if name in table]
    columns = [*document["settings"], *figures]
    if table:
        title = f"{document['name']}: {document['doc']}" if document["doc"] else document["name"]
        sheet = Sheet(title, columns, caption=COVERS, right_from=len(document["settings"]))
        for i in range(document["done"]):
            sheet.add(*(_short(table[name][i]) for name in columns))
        show(sheet)
    note(f"{document['done']} of {document['points']} points are in {out}/points.parquet")


def slurm_script(file: Any, out: Any, points: int, jobs: int, allow_code: bool = False) -> str:
    """A job array that runs the points one by one."""
    more = " --allow-code" if allow_code else ""
    run = (
        f"{shlex.quote(sys.executable)} -m chipweave sweep {shlex.quote(str(file))} --out {shlex.quote(str(out))}{more}"
    )
    return f"""#!/bin/sh
#SBATCH --job-name=chipweave
#SBATCH --array=0-{points - 1}%{max(jobs, 1)}
#SBATCH --cpus-per-task=1
#SBATCH --mem=4G
# When the array has ended, the same command without --only makes the tables and runs what failed.
{run} --only "$SLURM_ARRAY_TASK_ID"
"""


def _pair(text: Any) -> Any:
    """KEY=VALUE as a pair."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise BadInput(Fault(f"--executor-option {text!r}", allowed="KEY=VALUE"))
    return key, value


def _short(value: Any) -> Any:
    """A cell as text: three decimals, thousands separated, "-" for None."""
    return (
        "-"
        if value is None
        else f"{value:.3f}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )
