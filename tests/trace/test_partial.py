"""Are requests that leave layers out in some steps read as what they say, where the reader asks for it, and refused
elsewhere?"""

import io
import itertools
import json
import tarfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trace_requests import json_lines, make_requests, request_json

from chipweave import trace
from chipweave.errors import BadInput, Unfit
from chipweave.policies.prediction_cross_token_heatmap import CrossTokenHeatmap
from chipweave.policy.tally import tally
from chipweave.run.workload import Workload
from chipweave.trace import library, show, stats
from chipweave.trace.holes import Holes, runs_of
from chipweave.trace.importer import import_paths
from chipweave.trace.store import open_store

MODEL, LAYERS = "deepseek-v2-lite", 26  # layers 1 to 26, top-6 of 64
FEW = [0, 1, 25]  # the layers that tests look at


def whole(count, seed=0):
    """Requests of the model as lists of steps."""
    return [request_json(*r, dense=(0,)) for r in make_requests(seed, count, LAYERS, 6, 64)]


def written(folder, requests):
    path = folder / "t.jsonl"
    path.write_text("".join(json.dumps({"path": f"{n}.json", "trace": r}) + "\n" for n, r in enumerate(requests)))
    return path


def imported(folder, requests, **options):
    import_paths([written(folder, requests)], folder / "t.parquet", MODEL, partial=True, **options)
    return open_store(folder / "t.parquet")


def rows(request, step, key):
    return (request[step].get(key) or []) if step < len(request) else []


def assert_says(got, requests):
    """Each layer of each step has the rows that the requests have, request by request."""
    assert got.steps == max(map(len, requests))
    for ids in got.steps_iter():
        for index in FEW:
            said = [(n, row) for n, request in enumerate(requests) for row in rows(request, ids.step, str(index + 1))]
            assert ids.owners(index).tolist() == [n for n, _ in said]
            assert ids[index].tolist() == [row for _, row in said] and ids[index].shape[1] == 6


def holed(seed, count, share):
    """Requests of which each (request, step, layer) is left out with a chance, as null or by having no key; keys of
    step 1 of the first stay."""
    random, requests = np.random.default_rng(seed), whole(count, seed)
    for n, request in enumerate(requests):
        for number, step in enumerate(request):
            for key in [k for k in step if step[k] is not None and random.random() < share]:
                if random.random() < 0.5 or (n, number) == (0, 1):
                    step[key] = None
                else:
                    del step[key]
    return requests


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 5), share=st.sampled_from([0, 0.02, 0.3, 0.9, 1]))
def test_what_requests_leave_out_is_left_out_and_the_rest_is_read(seed, count, share, tmp_path_factory):
    requests = holed(seed, count, share)
    got = imported(tmp_path_factory.mktemp("partial"), requests)
    assert_says(got, requests)
    for cut in range(1, count + 1):
        assert_says(got.take(cut), requests[:cut])
    show.verify(got)
    missing = sum(
        request[s].get(str(n)) is None for request in requests for s in range(len(request)) for n in range(1, 27)
    )
    assert (got.holes.count if got.holes else 0) == missing


def test_a_whole_trace_is_the_same_store_whichever_way_it_is_read(tmp_path):
    path = written(tmp_path, whole(4))
    headers = [import_paths([path], tmp_path / "t.parquet", MODEL, partial=partial) for partial in (False, True)]
    assert headers[0].to_json() == headers[1].to_json()
    assert '"schema":"chipweave.trace/1"' in headers[1].to_json()


def test_what_is_left_out_is_part_of_the_content_and_of_the_schema(tmp_path):
    requests = whole(2, 3)
    same = imported(tmp_path, requests).sha256
    requests[1][0]["5"] = None
    got = imported(tmp_path, requests)
    assert got.sha256 != same and '"schema":"chipweave.trace/2"' in got.header.to_json()
    assert got.provenance["notes"] == ["1 times a request has no rows of a layer in a step: skipped"]


def test_dense_keys_may_differ_and_the_first_requests_step_1_says_how_many_layers_are_named(tmp_path):
    requests = whole(3, 1)
    assert len(requests[0]) > 1
    for key in ("20", "21", "22", "23", "24", "25", "26"):
        del requests[0][1][key]
    del requests[1][0]["0"]
    got = imported(tmp_path, requests)
    assert got.layer_keys == 20
    assert_says(got, requests)


