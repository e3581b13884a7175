"""Joules of runs and steps: do they add up by part and over time, are inherited figures named, is what is off free?"""

import json

import pytest

from chipweave import topology
from chipweave.__main__ import main
from chipweave.kernel_models.board_power import Events, board_of, clock_share, parts
from chipweave.kernel_models.boards import board_for
from chipweave.serving import energy
from chipweave.serving.setup import setup
from chipweave.serving.step import Batch

RUN = """\
schema: chipweave.run/1
topology: {topology}
preset: physical
model: deepseek-v2-lite
trace: esft-law
batch: 64
steps: 2
strategies: [base]
"""
BOARD = """\
schema: chipweave.topology/1
name: mine
extends: wafer_5x5
parts:
  board:
    kind: gpu.package
    power: 100 W
    idle: 50 W
    busy: 100 W
    energy_8: 100
    energy_l2: 10
    energy_memory: 20
    energy_link: 4
"""


@pytest.fixture(scope="module")
def board():
    return board_for(topology.load("b200"))[0]


def command(*words, code=0):
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    assert left.value.code == code


def ran(folder, name="wafer_5x5", *more):
    file = folder / "run.yaml"
    file.write_text(RUN.format(topology=name))
    command("run", file, "--json", folder / "result.json", *more)
    return json.loads((folder / "result.json").read_text())


def test_a_board_is_divided_among_its_dies_and_held_by_its_limit(board):
    event = Events(1.0, 1.0, 1e15, 1e12, 1e12, 1e12)
    half = board.share(2)
    assert (half.power, half.idle, half.busy, half.energy_8) == (500, 121.5, 200, 152)
    drawn = sum(parts(board, event).values())
    assert drawn == 243 + 400 + 152 + 16 + 32 + 48 and clock_share(board, event) == 1.0
    hot = Events(1.0, 1.0, 5e15, 0.0, 0.0, 0.0)
    share = clock_share(board, hot)
    assert board.idle + share * (400 + 5 * 152) == pytest.approx(1000)


def test_a_system_without_energies_takes_those_of_a_package_and_says_so():
    own, dies, inherited = board_for(topology.load("gb200"))
    assert (own.power, dies, inherited) == (1200, 2, False)
    other, _, inherited = board_for(topology.load("wafer_5x5"))
    assert (other.of, inherited) == ("b200", True)
    assert board_for(topology.load("b200"), "gb200")[2]
    package = topology.load("mi300x").of_kind("gpu.package")[0]
    assert (board_of(package, "mi300x") is None) == (package.idle is None)


@pytest.mark.slow
def test_joules_of_a_run_add_up_by_part_and_over_time(tmp_path):
    bare = ran(tmp_path)
    assert "energy" not in bare
    result = ran(tmp_path, "wafer_5x5", "--energy")
    assert result["result_sha256"] == bare["result_sha256"]
    (found,) = result["energy"]
    assert (found["figures"], found["inherited"], found["dies"]) == ("b200", True, 25)
    assert sum(found["by_part"].values()) == pytest.approx(found["joules"])
    assert all(joules > 0 for joules in found["by_part"].values())
    ends = [0, *(each["end_ns"] for each in found["watts_over_time"])]
    over_time = sum(
        w["watts"] * (b - a) * 1e-9 for w, a, b in zip(found["watts_over_time"], ends, ends[1:], strict=False)
    )
    assert over_time == pytest.approx(found["joules"], rel=1e-3)
    run_ns = ends[-1]
    assert found["by_part"]["rest"] == pytest.approx(25 * 243 / 2 * run_ns * 1e-9, rel=1e-4)
    assert found["watts"] == pytest.approx(found["joules"] / run_ns * 1e9, rel=1e-4)
    assert found["joules_per_decoded_token"] < found["joules"] / 64


@pytest.mark.slow
def test_a_wafer_of_ones_own_states_its_energies_and_its_limit_slows_it(tmp_path):
    (tmp_path / "mine.yaml").write_text(BOARD)
    (found,) = ran(tmp_path, "mine.yaml", "--energy")["energy"]
    assert (found["figures"], found["inherited"], found["limit_watts"]) == ("mine", False, 2500)
    assert found["by_part"]["rest"] / found["joules"] > 0.5
    tight = BOARD.replace("power: 100 W", "power: 60 W")
    (tmp_path / "mine.yaml").write_text(tight)
    (slowed,) = ran(tmp_path, "mine.yaml", "--energy")["energy"]
    assert slowed["time_under_limit_ns"] > found["time_under_limit_ns"]
    assert max(each["watts"] for each in slowed["watts_over_time"]) <= 1500 * (1 + 1e-12)


def step_energy(batch=64, prefill=False):
    made = setup("dgx_b200", "qwen3-235b", "tp=8,ep=8", "nvfp4,kv=fp8", "trtllm")
    work = Batch(0, 0, 1, batch, batch) if prefill else Batch(batch, 2000)
    board = board_for(topology.load("b200"))[0]
    step = made.step(work)
    return made, step, energy.document(made, work, step, board, False)


def test_joules_of_a_step_add_up_by_part_kind_and_token():
    made, step, found = step_energy()
    assert sum(found["by_part"].values()) == pytest.approx(found["joules"])
    rest = found["by_part"]["rest"]
    assert rest == pytest.approx(8 * 243 * step.ns * 1e-9)
    assert sum(found["by_kind"].values()) == pytest.approx(found["joules"] - rest)
    assert found["joules_per_token"] == pytest.approx(found["joules"] / 64)
    assert 243 < found["watts_per_gpu"] < 1000
    assert found["watts_over_time"][-1]["end_ns"] == step.ns
    seconds = sum(count * spent.seconds for count, _, _, spent in energy.of_works(made, Batch(64, 2000)))
    assert seconds == pytest.approx(step.ns * 1e-9, rel=1e-4)


def test_a_prompt_multiplies_at_the_limit_and_takes_longer_for_it():
    _, step, found = step_energy(32768, prefill=True)
    assert found["by_part"]["products"] > found["by_part"]["memory"]
    assert max(each["watts"] for each in found["watts_over_time"]) == 1000
    assert found["time_under_limit_ns"] > step.ns


def test_a_step_prints_its_joules_where_they_are_wanted_alone(capsys):
    words = ("step", "dgx_h100", "--model", "qwen3-32b", "--batch", 4, "--context", 1000, "--parallel", "tp=4")
    command(*words)
    assert " J " not in capsys.readouterr().out
    command(*words, "--energy")
    said = capsys.readouterr().out
    assert "J a token" in said and "b200's figures, another device's" in said
    command(*words, "--energy", "h200", code=2)
    assert "states no watts" in capsys.readouterr().err
