"""What `why`, `diff` and `rerun` print: tables for people, of the same documents as `--json`."""

from __future__ import annotations

from collections import Counter
from typing import Any

from chipweave.io import console
from chipweave.io.console import Sheet

WORST = 12  # rows of places and of layers


def time(ns: int) -> str:
    """A time for people."""
    return f"{ns / 1e6:,.3f} ms" if abs(ns) >= 1e6 else f"{ns / 1e3:,.1f} us"


def share(part: int, whole: int) -> str:
    """Per cent of a whole."""
    return f"{part / whole:.1%}" if whole else "-"


def why(found: dict[str, Any], to_stderr: bool) -> None:
    """Classes with their bounds, then the places where most of the time was spent."""
    whole, run = found["time_ns"], found["run"]
    console.say(f"{run['strategy']}, {run['link_model']}, {run['admission']}: {time(whole)}", to_stderr)
    sheet = Sheet(
        f"critical path, {time(whole)}",
        ("class", "time", "share"),
        right_from=1,
    )
    for name, ns in found["breakdown"].items():
        sheet.add(name, time(ns), share(ns, whole))
    console.show(sheet, to_stderr)
    sheet = Sheet("were it infinitely fast", ("class", "time"), right_from=1)
    for name, ns in found["bounds"].items():
        sheet.add(name, time(ns))
    console.show(sheet, to_stderr)
    sums: Counter[tuple] = Counter()
    for link in found["chain"]:
        key = tuple(link[k] for k in ("place", "reason", "expert", "behind", "policy"))
        sums[key] += link["end_ns"] - link["start_ns"]
    heads = ("place", "reason", "expert", "behind", "put there by", "time", "share")
    sheet = Sheet("where most of it was spent", heads, right_from=5)
    for (place, reason, expert, behind, policy), ns in sums.most_common(WORST):
        named = "-" if expert is None else str(expert)
        sheet.add(place, reason, named, behind or "-", policy or "-", time(ns), share(ns, whole))
    console.show(sheet, to_stderr)


def diff(found: dict[str, Any], to_stderr: bool) -> None:
    """What differs, then the change by class, then the layers that changed most."""
    a, b = found["time_ns"]
    for each in found["configuration"]:
        console.say(f"{each['what']}: {each['a']} -> {each['b']}", to_stderr)
    sheet = Sheet(f"{time(a)} -> {time(b)}: {time(b - a)}", ("class", "change", "share"), right_from=1)
    for name, ns in found["attributed"].items():
        sheet.add(name, time(ns), share(ns, b - a))
    console.show(sheet, to_stderr)
    sheet = Sheet("layers that changed most", ("layer", "before", "after", "most of it"), right_from=1)
    for row in found["layers"][:WORST]:
        name = next(iter(row["attributed"]), "-")
        sheet.add(str(row["layer"]), *map(time, row["time_ns"]), f"{name} {time(row['attributed'].get(name, 0))}")
    console.show(sheet, to_stderr)


def rerun(found: dict[str, Any], to_stderr: bool) -> None:
    """One line, and one for each row that differs."""
    before, now = found["result_sha256"]
    console.say(f"equal: {now}" if found["equal"] else f"differs: {before} before, {now} now", to_stderr)
    for row in found["rows"]:
        if row["differs"]:
            console.say(f"{row['strategy']}, {row['link_model']}: {', '.join(row['differs'])}", to_stderr)