def test_without_leave_such_a_trace_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("CHIPWEAVE_CACHE", str(tmp_path / "cache"))
    requests = whole(2)
    requests[1][0]["5"] = None
    path = written(tmp_path, requests)
    with pytest.raises(BadInput, match="t.jsonl:2: step 0, layer 5: null where the first request has rows"):
        trace.open(path, MODEL, 64)
    store = library.open_trace(path, MODEL, 64, partial=True)
    assert store.holes.count == 1
    for refused in (lambda: trace.open(store.path, MODEL), lambda: stats.measure(store)):
        with pytest.raises(BadInput, match="leaves layers .*out"):
            refused()


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda t: t[1].update({"7": []}), "step 1, layer 7: has no row"),
        (lambda t: t[1].update({"7": [[1, 2, 3, 4, 5, 6]] * 2}), "step 1, layer 7: has 2 rows; allowed: 1"),
        (lambda t: t[0]["7"].append([1, 2, 3, 4, 5, 6]), "step 0, layer 7: has"),
        (lambda t: t[1].update({"7": [[1, 2, 3]]}), "step 1, layer 7, row 0: has 3 ids"),
        (lambda t: t[1].update({"7": {}}), "step 1, layer 7: no list"),
        (
            lambda t: t[1].update({"0": [[1, 2, 3, 4, 5, 6]]}),
            "step 1: layer '0' has rows; allowed: rows in layers among 1 to 26",
        ),
        (lambda t: t[1].update({"27": [[1, 2, 3, 4, 5, 6]]}), "step 1: layer '27' has rows"),
        (lambda t: t[1].update({"7": [[1, 2, 3, 4, 5, True]]}), "step 1, layer 7, row 0: true is not an expert id"),
        (lambda t: t[1].update({"7": [[1, 2, 3, 4, 5, 64]]}), "step 1, layer 7, row 0: expert id 64 out of range"),
        (lambda t: t.__setitem__(1, None), "step 1 is not an object"),
        (lambda t: t.clear(), "the trace is empty"),
    ],
)
def test_what_is_neither_rows_nor_left_out_is_refused(tmp_path, change, message):
    requests = [r for r in whole(12) if len(r) > 1][:2]
    requests[1][0]["5"] = None
    change(requests[1])
    with pytest.raises(BadInput, match=f"t.jsonl:2: {message}"):
        imported(tmp_path, requests)


def test_a_trace_of_another_model_is_told_from_a_damaged_one(tmp_path):
    (tmp_path / "k.jsonl").write_text("\n".join(json_lines(make_requests(0, 2, LAYERS, 5, 64), dense=(0,))))
    (tmp_path / "layers.jsonl").write_text("\n".join(json_lines(make_requests(0, 2, 30, 6, 64), dense=(0,))))
    for name in ("k", "layers"):
        with pytest.raises(Unfit, match=f"{name}.jsonl:1: not a trace of deepseek-v2-lite"):
            import_paths([tmp_path / f"{name}.jsonl"], tmp_path / "o.parquet", MODEL, partial=True)


def test_an_archive_out_of_order_keeps_what_is_left_out_with_its_request(tmp_path):
    """Requests of an archive are sorted by name once all are in."""
    requests = holed(4, 4, 0.3)
    with tarfile.open(tmp_path / "t.tar", "w") as archive:
        for n in (2, 0, 3, 1):
            text = json.dumps(requests[n]).encode()
            member = tarfile.TarInfo(f"{n}.json")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    import_paths([tmp_path / "t.tar"], tmp_path / "t.parquet", MODEL, partial=True)
    assert_says(open_store(tmp_path / "t.parquet"), requests)


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=6))
def test_runs_say_which_steps_are_missing(has):
    has = np.array(has)
    runs = runs_of(has)
    back = np.ones_like(has)
    for layer, first, last in runs:
        back[first : last + 1, layer] = False
    assert np.array_equal(back, has)
    holes = Holes(np.insert(runs, 0, 0, axis=1))
    assert np.array_equal(Holes.from_text(holes.to_text(), 1, 3).runs, holes.runs)


@pytest.mark.parametrize(
    "runs", [[[1, 0, 0, 0]], [[0, 3, 0, 0]], [[0, 0, 2, 1]], [[0, 0, -1, 0]], [[1, 0, 0, 0], [0, 0, 0, 0]]]
)
def test_holes_out_of_range_are_refused(runs):
    with pytest.raises(ValueError, match="out of range"):
        Holes.from_text(Holes(np.array(runs)).to_text(), 1, 3)


def test_the_heat_map_counts_the_pairs_of_tokens_that_are_both_there(tmp_path):
    """Consecutive rows of a prompt, and the tokens of neighbouring decode steps; never prompt and first answer."""
    requests = holed(11, 6, 0.3)
    got = imported(tmp_path, requests)
    policy = CrossTokenHeatmap("map")
    holders = np.zeros((LAYERS, 64, 1), np.uint8)
    for job in Workload(got, 1, got.steps, None, np.zeros((1, 1), np.int32)).jobs(np.zeros(64, np.int32), holders):
        assert np.array_equal(job.view.counts, tally(job.view.ids, 64, 1)[0])
        policy.observe(job.view)
    for layer in (1, 2, 26):
        expected = np.zeros((64, 64), int)
        for request in requests:
            prompt = rows(request, 0, str(layer))
            pairs = list(itertools.pairwise(prompt))
            for step in range(2, len(request)):
                pairs += zip(rows(request, step - 1, str(layer)), rows(request, step, str(layer)), strict=False)
            for before, after in pairs:
                for i in before:
                    expected[i, after] += 1
        assert np.array_equal(policy.tables[layer], expected) and expected.sum() > 0
