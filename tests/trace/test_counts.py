"""Are counts read in every form servers write them in, and is nothing of a .pt file ever called?"""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest
from torch_files import save

from chipweave import trace
from chipweave.__main__ import main
from chipweave.errors import BadInput
from chipweave.trace import models, torch_file
from chipweave.trace.counts import read_counts

MODEL = models.load("deepseek-v2-lite")  # 27 layers, 26 of them MoE (1 to 26), 64 experts
COUNTS = np.random.default_rng(0).integers(1, 1000, (26, 64))
WHOLE = np.concatenate([np.zeros((1, 64), np.int64), COUNTS])


def test_a_recorder_file_is_the_sum_of_its_steps(tmp_path, monkeypatch):
    document = {"rank": 0, "logical_count": np.stack([WHOLE, 2 * WHOLE]), "window": [0.5, 1.0]}
    path = save(tmp_path / "expert_distribution_recorder.pt", document, monkeypatch)
    assert np.array_equal(read_counts(path, MODEL), 3 * COUNTS)


@pytest.mark.parametrize("dtype", ["<i8", "<i4", "<f4", "|u1"])
def test_tensors_of_all_types_and_strides_are_read(dtype, tmp_path, monkeypatch):
    array = np.arange(24).astype(dtype).reshape(2, 3, 4)
    got = torch_file.load(save(tmp_path / "x.pt", {"a": [array, array[0]], "b": ("text", 3, None)}, monkeypatch))
    assert (
        np.array_equal(got["a"][0], array) and np.array_equal(got["a"][1], array[0]) and got["b"] == ("text", 3, None)
    )


def test_json_csv_and_numpy_give_the_same_counts(tmp_path):
    (tmp_path / "c.json").write_text(json.dumps({"logical_count": WHOLE.tolist()}))
    lines = [f"{layer},{e},{n}" for layer, row in enumerate(WHOLE.tolist()) for e, n in enumerate(row) if n]
    (tmp_path / "c.csv").write_text("\n".join(["layer_id,expert_id,count", *lines]))
    np.save(tmp_path / "c.npy", COUNTS)
    np.savez(tmp_path / "c.npz", counts=COUNTS[::-1], layer=np.arange(1, 27)[::-1])
    for name in ("c.json", "c.csv", "c.npy", "c.npz"):
        assert np.array_equal(read_counts(tmp_path / name, MODEL), COUNTS), name


class Trap:
    """Would write a file if it were ever unpickled."""

    def __reduce__(self):
        return open, ("unpickled", "w")


@pytest.mark.parametrize("what", [Trap(), {"a": Trap()}, np.dtype("f4"), print])
def test_a_pickle_that_names_anything_else_is_refused_and_not_run(what, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("bad.pt", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(what))
    with pytest.raises(BadInput, match="bad.pt.*names .*never loaded"):
        torch_file.load("bad.pt")
    assert not (tmp_path / "unpickled").exists()


@pytest.mark.parametrize(
    "pickled, message",
    [
        (b"", "cannot be read"),
        (b"\x80\x02}q\x00(X\x01\x00\x00\x00a", "cannot be read"),
        (b"\x80\x02Q.", "cannot be read"),
        (b"\x80\x02(X\x07\x00\x00\x00storageK\x01tQ.", "cannot be read"),
    ],
)
def test_damaged_files_are_named(pickled, message, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
    with pytest.raises(BadInput, match=f"x.pt.*{message}"):
        torch_file.load(tmp_path / "x.pt")


def test_a_tensor_beyond_its_storage_is_refused(tmp_path, monkeypatch):
    path = save(tmp_path / "x.pt", {"a": np.arange(6)}, monkeypatch)
    inside = zipfile.ZipFile(path).read("archive/data.pkl").replace(b"K\x06", b"K\x60")
    out = io.BytesIO(path.read_bytes())
    with zipfile.ZipFile(out) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, inside if name.endswith("data.pkl") else old.read(name))
    with pytest.raises(BadInput, match="cannot be read: a storage of 48 bytes"):
        torch_file.load(path)


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("c.csv", "layer,expert\n1,2\n", r"c.csv:1.*header.*layer_id,expert_id,count"),
        ("c.csv", "layer_id,expert_id,count\n1,2,x\n", r"c.csv:2.*three whole numbers"),
        ("c.csv", "layer_id,expert_id,count\n1,99,5\n", r"c.csv:2.*experts to 63"),
        ("c.csv", "layer_id,expert_id,count\n1,9,5\n1,9,5\n", r"c.csv:3.*twice"),
        ("c.csv", "layer_id,expert_id,count\n1,9,5\n", r"no counts of 25 of the 26 MoE layers.*layer 2"),
        ("c.json", '{"logical_count": [[1, 2]]}', r"shape \(1, 2\)"),
        ("c.json", '{"other": 1}', "no counts in it"),
        ("c.json", "{", "cannot be read"),
    ],
)
def test_counts_that_do_not_fit_are_named(name, text, message, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=message):
        read_counts(tmp_path / name, MODEL)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"PK\x03\x04 cut short", "cannot be read"),
        ({"loads": np.zeros((27, 64), [("a", "i4"), ("b", "i4")])}, "cannot be read"),
        ({"other": np.zeros((27, 64))}, "no array of counts"),
    ],
)
def test_numpy_files_that_hold_no_counts_are_named(content, message, tmp_path):
    if isinstance(content, bytes):
        (tmp_path / "c.npz").write_bytes(content)
    else:
        np.savez(tmp_path / "c.npz", **content)
    with pytest.raises(BadInput, match=f"c.npz.*{message}"):
        read_counts(tmp_path / "c.npz", MODEL)


@pytest.mark.slow
def test_counts_alone_make_a_trace(tmp_path):
    np.save(tmp_path / "c.npy", COUNTS)
    options = ["--requests", "64", "--steps", "20", "--counts", str(tmp_path / "c.npy")]
    with pytest.raises(SystemExit) as ended:
        main(["trace", "generate", "deepseek-v2-lite", *options, "--out", str(tmp_path / "t.parquet")])
    assert not ended.value.code
    got = trace.open(tmp_path / "t.parquet")
    seen = sum(np.bincount(step[5].ravel(), minlength=64) for step in got.steps_iter(1))
    assert np.corrcoef(np.log(COUNTS[5]), np.log(seen + 1))[0, 1] > 0.9
    assert got.provenance["counts_sha256"]
