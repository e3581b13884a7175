"""What `why`, `diff` and `rerun` print: tables for people, of the same documents as `--json`."""

from __future__ import annotations

from collections import Counter
from typing import Any

from chipweave.io import console
from chipweave.io.console import Sheet

WORST = 12  # rows of places and of layers
HOT = 3  # links of each row
DECODE = "decode steps alone, or the prefill where there are none"


def time(ns: int) -> str:
    """A time for people."""
    return f"{ns / 1e6:,.3f} ms" if abs(ns) >= 1e6 else f"{ns / 1e3:,.1f} us"


def share(part: int, whole: int) -> str:
    """Per cent of a whole."""
    return f"{part / whole:.1%}" if whole else "-"


def why(found: dict[str, Any], to_stderr: bool) -> None:
    """Classes with their bounds, then the places where most of the time was spent."""
    whole, run, covered = found["time_ns"], found["run"], found.get("covers", DECODE)
    console.say(f"{', '.join(map(str, run.values()))}: {time(whole)}", to_stderr)
    sheet = Sheet(
        f"critical path, {time(whole)}",
        ("class", "time", "share"),
        caption=f"{covered}; times sum to that of the run",
        right_from=1,
    )
    for name, ns in found["breakdown"].items():
        sheet.add(name, time(ns), share(ns, whole))
    console.show(sheet, to_stderr)
    if found["bounds"]:
        covers = f"{covered}: the time of a run in which this class takes none, with the same plans"
        sheet = Sheet("were it infinitely fast", ("class", "time"), caption=covers, right_from=1)
        for name, ns in found["bounds"].items():
            sheet.add(name, time(ns))
        console.show(sheet, to_stderr)
        console.say(f"bounded by {found['bounding']}: without it {time(found['bounds'][found['bounding']])}", to_stderr)
    sums: Counter[tuple] = Counter()
    for link in found["chain"]:
        key = tuple(link[k] for k in ("place", "reason", "expert", "behind", "policy"))
        sums[key] += link["end_ns"] - link["start_ns"]
    heads = ("place", "reason", "expert", "behind", "put there by", "time", "share")
    covers = f"of the critical path, {covered}; the {WORST} largest"
    sheet = Sheet("where most of it was spent", heads, caption=covers, right_from=5)
    for (place, reason, expert, behind, policy), ns in sums.most_common(WORST):
        named = "-" if expert is None else str(expert)
        sheet.add(place, reason, named, behind or "-", policy or "-", time(ns), share(ns, whole))
    console.show(sheet, to_stderr)


def shown(result: dict[str, Any], to_stderr: bool) -> None:
    """The breakdown of a comparison: a column for each row, then who was busiest, then the hottest links."""
    rows = result["breakdown"]
    if not rows:
        console.say("no row was run in full: samples have no breakdown", to_stderr)
        return
    several = len({(each["link_model"], each["admission"]) for each in rows}) > 1
    heads = [each["strategy"] + (f" ({each['link_model']}, {each['admission']})" if several else "") for each in rows]
    sheet = Sheet("critical path", ("class", *heads), caption=DECODE, right_from=1)
    for cause in dict.fromkeys(cause for each in rows for cause in each["critical"]):
        sheet.add(cause, *(_of(each["critical"].get(cause, 0), each["time_ps"]) for each in rows))
    sheet.add("all", *(time(each["time_ps"] // 1000) for each in rows))
    console.show(sheet, to_stderr)
    columns = ("row", "part", "busy", "idle", "mean queue")
    covers = "of the whole run, prefill included: shares of its time, mean length of the queue"
    sheet = Sheet("busiest part of each class", columns, caption=covers, right_from=2)
    for each in rows:
        best: dict[str, Any] = {}
        for part in each["parts"]:
            if part["busy_ps"] > best.get(part["class"], {"busy_ps": -1})["busy_ps"]:
                best[part["class"]] = part
        for part in best.values():
            shares = (share(part[key], each["run_ps"]) for key in ("busy_ps", "idle_ps"))
            sheet.add(each["strategy"], part["part"], *shares, f"{part['queue']:.2f}")
    console.show(sheet, to_stderr)
    of_link = ("row", "link", "busy", "stalled", "bytes", "largest flow")
    covers = "of the whole run, prefill included: shares of its time, bytes carried"
    sheet = Sheet("links busy longest", of_link, caption=covers, right_from=2)
    for each in rows:
        for link in each["links"][:HOT]:
            shares = (share(link[key], each["run_ps"]) for key in ("busy_ps", "stalled_ps"))
            sheet.add(each["strategy"], link["link"], *shares, console.amount(link["bytes"]), _flow(link["flows"]))
    console.show(sheet, to_stderr)


def _of(ps: int, whole: int) -> str:
    return f"{time(ps // 1000)} ({share(ps, whole)})"


def _flow(flows: list[dict[str, Any]]) -> str:
    """The first flow of a link in words."""
    if not flows:
        return "-"
    first = flows[0]
    who = "" if first["expert"] is None else f"expert {first['expert']} of "
    return f"{who}layer {first['layer']}: {first['from']} to {first['to']}, {console.amount(first['bytes'])}"


def diff(found: dict[str, Any], to_stderr: bool) -> None:
    """What differs, then the change by class, then the layers that changed most."""
    (a, b), covered = found["time_ns"], found.get("covers", DECODE)
    for each in found["configuration"]:
        console.say(f"{each['what']}: {each['a']} -> {each['b']}", to_stderr)
    heads = ("class", "change", "share")
    sheet = Sheet(f"{time(a)} -> {time(b)}: {time(b - a)}", heads, caption=f"critical path, {covered}", right_from=1)
    for name, ns in found["attributed"].items():
        sheet.add(name, time(ns), share(ns, b - a))
    console.show(sheet, to_stderr)
    of_layer = ("layer", "before", "after", "most of it")
    sheet = Sheet("layers that changed most", of_layer, caption=f"sums over {covered}", right_from=1)
    for row in found["layers"][:WORST]:
        name = next(iter(row["attributed"]), "-")
        sheet.add(
            "-" if row["layer"] is None else str(row["layer"]),
            *map(time, row["time_ns"]),
            f"{name} {time(row['attributed'].get(name, 0))}",
        )
    console.show(sheet, to_stderr)


def rerun(found: dict[str, Any], to_stderr: bool) -> None:
    """One line, and one for each row that differs."""
    before, now = found["result_sha256"]
    console.say(f"equal: {now}" if found["equal"] else f"differs: {before} before, {now} now", to_stderr)
    for row in found["rows"]:
        if row["differs"]:
            console.say(f"{row['strategy']}, {row['link_model']}: {', '.join(row['differs'])}", to_stderr)
