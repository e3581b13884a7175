"""Is a slip in a user's own part or policy told with their file and line, and never as a fault of chipweave?"""

import json
import re

import pytest

from chipweave.__main__ import main, root
from chipweave.declare import user_code
from chipweave.errors import BadInput
from chipweave.io import status

HEADS = {
    "hbm": "from chipweave.components.hbm import Hbm\nfrom chipweave.component import Param\n\n\nclass Mine(Hbm):\n",
    "cp": "from chipweave.components.global_cp import GlobalCp\n\n\n\nclass Mine(GlobalCp):\n",
    "policy": "from chipweave.policy import AllocationPolicy\n\n\n\nclass Mine(AllocationPolicy):\n",
}
FILES = {
    "hbm": 'assemblies: {die: {parts: {hbm: {kind: "./mine.py:Mine"}}}}\n',
    "cp": 'parts: {cp: {kind: "./mine.py:Mine"}}\n',
    "policy": "",
}
SLIPS = [
    ("hbm", "    def facts(self):\n        return None", "mine.py:5: AttributeError"),
    ("hbm", "    def facts(self):\n        return {'hbm_bytes': 1 / 0}", "mine.py:7: ZeroDivisionError"),
    ("hbm", "    def declare(self, layout, work):\n        pass", "mine.py:5: AttributeError"),
    ("hbm", "    def declare(self, layout, work):\n        layout.nothing()", "mine.py:7: AttributeError"),
    ("hbm", "    def setup(self):\n        self.values['latency'] = 2.5", "mine.py:5: TypeError"),
    ("hbm", "    def counter(self, stat):\n        return 7", "mine.py:5: AttributeError"),
    ("hbm", "    extra = Param('tim')", "failed in line 6: TypeError: Param type 'tim'"),
    ("hbm", "    def x(:", "failed in line 6: SyntaxError"),
    ("cp", "    def serve(self):\n        yield 3", "mine.py:7: RuntimeError"),
    ("cp", "    def serve(self):\n        return 5", "mine.py:5: ValueError: 5 is not a generator"),
    ("cp", "    def serve(self):\n        yield self.simulation.wait(-5)", "mine.py:7: ValueError: Negative delay"),
    ("cp", "    def begin(self, simulation, run):\n        run.done = 5", "mine.py:5: AttributeError"),
    ("cp", "    def serve(self):\n        yield self.simulation.transfers('no', [])", "mine.py:7: unknown chain 'no'"),
    (
        "policy",
        "    def allocate(self, view):\n        return None",
        "mine.py:6: policy ./mine.py:Mine: allocate: returns",
    ),
    ("policy", "    def allocate(self, view):\n        return view.nothing", "mine.py:7: AttributeError"),
]


