"""The rules of the Trace Event Format (Google, object format) for the phases that are written, and what Perfetto's
importer does with them: microseconds become whole ns, cut off; slices of a thread must nest."""

from bisect import bisect_right
from itertools import pairwise

TOP = {"traceEvents", "displayTimeUnit", "otherData", "systemTraceEvents", "stackFrames", "samples"}
METADATA = {"process_name", "process_labels", "process_sort_index", "thread_name", "thread_sort_index"}
NEEDED = {
    "M": {"ph", "pid", "name", "args"},
    "X": {"ph", "pid", "tid", "name", "cat", "ts", "dur"},
    "C": {"ph", "pid", "name", "ts", "args"},
    "s": {"ph", "pid", "tid", "name", "cat", "ts", "id"},
    "t": {"ph", "pid", "tid", "name", "cat", "ts", "id"},
    "f": {"ph", "pid", "tid", "name", "cat", "ts", "id"},
}
MAY = {"M": {"tid"}, "X": {"args"}, "C": {"tid", "id"}, "s": {"args"}, "t": {"args"}, "f": {"args", "bp"}}


def ns(us):
    """As the importer reads a time."""
    return int(us * 1000)


def faults(trace):
    """Everything in a trace that the format does not allow, in words."""
    found = []
    if not trace.keys() <= TOP or trace.get("displayTimeUnit") not in ("ms", "ns"):
        found.append(f"top level: {sorted(trace)}")
    events = trace["traceEvents"]
    for i, e in enumerate(events):
        ph = e.get("ph")
        if ph not in NEEDED or not NEEDED[ph] <= e.keys() <= NEEDED[ph] | MAY[ph]:
            found.append(f"{i}: keys of {e}")
        elif not all(type(e[k]) is int and e[k] >= 0 for k in ("pid", "tid") if k in e):
            found.append(f"{i}: a pid or tid that is no whole number: {e}")
        elif not all(type(e[k]) is str and e[k] for k in ("name", "cat") if k in e):
            found.append(f"{i}: a name or category that is no text: {e}")
        elif not all(type(e[k]) in (int, float) and e[k] >= 0 for k in ("ts", "dur") if k in e):
            found.append(f"{i}: a time that is none: {e}")
        elif ph == "M" and (e["name"] not in METADATA or type(e["args"].get("name")) is not str):
            found.append(f"{i}: metadata {e}")
        elif ph == "C" and not (e["args"] and all(type(v) in (int, float) for v in e["args"].values())):
            found.append(f"{i}: a counter without numbers: {e}")
    return found or [*_named(events), *_slices(events), *_flows(events), *_counters(events)]


def _named(events):
    """Every process and thread has its name, once."""
    told = [(e["name"], e["pid"], e.get("tid")) for e in events if e["ph"] == "M"]
    used = {("process_name", e["pid"], None) for e in events if e["ph"] != "M"}
    used |= {("thread_name", e["pid"], e["tid"]) for e in events if e["ph"] in "Xstf"}
    twice = [each for each in set(told) if told.count(each) > 1] if len(told) < 2000 else []
    return [f"without a name: {each}" for each in used - set(told)] + [f"named twice: {each}" for each in twice]


def tracks(events):
    """(pid, tid) -> [(begin, end)] of its slices in ns, by begin."""
    found = {}
    for e in events:
        if e["ph"] == "X":
            found.setdefault((e["pid"], e["tid"]), []).append((ns(e["ts"]), ns(e["ts"]) + ns(e["dur"])))
    return {track: sorted(own) for track, own in found.items()}


def _slices(events):
    """No slice of a thread begins inside another: the importer would drop it."""
    return [
        f"{track}: {a} and {b} overlap"
        for track, own in tracks(events).items()
        for a, b in pairwise(own)
        if a[1] > b[0]
    ]


def _flows(events):
    """Each flow begins once, ends once, goes forward in time, keeps name and category, and binds to slices."""
    found, flows, own = [], {}, tracks(events)
    for e in events:
        if e["ph"] in "stf":
            flows.setdefault(e["id"], []).append(e)
            slices = own.get((e["pid"], e["tid"]), [])
            at = bisect_right(slices, (ns(e["ts"]), float("inf"))) - 1
            if at < 0 or not slices[at][0] <= ns(e["ts"]) <= slices[at][1]:
                found.append(f"flow {e['id']} binds to no slice at {e['ts']}")
    for number, each in flows.items():
        phases = "".join(e["ph"] for e in each)
        if phases != "s" + "t" * (len(each) - 2) + "f" or each[-1].get("bp") != "e":
            found.append(f"flow {number}: {phases}, bp {each[-1].get('bp')}")
        if len({(e["name"], e["cat"]) for e in each}) > 1 or [e["ts"] for e in each] != sorted(e["ts"] for e in each):
            found.append(f"flow {number} changes its name or goes back in time")
    return found


def _counters(events):
    """The series of a counter are the same at each instant, and instants go forward."""
    found, before = [], {}
    for e in events:
        if e["ph"] == "C":
            last = before.get((e["pid"], e["name"]))
            if last and (last["args"].keys() != e["args"].keys() or last["ts"] >= e["ts"]):
                found.append(f"counter {e['name']} at {e['ts']}")
            before[e["pid"], e["name"]] = e
    return found
