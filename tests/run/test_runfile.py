"""Does a run file say all its faults at once, with their places, and mean what it says?"""

import pytest

from chipweave.errors import BadInput
from chipweave.run import file as runfile

GOOD = """\
schema: chipweave.run/1
topology: wafer_8x3
model: deepseek-v2-lite
trace: esft-law
batch: 64
steps: 3
strategies: [base, ep]
link_models: [circuit]
set: ["networks.d2d.duplex=directed"]
"""


def write(tmp_path, text):
    path = tmp_path / "run.yaml"
    path.write_text(text)
    return path


def test_a_run_file_means_what_it_says(tmp_path):
    spec, strategies, link_models = runfile.load(write(tmp_path, GOOD))
    assert (spec.topology, spec.model, spec.trace, spec.batch, spec.steps) == (
        "wafer_8x3",
        "deepseek-v2-lite",
        "esft-law",
        64,
        3,
    )
    assert (strategies, link_models, spec.sets) == (["base", "ep"], ["circuit"], ("networks.d2d.duplex=directed",))


def test_paths_start_at_the_file(tmp_path):
    (tmp_path / "mine.yaml").write_text("extends: wafer_5x5\nname: mine\n")
    spec, *_ = runfile.load(write(tmp_path, "schema: chipweave.run/1\ntopology: ./mine.yaml\n"))
    assert spec.topology == str(tmp_path / "mine.yaml")


def test_policies_may_be_written_out(tmp_path):
    text = GOOD + (
        "strategy: {placement: contiguous, allocation: {kind: placement_aware, "
        "block: 50}, prediction: none, replacement: unbounded}\n"
    )
    spec, *_ = runfile.load(write(tmp_path, text))
    assert spec.policies["allocation"] == {"kind": "placement_aware", "block": 50}
    assert spec.strategy_name == "contiguous+placement_aware+none+unbounded"


def test_all_faults_come_at_once_each_with_its_place(tmp_path):
    text = (
        "schema: chipweave.run/1\ntopology: wafer_5x6\nbatch: 1.5\nmodle: qwen3-235b\n"
        "admission: headonly\nstrategies: [base, epp]\nlink_models: [flitt]\n"
    )
    with pytest.raises(BadInput) as caught:
        runfile.load(write(tmp_path, text))
    lines = str(caught.value).splitlines()
    assert [line.split("run.yaml:")[1].split(": ")[0] for line in lines] == ["7:15", "4:1", "3:8", "5:12"]
    with pytest.raises(BadInput) as caught:
        runfile.load(
            write(
                tmp_path,
                text.replace("1.5", "15")
                .replace("modle", "model")
                .replace("headonly", "head_only")
                .replace("flitt", "flit"),
            )
        )
    assert [line.split("; ")[-1] for line in str(caught.value).splitlines()] == ["nearest: wafer_5x5", "nearest: ep"]


@pytest.mark.parametrize(
    "text", ["", "- a\n", "schema: chipweave.run/2\n", "topology: wafer_5x5\n", "schema: chipweave.run/1\nset: [[1]]\n"]
)
def test_what_is_no_run_file_is_said(tmp_path, text):
    with pytest.raises(BadInput):
        runfile.load(write(tmp_path, text))


@pytest.mark.parametrize(
    "more, place, words",
    [
        ("strategies: []", "2:13", "strategies is empty; allowed: at least one of base, ep"),
        ("strategies: [base, ep, base]", "2:24", "'base' is there twice"),
        ("link_models: [fair, fair]", "2:21", "'fair' is there twice"),
        ("steps: 2000000", "2:8", "steps = 2000000 is out of range"),
        ("steps: 0", "2:8", "steps = 0 is out of range"),
    ],
)
def test_a_list_says_something_and_each_once(tmp_path, more, place, words):
    with pytest.raises(BadInput, match=f"run.yaml:{place}: {words}"):
        runfile.load(write(tmp_path, f"schema: chipweave.run/1\n{more}\n"))
