"""Does a timeline hold what the run did: tracks without overlap, flows through stages, counters, sums of the run?"""

import gzip
import json
from itertools import pairwise

import pytest
import trace_event_format

import chipweave as cw
from chipweave.run import simulate
from chipweave.run.spec import RunSpec
from chipweave.run.why.folder import one_of
from chipweave.views import timeline

pytestmark = pytest.mark.slow

SMALL = {"model": "deepseek-v2-lite", "trace": "esft-law", "batch": 8, "steps": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return cw.compare("wafer_5x5", strategies=["base"], **SMALL).save(tmp_path_factory.mktemp("timeline") / "run")


@pytest.fixture(scope="module")
def whole(folder):
    return timeline.of(one_of(folder, None, None), most=10**9)


def named(trace):
    """(pid, tid) -> (process, track)."""
    process = {e["pid"]: e["args"]["name"] for e in trace["traceEvents"] if e.get("name") == "process_name"}
    threads = [e for e in trace["traceEvents"] if e.get("name") == "thread_name"]
    return {(e["pid"], e["tid"]): (process[e["pid"]], e["args"]["name"]) for e in threads}


def slices(trace):
    return [e for e in trace["traceEvents"] if e["ph"] == "X"]


def test_layer_steps_sum_to_the_run(folder, whole):
    names, run = named(whole), cw.read_results(folder)[0]
    steps = [e for e in slices(whole) if names[e["pid"], e["tid"]] == ("run", "layer-steps")]
    assert [(e["args"]["step"], e["args"]["layer"], e["args"]["ps"]) for e in steps] == [
        (row["step"], row["layer"], row["time_ps"]) for row in run.layers.to_pylist()
    ]


def test_held_time_of_each_resource_is_that_of_the_accounts(folder, whole):
    names, held = named(whole), {}
    for e in slices(whole):
        process, track = names[e["pid"], e["tid"]]
        place = f"{process}.{track.partition(' (')[0]}"
        held[place] = held.get(place, 0) + e["args"]["ps"]
    parts = [row for row in cw.read_results(folder)[0].parts.to_pylist() if row["busy_ps"]]
    assert len(parts) > 50
    assert {row["part"]: held.get(row["part"]) for row in parts} == {row["part"]: row["busy_ps"] for row in parts}


def test_tracks_have_no_overlap_and_flows_begin_and_end_in_slices(whole):
    tracks = {}
    for e in slices(whole):
        tracks.setdefault((e["pid"], e["tid"]), []).append((e["args"]["start_ps"], e["args"]["ps"]))
    for own in tracks.values():
        assert all(a + length <= b for (a, length), (b, _) in pairwise(sorted(own)))
    starts = {(track, start) for track, own in tracks.items() for start, _ in own}
    flows = {}
    for e in whole["traceEvents"]:
        if e["ph"] in "stf":
            assert ((e["pid"], e["tid"]), round(e["ts"] * 1e6)) in starts
            flows.setdefault(e["id"], []).append(e["ph"])
    assert len(flows) > 100 and all(f[0] == "s" and f[-1] == "f" and set(f[1:-1]) <= {"t"} for f in flows.values())
    assert max(map(len, flows.values())) > 4  # a remote read: request, HBM, data, computation


@pytest.mark.parametrize("most", [10**9, 3000])
def test_it_keeps_the_trace_event_format_and_nests_in_whole_ns(folder, whole, most):
    trace = whole if most == 10**9 else timeline.of(one_of(folder, None, None), most=most)
    trace = json.loads(json.dumps(trace, allow_nan=False))
    assert trace_event_format.faults(trace) == []


@pytest.mark.parametrize(
    "event",
    [
        {"ph": "X", "pid": 1, "tid": 1, "name": "x", "cat": "y", "ts": -1, "dur": 1},
        {"ph": "X", "pid": 1, "tid": "1", "name": "x", "cat": "y", "ts": 1, "dur": 1},
        {"ph": "X", "pid": 1, "tid": 1, "name": "x", "ts": 1},
        {"ph": "B", "pid": 1, "tid": 1, "name": "x", "cat": "y", "ts": 1},
        {"ph": "C", "pid": 1, "name": "x", "ts": 1, "args": {"bytes": "3"}},
        {"ph": "s", "pid": 1, "tid": 1, "name": "x", "cat": "y", "ts": 1, "id": 10**9},
        {"ph": "M", "pid": 1, "name": "thread_nam", "args": {"name": "x"}},
    ],
)
def test_an_event_against_the_format_would_be_found(whole, event):
    assert trace_event_format.faults({**whole, "traceEvents": [*whole["traceEvents"], event]})


def test_counters_sum_to_the_links(folder, whole):
    sums = {}
    for e in whole["traceEvents"]:
        if e["ph"] == "C":
            sums[e["name"]] = sums.get(e["name"], 0) + e["args"]["bytes"]
    expected = {}
    for row in cw.read_results(folder)[0].links.to_pylist():
        expected[row["link"]] = expected.get(row["link"], 0) + row["bytes"]
    assert {k: v for k, v in sums.items() if v} == {k: v for k, v in expected.items() if v} and expected


def test_a_sample_keeps_whole_layer_steps_and_says_so(folder, whole):
    found = timeline.of(one_of(folder, None, None), most=6000)
    every = found["otherData"]["every"]
    assert every > 1 and f"every {every}. layer-step" in found["otherData"]["rule"]
    names = named(found)
    steps = [e for e in slices(found) if names[e["pid"], e["tid"]][1] == "layer-steps"]
    assert len(steps) == found["otherData"]["layer_steps"]
    kept = [(e["args"]["start_ps"], e["args"]["start_ps"] + e["args"]["ps"]) for e in steps if e["args"]["stages_kept"]]
    assert len(kept) == -(-len(steps) // every)
    inner = sorted((e["args"]["start_ps"], e["args"]["ps"]) for e in slices(found) if e["cat"] != "layer-steps")
    of_all = sorted((e["args"]["start_ps"], e["args"]["ps"]) for e in slices(whole) if e["cat"] != "layer-steps")
    assert inner == [(b, ps) for b, ps in of_all if any(start <= b < end for start, end in kept)]


def test_it_is_written_packed_and_replaces_nothing_else(folder, tmp_path):
    kept, path = one_of(folder, None, None), tmp_path / "t.json.gz"
    about = timeline.write(kept, path, 3000)
    assert json.loads(gzip.decompress(path.read_bytes()))["otherData"] == about
    timeline.write(kept, path, 3000)
    (tmp_path / "mine.json").write_text("{}")
    with pytest.raises(cw.BadInput, match="is there and no timeline"):
        timeline.write(kept, tmp_path / "mine.json")


def test_where_messages_were_does_not_pile_up():
    kept = []

    def around(fabric, work):
        kept.append(timeline.Stages(fabric, every=10**9))
        return kept[0]

    spec = RunSpec(**{**SMALL, "batch": 2, "steps": 1}, strategy="base", link_model="flit")
    outcome = simulate.simulate(spec, around=around, account=False)
    fabric = kept[0].fabric
    assert sum(stats.bytes.sum() for *_, stats in outcome.links)
    assert [len(fabric.trails(network)) for network in fabric.layout.parts["networks"]] == [0]
