"""Does the analysis count reuse, contrast and loads as they are, and draw its pictures?"""

import json

import numpy as np
import pytest

from chipweave.__main__ import main
from chipweave.policy import strategy
from chipweave.study import analysis
from chipweave.trace import library, models
from chipweave.trace.counts import read_counts


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    path = tmp_path_factory.mktemp("trace") / "t.parquet"
    recipe = library.Recipe(tasks=2)
    library.write_generated(path, models.load("deepseek-v2-lite"), 12, 8, 1, recipe=recipe)
    return library.open_trace(path)


def test_reuse_is_counted_within_a_request():
    """Two requests: 1 2 1 and 1 3: of three later tokens one was seen within 2, none within 1."""
    ids = np.array([1, 2, 1, 1, 3]).reshape(5, 1, 1)
    seen = analysis._seen_within(ids, np.array([0, 0, 0, 1, 1]), 8)
    assert seen[:2].tolist() == [0, pytest.approx(1 / 3)]


def test_an_absent_choice_is_no_expert_that_comes_again():
    """One request: 1 -, 2 -, 1 -: of two later choices one was seen within 2. `-` is expert 8 of 8, one past."""
    ids = np.array([[1, 8], [2, 8], [1, 8]]).reshape(3, 1, 2)
    assert analysis._seen_within(ids, np.zeros(3, int), 8)[:2].tolist() == [0, 0.5]


@pytest.mark.slow
def test_tasks_are_set_against_each_other(trace, tmp_path):
    document = analysis.analyse(trace, tmp_path / "a")
    assert [(row["one"], row["other"]) for row in document["contrast"]] == [("task0/language0", "task1/language0")]
    assert document["contrast"][0]["spearman"] < document["phases"]["over_layers"]["spearman"]["median"]
    for name in ("popularity", "by_layer", "coverage", "heat_maps", "reuse"):
        assert (tmp_path / "a" / f"{name}.png").stat().st_size > 3000
    assert json.loads((tmp_path / "a" / "analysis.json").read_text())["schema"] == "chipweave.trace.analysis/1"


@pytest.mark.slow
def test_loads_are_what_placement_and_generator_read(trace, tmp_path):
    found = analysis.loads_of(trace)
    np.savez(tmp_path / "l.npz", **found)
    by_hand = sum(np.bincount(step[4].ravel(), minlength=64) for step in trace.steps_iter(1))
    assert np.array_equal(found["loads"][4], by_hand) and found["pairs"].trace() == 0
    assert np.array_equal(read_counts(tmp_path / "l.npz", models.load("deepseek-v2-lite")), found["loads"])
    packed = strategy.build("placement", {"kind": "packed", "loads": str(tmp_path / "l.npz")})
    home = packed.place(64, 4)
    share = (found["loads"] / found["loads"].sum(axis=1, keepdims=True)).mean(axis=0)
    held = np.bincount(home, share, 4)
    assert np.bincount(home).tolist() == [16] * 4 and held.max() / held.mean() < 1.1


def test_the_command_makes_the_folder_of_its_loads_and_leaves_nothing_half_written(tmp_path, monkeypatch):
    out = tmp_path / "new" / "l.npz"
    with pytest.raises(SystemExit) as end:
        main(["trace", "loads", "esft-law", "--out", str(out)])
    assert end.value.code == 0 and np.load(out)["loads"].sum() > 0
    before = out.read_bytes()

    def full(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(SystemExit) as end:
        main(["trace", "loads", "esft-law", "--out", str(out)])
    assert end.value.code == 1 and out.read_bytes() == before and list(out.parent.iterdir()) == [out]


@pytest.mark.parametrize(
    "command, name", [("loads", "l.npz"), pytest.param("analyse", "a/analysis.json", marks=pytest.mark.slow)]
)
def test_what_is_of_other_work_is_not_replaced_unasked(tmp_path, capsys, command, name):
    theirs = tmp_path / name
    theirs.parent.mkdir(exist_ok=True)
    theirs.write_text('{"sha256": "of another trace"}')
    out = str(theirs if command == "loads" else theirs.parent)
    for force, code in ([], 2), (["--force"], 0), ([], 0):
        with pytest.raises(SystemExit) as end:
            main(["trace", command, "esft-law", "--out", out, *force])
        assert end.value.code == code, capsys.readouterr().err
        assert (theirs.read_bytes()[:20] == b'{"sha256": "of anoth') == (code == 2)
