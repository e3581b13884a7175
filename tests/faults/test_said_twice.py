"""Is what a command line or a run file sets twice refused, and does a message list what there is?"""

import pytest

from chipweave.__main__ import main
from chipweave.errors import BadInput
from chipweave.run import file as runfile
from chipweave.study import plot, sweep_file
from chipweave.views import skeleton


@pytest.mark.parametrize(
    "line",
    [
        "traffic mesh_4x4 --load 0.1 --set vcs=2 --set vcs=4",
        "replay mesh_4x4 p.csv --set vcs=2 --set vcs=4",
        "check micro_2x2 --set d2d.latency=1ns --set d2d.latency=2ns",
        "draw mesh_4x4 --set latency=1ns --set latency=2ns",
    ],
)
def test_a_setting_of_a_command_line(line, capsys):
    with pytest.raises(SystemExit) as end:
        main(line.split())
    assert end.value.code == 2 and "is set twice" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line, said",
    [
        ("study remap --batches 8,16,8", "--batches: 8 is named twice"),
        ("study remap --batches 8,-8", "--batches '8,-8'; allowed: whole numbers from 1"),
        ("study chaos --batches 16,16", "--batches: 16 is named twice"),
        ("study chaos --models qwen3-235b,qwen3-235b", "--models: qwen3-235b is named twice"),
        ("study chaos --strategies ep,base,ep", "--strategies: ep is named twice"),
    ],
)
def test_an_entry_of_a_list(line, said, capsys):
    with pytest.raises(SystemExit) as end:
        main(line.split())
    assert end.value.code == 2 and said in capsys.readouterr().err


@pytest.mark.parametrize(
    "axes, said",
    [
        ("vary: {batch: [4, 8, 4]}", "sweep.yaml:3:22: batch varies over 4 twice"),
        ("vary: {allocation: [home, {kind: round_robin, offset: 1}, {kind: round_robin, offset: 1}]}", "twice"),
        ("together: [{case: a, batch: 4}, {case: a, batch: 4}]", "together varies over"),
    ],
)
def test_a_point_of_a_sweep(tmp_path, axes, said):
    path = tmp_path / "sweep.yaml"
    path.write_text(f"schema: chipweave.sweep/1\nrun: {{topology: micro_2x2, steps: 2}}\n{axes}\n")
    with pytest.raises(BadInput, match=said):
        sweep_file.load(path)


def test_a_setting_of_a_run_file(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text('schema: chipweave.run/1\nset: ["d2d.latency=1 ns", "cp.plan_time=1 us", "d2d.latency=2 ns"]\n')
    with pytest.raises(BadInput, match="run.yaml:2:48: set: d2d.latency is set twice"):
        runfile.load(path)


def test_a_value_of_a_column_that_does_not_occur_is_told_beside_those_that_do():
    table = {"strategy": ["base", "ep", "ep"], "hops": [1, 2, 3]}
    assert plot.only(table, ["strategy=ep"]) == {"strategy": ["ep", "ep"], "hops": [2, 3]}
    with pytest.raises(BadInput, match="--where strategy=epp: no row is left; allowed: base, ep; nearest: ep"):
        plot.only(table, ["strategy=epp"])
    with pytest.raises(BadInput, match="--where 'strategy'; allowed: COLUMN=VALUE"):
        plot.only(table, ["strategy"])


def test_a_skeleton_is_called_by_no_word_of_python(tmp_path):
    with pytest.raises(BadInput, match="'class' is not a file's name"):
        skeleton.write("component", "class", tmp_path)
    assert not list(tmp_path.iterdir())
