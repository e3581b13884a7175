"""Is every packing of the public data set read alike, and does every fault name its file, line and element?"""

import gzip
import io
import json
import tarfile

import pytest
import zstandard
from trace_requests import assert_same, json_lines, make_requests, request_json

from chipweave import trace
from chipweave.errors import BadInput
from chipweave.trace import sources
from chipweave.trace.importer import import_paths
from chipweave.trace.store import open_store

REQUESTS = make_requests(5, 12)


def imported(tmp_path, *paths, **options):
    import_paths(paths, tmp_path / "out.parquet", **options)
    return open_store(tmp_path / "out.parquet")


def packed(kind, folder, lines):
    text = ("\n".join(lines) + "\n").encode()
    path = folder / f"t.jsonl{kind}"
    path.write_bytes({"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}[kind](text))
    return path


def tar_of(path, members, mode="w:gz"):
    """members: (name or TarInfo, text)."""
    with tarfile.open(path, mode) as archive:
        for name, text in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            info.size = len(text) if info.isfile() else 0
            archive.addfile(info, io.BytesIO(text.encode()))
    return path


@pytest.mark.parametrize("kind", ["", ".gz", ".zst"])
def test_lines_are_read_in_file_order(kind, tmp_path):
    got = imported(tmp_path, packed(kind, tmp_path, json_lines(REQUESTS, dense=(0,))))
    assert_same(got, REQUESTS)
    assert got.order[1] == "r/1.json" and got.layers == (1, 2) and got.layer_keys == 3


def test_a_folder_is_read_in_the_order_of_its_path_strings(tmp_path):
    """The artifact's order, on which `base` depends: 0, 1, 10, 11, 2, ..."""
    for number, request in enumerate(REQUESTS):
        (tmp_path / "mmlu" / "law").mkdir(parents=True, exist_ok=True)
        (tmp_path / "mmlu" / "law" / f"{number}.json").write_text(json.dumps(request_json(*request), indent=4))
    got = imported(tmp_path, tmp_path / "mmlu")
    assert got.order[:3] == ("law/0.json", "law/1.json", "law/10.json")
    assert_same(got, [REQUESTS[n] for n in sorted(range(12), key=str)])


def test_an_archive_is_read_like_the_folder_it_holds(tmp_path):
    members = [(f"mmlu/{n}.json", json.dumps(request_json(*REQUESTS[n]))) for n in reversed(range(12))]
    got = imported(tmp_path, tar_of(tmp_path / "t.tar.gz", [*members, ("mmlu/README.md", "no trace")]))
    assert_same(got, [REQUESTS[n] for n in sorted(range(12), key=str)])


def test_several_paths_keep_their_order(tmp_path):
    (tmp_path / "b").mkdir()
    first, second = (
        packed("", tmp_path, json_lines(REQUESTS[:2])),
        packed(".gz", tmp_path / "b", json_lines(REQUESTS[2:])),
    )
    assert_same(imported(tmp_path, second, first), REQUESTS[2:] + REQUESTS[:2])


@pytest.mark.parametrize(
    "info",
    [
        dict(name="/etc/1.json"),
        dict(name="a/../../1.json"),
        dict(name="1.json", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        dict(name="1.json", type=tarfile.LNKTYPE, linkname="x"),
        dict(name="1.json", type=tarfile.CHRTYPE),
        dict(name="1.json", type=tarfile.FIFOTYPE),
    ],
)
def test_an_archive_that_reaches_outside_is_refused(info, tmp_path):
    member = tarfile.TarInfo()
    for key, value in info.items():
        setattr(member, key, value)
    path = tar_of(tmp_path / "t.tar.gz", [("0.json", json.dumps(request_json(*REQUESTS[0]))), (member, "x")])
    with pytest.raises(BadInput, match=r"t\.tar\.gz\(.*1\.json\): a (path that leaves|link or device in)"):
        imported(tmp_path, path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t.tar.gz"]


def fault_of(tmp_path, line, before=1, **options):
    """The message for a line after some good ones."""
    lines = json_lines(REQUESTS[:before], dense=(0,)) + [line]
    with pytest.raises(BadInput) as caught:
        imported(tmp_path, packed("", tmp_path, lines), **options)
    assert not (tmp_path / "out.parquet").exists()
    return str(caught.value)


def broken(change, prompt=2):
    """A good request of a dense and two MoE layers, top-3, changed."""
    steps = [
        {"0": None, "1": [[1, 2, 3]] * prompt, "2": [[4, 5, 6]] * prompt},
        {"0": None, "1": [[1, 2, 3]], "2": [[4, 5, 6]]},
    ]
    change(steps)
    return json.dumps({"path": "x.json", "trace": steps})


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda t: t[1]["2"][0].append(7), "step 1, layer 2, row 0: has 4 ids; allowed: 3"),
        (lambda t: t[0]["2"].pop(), "step 0, layer 2: has 1 rows; allowed: 2"),
        (lambda t: t[1]["1"].append([1, 2, 3]), "step 1, layer 2: has 1 rows; allowed: 2"),
        (lambda t: t[1].pop("2"), "step 1 lacks layer 2"),
        (lambda t: t[1].update({"3": [[1, 2, 3]]}), "step 1 has a layer '3'"),
        (lambda t: t[1].update({"2": None}), "step 1, layer 2: null where the first request has rows"),
        (lambda t: t[0].update({"0": [[1, 2, 3]]}), "step 0, layer 0: has rows where the first request has null"),
        (lambda t: t[1].update({"1": []}), "step 1, layer 1: has no row"),
        (lambda t: t[1].update({"1": [7]}), "step 1, layer 1, row 0: not a list"),
        (lambda t: t[1].update({"1": {"0": 7}}), "step 1, layer 1: no list"),
        (lambda t: t[1]["1"][0].__setitem__(2, -2), "step 1, layer 1, row 0: expert id -2 out of range"),
        (lambda t: t[1]["1"][0].__setitem__(2, 70000), "step 1, layer 1, row 0: expert id 70000 out of range"),
        (lambda t: t[1]["1"][0].__setitem__(2, 10**30), "step 1, layer 1, row 0: expert id 1000"),
        (lambda t: t[1]["1"][0].__setitem__(2, 1.5), "step 1, layer 1, row 0: 1.5 is not an expert id"),
        (lambda t: t[1]["1"][0].__setitem__(2, True), "step 1, layer 1, row 0: true is not an expert id"),
        (lambda t: t[1]["1"][0].__setitem__(2, "5"), 'step 1, layer 1, row 0: "5" is not an expert id'),
        (lambda t: t[1]["1"][0].__setitem__(2, None), "step 1, layer 1, row 0: null is not an expert id"),
        (lambda t: t.__setitem__(1, [1]), "step 1 is not an object"),
        (lambda t: t.clear(), "the trace is empty"),
    ],
)
def test_a_fault_names_file_line_and_element(change, message, tmp_path):
    assert f"t.jsonl:2: {message}" in fault_of(tmp_path, broken(change))


def test_an_id_beyond_the_experts_of_the_model_is_named(tmp_path):
    line = broken(lambda t: t[1]["2"][0].__setitem__(1, 16))
    assert "t.jsonl:2: step 1, layer 2, row 0: expert id 16 out of range; allowed: 0 to 15" in fault_of(
        tmp_path, line, experts=16
    )


@pytest.mark.parametrize(
    "line, message",
    [
        ('{"path": "x", "trace": [{"0"', "not JSON, or cut short"),
        ("[" * 100_000, "nested deeper"),
        ('{"trace": []}', "not a request"),
        ('{"path": 5, "trace": []}', "not a request"),
        ('{"path": "x"}', "not a request"),
        ("7", "not a request"),
        ("\xff", "not JSON"),
        ('{"path": "x", "trace": ' + "9" * 5000 + "}", "a number of more than 4300 digits"),
    ],
)
def test_what_is_no_request_is_named(line, message, tmp_path):
    assert f"t.jsonl:2: {message}" in fault_of(tmp_path, line)


@pytest.mark.parametrize(
    "first, message",
    [
        ('{"path": "x", "trace": [{}]}', "step 0 names no layer"),
        ('{"path": "x", "trace": [{"a": [[1]]}]}', "'a' is not a layer number"),
        ('{"path": "x", "trace": [{"0": null}]}', "no MoE layer"),
        ('{"path": "x", "trace": [{"0": [[]]}]}', "no rows of expert ids"),
    ],
)
def test_a_first_request_that_sets_no_layout_is_named(first, message, tmp_path):
    fault = fault_of(tmp_path, first, before=0)
    assert "t.jsonl:1: step 0" in fault and message in fault


def test_all_faults_come_in_one_go_up_to_a_bound(tmp_path):
    bad = broken(lambda t: t[1].pop("2"))
    with pytest.raises(BadInput) as caught:
        imported(tmp_path, packed("", tmp_path, json_lines(REQUESTS[:1], (0,)) + [bad] * 3))
    assert [f.place.line for f in caught.value.faults] == [2, 3, 4]


@pytest.mark.parametrize("kind", [".gz", ".zst"])
@pytest.mark.parametrize("cut", [1, 9, 40])
def test_compressed_lines_cut_short_are_refused(kind, cut, tmp_path):
    path = packed(kind, tmp_path, json_lines(REQUESTS))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(BadInput, match="t.jsonl"):
        imported(tmp_path, path)


def test_an_archive_cut_short_is_refused(tmp_path):
    path = tar_of(
        tmp_path / "t.tar", [(f"{n}.json", json.dumps(request_json(*r))) for n, r in enumerate(REQUESTS)], "w"
    )
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(BadInput, match="t.tar"):
        imported(tmp_path, path)


def test_empty_files_and_folders_are_named(tmp_path):
    (tmp_path / "e.jsonl").write_text("\n")
    (tmp_path / "e.json").write_text("")
    (tmp_path / "folder").mkdir()
    for name in ("e.jsonl", "e.json", "folder", "missing"):
        with pytest.raises(BadInput, match=name):
            imported(tmp_path, tmp_path / name)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_bomb_is_refused_at_the_first_overlong_line(pack, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MAX_DOCUMENT_BYTES", 1 << 20)
    path = tmp_path / ("b.jsonl.gz" if pack is gzip.compress else "b.jsonl.zst")
    path.write_bytes(pack(b" " * (64 << 20)))
    with pytest.raises(BadInput, match="b.jsonl.*:1: one request of more than 1 MiB"):
        imported(tmp_path, path)


def test_everything_decompressed_is_bounded(tmp_path, monkeypatch):
    path = packed(".gz", tmp_path, json_lines(REQUESTS))
    monkeypatch.setattr(sources, "MAX_UNPACKED_BYTES", 500)
    with pytest.raises(BadInput, match="when decompressed"):
        imported(tmp_path, path)


def test_a_trace_with_a_models_layers_is_held_to_its_experts(tmp_path):
    """Layers and top-k of DeepSeek-V2-Lite (26 MoE layers, top-6 of 64): the model is recognised, id 64 refused."""
    requests = make_requests(0, 2, layers=26, top_k=6, experts=64)
    got = imported(tmp_path, packed("", tmp_path, json_lines(requests, dense=(0,))))
    assert (got.model, got.experts, got.dtype.itemsize) == ("deepseek-v2-lite", 64, 1)
    requests[1][1][-1, 3, 2] = 64
    with pytest.raises(
        BadInput, match="t.jsonl:2: step .*, layer 4, row 0: expert id 64 out of range; allowed: 0 to 63"
    ):
        imported(tmp_path, packed("", tmp_path, json_lines(requests, dense=(0,))))


def test_json_is_imported_once_and_then_comes_from_the_cache(tmp_path, monkeypatch):
    path = packed("", tmp_path, json_lines(REQUESTS))
    first = trace.open(path)
    monkeypatch.setattr("chipweave.trace.library.import_paths", None)
    assert trace.open(path).sha256 == first.sha256
    assert_same(trace.open(path), REQUESTS)
