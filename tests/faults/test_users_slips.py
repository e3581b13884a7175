"""Is a slip in a user's own part or policy told with their file and line, and never as a fault of chipweave?"""

import pytest

from chipweave.__main__ import main, root
from chipweave.declare import user_code
from chipweave.errors import BadInput

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
