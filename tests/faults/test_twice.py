"""Is what is given twice refused, where the last one would win?"""

import json
import zipfile

import numpy as np
import pytest

from chipweave.declare import yamlfile
from chipweave.errors import BadInput, Faults
from chipweave.io import csvfile
from chipweave.serving import models as serving_models
from chipweave.trace.importer import import_paths
from chipweave.traffic import replay


def faults_of(call, *arguments):
    with pytest.raises(BadInput) as error:
        call(*arguments)
    return str(error.value)


def test_a_layer_of_a_step(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"path": "a", "trace": [{"0": [[1, 2]], "0": [[3, 4]]}]}\n')
    told = faults_of(import_paths, [tmp_path / "t.jsonl"], tmp_path / "t.parquet", None, 8)
    assert "t.jsonl:1" in told and "key '0' is there twice" in told and not (tmp_path / "t.parquet").exists()


def test_a_trace_of_a_request(tmp_path):
    rows = json.dumps([{"0": [[1, 2]]}])
    (tmp_path / "t.jsonl").write_text(f'{{"path": "a", "trace": {rows}, "trace": {rows}}}\n')
    assert "key 'trace' is there twice" in faults_of(import_paths, [tmp_path / "t.jsonl"], tmp_path / "o", None, 8)


def test_an_array_of_an_archive(tmp_path):
    np.savez(tmp_path / "t.npz", ids=np.zeros((4, 1, 2), np.uint8))
    with zipfile.ZipFile(tmp_path / "t.npz", "a") as archive, pytest.warns(UserWarning):
        archive.writestr("ids.npy", archive.read("ids.npy"))
    assert "ids.npy is there twice" in faults_of(import_paths, [tmp_path / "t.npz"], tmp_path / "o", None, 8)


def test_a_column(tmp_path):
    (tmp_path / "p.csv").write_text("src,dst,size,src,ctime\n0,1,1,2,0\n")
    assert "p.csv:1: columns there more than once: src" in faults_of(replay.read, tmp_path / "p.csv", 4)


def test_a_key_of_a_mapping():
    assert "key 'a' is given twice" in faults_of(yamlfile.loads, "a: 1\na: 2\n")


@pytest.mark.parametrize(
    "row, words",
    [
        ("0,1,1,0,9", "more cells than columns"),
        ("0,1,1", "fewer cells than columns"),
        ("' 1',1,1,0", "src is"),
        (" 1,1,1,0", "src is ' 1'"),
        ("1_0,1,1,0", "src is '1_0'"),
        ("１,1,1,0", "src is"),
        ("1.0,1,1,0", "src is '1.0'"),
        ("+1e0,1,1,0", "src is"),
        ("0,1,1,99999999999999999999999999999999999", "ctime is"),
    ],
)
def test_a_cell_that_is_not_understood_is_refused(tmp_path, row, words):
    (tmp_path / "p.csv").write_text(f"src,dst,size,ctime\n{row}\n", encoding="utf-8")
    told = faults_of(replay.read, tmp_path / "p.csv", 64)
    assert told.startswith(f"{tmp_path / 'p.csv'}:2: ") and words in told


def test_what_a_spreadsheet_writes_is_read(tmp_path):
    (tmp_path / "p.csv").write_bytes(b'\xef\xbb\xbfsrc,dst,"size",ctime,note\r\n0,1,1,0,"a, b"\r\n\r\n2,3,4,5,\r\n')
    assert replay.read(tmp_path / "p.csv", 4) == [(0, 1, 1, 0), (2, 3, 4, 5)]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"src\xff", b"a" * 200_000 + b",b\n", b'"src,dst\n'])
def test_what_is_no_csv_is_a_fault(tmp_path, content):
    (tmp_path / "p.csv").write_bytes(content)
    faults = Faults()
    assert list(csvfile.rows(tmp_path / "p.csv", ("src",), faults)) == [] and faults.found


def test_a_key_of_a_config_of_a_served_model(tmp_path):
    text = (
        '{"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "vocab_size": 10, "intermediate_size": 8'
    )
    (tmp_path / "config.json").write_text(text + ', "hidden_size": 128}')
    with pytest.raises(BadInput, match="key 'hidden_size' is there twice"):
        serving_models.load(str(tmp_path / "config.json"))
