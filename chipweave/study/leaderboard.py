"""Who is best of the contestants of a sweep, over all its fields.

Contestants differ by strategy and policies (`strategy`, `placement`, `prediction.top_n`, ...), fields by
everything else that varies (model, topology, batch, trace). The score is the geometric mean over fields of the
speed-up over the reference named by `compare` (decode time of the slowest contestant of a field without one). Two
that lie within the error bar of a ratio (chipweave/run/error_bars.py) share a rank.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

from chipweave.errors import BadInput, Fault
from chipweave.io.atomic import check_folder, write_json
from chipweave.io.console import Sheet, note, show
from chipweave.io.outputs import check_document
from chipweave.policy.roles import ROLES
from chipweave.run import error_bars
from chipweave.study import executors, plot, run_sweep, sweep
from chipweave.study.sweep_file import Sweep, load

SCHEMA = "chipweave.leaderboard/1"
CONTEST = ("strategy", *ROLES)


def command(file: Any, out: Any, jobs: Any, allow_code: Any, json_path: Any) -> None:
    """Run a sweep and rank its contestants."""
    found = load(file)
    contestants = [name for name in found.settings if name.partition(".")[0] in CONTEST]
    if not contestants:
        raise BadInput(Fault(f"{file}: nothing to rank", allowed="vary a strategy, or a policy of " + ", ".join(ROLES)))
    check_folder(out)
    check_document(json_path)
    run_sweep.make_traces(found, None)
    if jobs > 1:
        with executors.load("local")(jobs, {}) as pool:
            document = sweep.run(found, out, pool)
    else:
        document = sweep.run(found, out, None)
    board = ranked(plot.read_table(out), found, contestants, error_bars.ratio_bar())
    write_json(Path(out) / "leaderboard.json", board)
    if json_path:
        write_json(json_path, board)
    if json_path != "-":
        report(board)
    if document["failed"]:
        raise BadInput(Fault(f"{len(document['failed'])} points failed: {document['failed'][0]['message']}"))


def ranked(table: dict, found: Sweep, contestants: list[str], bar: float) -> dict:
    """The document of the leaderboard: rows by falling score.

    Score: geometric mean of the speed-up over fields, so that no field counts for more because its
    times are long. copied_bytes is the most of any field. bar: relative error below which
    neighbours are called equal.
    """
    fields = [name for name in found.settings if name not in contestants]
    rows = [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]
    by: dict[tuple, dict[tuple, dict]] = {}
    for row in rows:
        where = tuple(row[name] for name in fields)
        by.setdefault(where, {})[tuple(row[name] for name in contestants)] = row
    scores: dict[tuple, list[float]] = {}
    for field_rows in by.values():
        slowest = max(row["decode_time_ns"] for row in field_rows.values())
        for who, row in field_rows.items():
            ratio = row.get("speedup") if found.compare else slowest / max(1, row["decode_time_ns"])
            if ratio:  # None where the reference of the field failed
                scores.setdefault(who, []).append(ratio)
    board = [
        {
            **dict(zip(contestants, who, strict=True)),
            "score": math.exp(sum(map(math.log, ratios)) / len(ratios)),
            "least": min(ratios),
            "most": max(ratios),
            "fields": len(ratios),
            "copied_bytes": max((r[who]["copy_write_bytes"] for r in by.values() if who in r), default=0),
        }
        for who, ratios in scores.items()
    ]
    board.sort(key=lambda row: -row["score"])
    for row, after in itertools.pairwise(board):
        row["within_error_of_next"] = row["score"] / after["score"] - 1 < bar
    return {
        "schema": SCHEMA,
        "name": found.name,
        "contestants": contestants,
        "fields": len(by),
        "error_bar": bar,
        "rows": board,
    }


def report(board: dict) -> None:
    """The ranking on standard output, and a warning where it cannot tell."""
    heads = ("#", *board["contestants"], "score", "least", "most", "fields", "copied")
    sheet = Sheet(
        f"{board['name']}: geometric mean of the speed-up over {board['fields']} fields",
        heads,
        caption=(
            "speed-up of decode time alone, over the fields (their number) whose runs ended; copied: the most of any "
            "field, decode alone"
        ),
        right_from=1 + len(board["contestants"]),
    )
    for place, row in enumerate(board["rows"], 1):
        names = [str(row[name]) for name in board["contestants"]]
        figures = [f"{row[key]:.3f}" for key in ("score", "least", "most")]
        sheet.add(str(place), *names, *figures, str(row["fields"]), f"{row['copied_bytes'] / 1e9:.1f} GB")
    show(sheet)
    close = [place for place, row in enumerate(board["rows"], 1) if row.get("within_error_of_next")]
    if close:
        places = ", ".join(f"{place} and {place + 1}" for place in close)
        note(f"within the error bar of {board['error_bar']:.0%} of the model: places {places}; do not choose by these")