@pytest.mark.parametrize("kind, body, words", SLIPS)
def test_a_slip_is_told_with_file_and_line(tmp_path, monkeypatch, capsys, kind, body, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(HEADS[kind] + body + "\n")
    (tmp_path / "w.yaml").write_text("extends: micro_2x2\nname: w\n" + FILES[kind])
    (tmp_path / "s.yaml").write_text(
        "placement: contiguous\nallocation: ./mine.py:Mine\nprediction: none\nreplacement: unbounded\n"
    )
    strategy = "s.yaml" if kind == "policy" else "base"
    arguments = "compare --topology w.yaml --model deepseek-v2-lite --trace esft-law --batch 4 --steps 2 --allow-code"
    with pytest.raises(SystemExit) as end:
        main([*arguments.split(), "--strategies", strategy])
    err = capsys.readouterr().err
    assert end.value.code == 2 and words in err and len(err.splitlines()) == 1, err
    assert "Traceback" not in err and not err.startswith("chipweave:")


ROLES = {
    "placement": "PlacementPolicy",
    "decide": "PlacementPolicy",
    "every": "PlacementPolicy",
    "prediction": "PredictionPolicy",
    "replacement": "ReplacementPolicy",
}
BODIES = {
    "placement": "    def place(self, experts, dies):\n        return {}",
    "decide": "    def decide(self, view):\n        return Placement(np.zeros(view.experts, int), {})",
    "every": "    every = {}\n    def decide(self, view):\n        return Placement(np.zeros(view.experts, int))",
    "prediction": "    def mask(self, view, plan):\n        return {}",
    "replacement": "    def store(self, room):\n        return CopyStore({}, 'lru', True)",
    "batching": "    def plan(self, view):\n        return Plan(True, {})",
    "whole plan": "    def plan(self, view):\n        return {}",
    "wire": "    def wire(self, places, reader):\n        return {}",
    "fault": "    def fault(self, places):\n        return {}",
}
VALUES = [
    "5",
    "'x'",
    "[1, 2]",
    "np.zeros(3)",
    "np.full((4, 64), np.nan)",
    "-1",
    "10**30",
    "1 / 0",
    "undefined",
    "object()",
]
RAISED = ["open('/nowhere')", "exec('raise SystemExit(3)')", "exec('raise StopIteration')", "exec('raise Exception')"]
SERVER = """\
schema: chipweave.serve_run/1
system: dgx_h100
model: qwen3-32b
parallel: tp=4
framework: vllm
requests: {count: 5, arrivals: {poisson: 40}, prompt: {constant: 200}, output: {constant: 20}}
server: {batching: "./mine.py:Mine"}
"""
NETWORK = """\
name: n
networks:
  noc: {routers: 4, shape: "./mine.py:Mine", latency: 1 ns, bandwidth: 10 GB/s, link_model: fair}
"""


def written(folder, surface, body):
    """The user's file, the YAML file that names it, and the command that reads that."""
    (folder / "mine.py").write_text(body)
    if surface in ROLES:
        policies = {"placement": "contiguous", "allocation": "round_robin", "prediction": "always"}
        policies |= {"replacement": "unbounded", ROLES[surface].removesuffix("Policy").lower(): "./mine.py:Mine"}
        (folder / "s.yaml").write_text("".join(f"{role}: {kind}\n" for role, kind in policies.items()))
        run = "compare --topology micro_2x2 --model deepseek-v2-lite --trace esft-law --batch 4 --steps 3"
        return f"{run} --strategies s.yaml --set d2d.beside=none --allow-code"
    serves = surface in ("batching", "whole plan")
    (folder / "y.yaml").write_text(SERVER if serves else NETWORK)
    return f"{'serve' if serves else 'info'} y.yaml --allow-code"


def head(surface):
    """What stands above the methods."""
    if surface in ROLES:
        imports = f"from chipweave.policy import {ROLES[surface]} as Base, CopyStore\n"
        imports += "from chipweave.policy.placement import Placement\n"
    elif surface in ("batching", "whole plan"):
        imports = "from chipweave.serving.policies import BatchingPolicy as Base, Plan\n"
    else:
        imports = "from chipweave.noc.shapes.mesh import Mesh as Base\n"
    return f"import numpy as np\n{imports}\n\nclass Mine(Base):\n"


@pytest.mark.slow
@pytest.mark.parametrize("surface", BODIES)
def test_an_answer_of_any_kind_is_told_with_file_and_line(tmp_path, monkeypatch, capsys, surface):
    for i, value in enumerate(VALUES + RAISED):
        if surface == "every" and value in ("5", "10**30") or surface == "fault" and value == "'x'":
            continue  # these are right
        folder = tmp_path / str(i)
        folder.mkdir()
        monkeypatch.chdir(folder)
        command = written(folder, surface, head(surface) + BODIES[surface].format(value) + "\n")
        with pytest.raises(SystemExit) as end:
            main(command.split())
        err = capsys.readouterr().err
        assert end.value.code == 2 and re.search(r"mine.py(:| failed in line )\d", err) and "Traceback" not in err, (
            value,
            err,
        )
        assert not err.startswith("chipweave:"), (value, err)


def test_a_policy_that_begins_nothing_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = written(tmp_path, "batching", head("batching") + BODIES["batching"].format("[]") + "\n")
    with pytest.raises(SystemExit) as end:
        main(command.split())
    assert end.value.code == 3 and "./mine.py:Mine: 0 of 5 requests were answered" in capsys.readouterr().err


def test_a_full_disk_is_no_fault_of_the_users_code(tmp_path, monkeypatch, capsys):
    """An error of the machine outside their lines stays the machine's, whatever was let in."""

    def full(**_):
        let_in(tmp_path, "A")
        raise OSError(28, "No space left on device", "there")

    monkeypatch.setattr(root, "main", full)
    with pytest.raises(SystemExit) as end:
        main(["info"])
    assert end.value.code == 1 and capsys.readouterr().err.startswith("chipweave: there: No space left")


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["physical", "paper", "h100"])
def test_no_preset_takes_the_place_of_what_a_strategy_file_says(tmp_path, monkeypatch, capsys, preset):
    """A store of one slice a die keeps less than the preset's, which shipped strategies get."""
    monkeypatch.chdir(tmp_path)
    roles = "placement: contiguous\nallocation: round_robin\nprediction: always\nreplacement: "
    (tmp_path / "one.yaml").write_text(roles + "{kind: lru, slices: 1}\n")
    (tmp_path / "free.yaml").write_text(roles + "lru_free_hbm\n")
    run = f"compare --topology micro_2x2 --model deepseek-v2-lite --trace esft-law --batch 16 --preset {preset}"
    with pytest.raises(SystemExit) as end:
        main(f"{run} --steps 3 --strategies one.yaml,free.yaml --set d2d.beside=none --json -".split())
    one, free = json.loads(capsys.readouterr().out)["rows"]
    assert end.value.code == 0 and one["copies"] > 0 and one["decode_time_ns"] != free["decode_time_ns"]


def let_in(folder, *names):
    """Classes of a user's file, through the gate."""
    (folder / "theirs.py").write_text("".join(f"class {name}:\n    pass\n" for name in names))
    for name in names:
        user_code.Gate(allowed=True).load(f"./theirs.py:{name}", folder, object)


def test_with_two_classes_let_in_and_neither_in_the_calls_it_is_not_known_whose_fault_it_is(tmp_path):
    with pytest.raises(ZeroDivisionError), user_code.blamed():
        let_in(tmp_path, "A", "B")
        1 / 0  # noqa: B018


def test_with_one_class_let_in_for_the_work_that_fails_it_is_taken_for_the_cause(tmp_path):
    with pytest.raises(BadInput, match="theirs.py:1: ZeroDivisionError"), user_code.blamed():
        let_in(tmp_path, "A")
        1 / 0  # noqa: B018


def test_code_let_in_for_other_work_of_the_process_is_not_taken_for_the_cause(tmp_path, monkeypatch, capsys):
    with user_code.blamed():
        let_in(tmp_path, "A")
    with pytest.raises(ZeroDivisionError), user_code.blamed():
        1 / 0  # noqa: B018
    monkeypatch.setattr(root, "main", lambda **_: 1 / 0)
    with pytest.raises(SystemExit) as end:
        main(["info"])
    assert end.value.code == 1 and capsys.readouterr().err.startswith("chipweave: ZeroDivisionError")


def test_no_bar_outlives_a_run_that_fails(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    body = "    def mask(self, view, plan):\n        assert view.step < 2\n        return np.zeros((4, 64), int)"
    with pytest.raises(SystemExit):
        main(written(tmp_path, "prediction", head("prediction") + body + "\n").split())
    assert "AssertionError" in capsys.readouterr().err and not status._doing
