"""Does a mistake in a user's own policy or part end in one line that names it, and never in a wrong figure?"""

import re

import numpy as np
import pytest

from chipweave.__main__ import main
from chipweave.errors import BadInput
from chipweave.policy import CopyStore
from chipweave.policy.guard import home_of, store_of

RUN = ["compare", "--model", "deepseek-v2-lite", "--trace", "esft-law", "--batch", "8", "--steps", "3", "--allow-code"]
POLICY = """\
import numpy as np
from chipweave.policy import AllocationPolicy, PlacementPolicy, Plan, PredictionPolicy, ReplacementPolicy, nothing


class Mine(AllocationPolicy):
    def allocate(self, view):
        expert = np.flatnonzero(view.counts)
        die, tokens = view.home[expert], view.counts[expert]
        {allocate}


class Keep(PredictionPolicy):
    def mask(self, view, plan):
        mask = nothing(view)
        {mask}
"""
STRATEGY = """\
placement: contiguous
allocation: {allocation}
prediction: {prediction}
replacement: unbounded
"""


def run(capsys, tmp_path, allocate="return Plan(expert, die, tokens)", mask="return mask + 1", strategy=None, more=()):
    (tmp_path / "mine.py").write_text(POLICY.format(allocate=allocate, mask=mask))
    (tmp_path / "s.yaml").write_text(
        strategy or STRATEGY.format(allocation="./mine.py:Mine", prediction="./mine.py:Keep")
    )
    with pytest.raises(SystemExit) as end:
        main([*RUN, "--strategies", str(tmp_path / "s.yaml"), *more])
    return end.value.code, capsys.readouterr().err


def test_a_sound_policy_runs(capsys, tmp_path):
    assert run(capsys, tmp_path)[0] == 0


@pytest.mark.parametrize(
    "broken, words",
    [
        ({"allocate": "return None"}, "mine.py:Mine: allocate: returns NoneType; allowed: a Plan"),
        (
            {"allocate": "return Plan(expert, die, tokens * 0)"},
            "allocate: step 0, layer 1: a plan has an entry without tokens",
        ),
        ({"allocate": "return Plan(expert, die, tokens + 1)"}, "gives away .* tokens of expert"),
        ({"allocate": "return Plan(expert, die + 25, tokens)"}, "names die .* of 25"),
        ({"allocate": "return Plan(expert, die - 25, tokens)"}, "names die -.* of 25"),
        ({"allocate": "return Plan(expert, die.astype('int64') + 2**32, tokens)"}, "names die 4294967.* of 25"),
        ({"allocate": "return Plan(expert + 64, die, tokens)"}, "step 0, layer 1: a plan names expert 64 of 64"),
        ({"allocate": "return Plan(expert - 64, die, tokens)"}, "step 0, layer 1: a plan names expert -64 of 64"),
        ({"allocate": "return Plan(expert[::-1], die[::-1], tokens[::-1])"}, "rising order"),
        ({"allocate": "return Plan(expert, die[1:], tokens)"}, "different lengths"),
        ({"allocate": "return Plan(expert, die, tokens / 2)"}, "of float64; allowed: a Plan's arrays: whole numbers"),
        ({"allocate": "view.counts[0] = 1"}, r"mine.py:9: ValueError: assignment destination is read-only"),
        ({"allocate": "raise KeyError('oops')"}, r"mine.py:9: KeyError: 'oops'"),
        ({"mask": "return None"}, "Keep: mask: returns NoneType"),
        ({"mask": "return mask[:3]"}, r"an array \[3, 64\] of uint8; allowed: .*\[25, 64\]"),
        ({"mask": "return mask * 0.5"}, "of float64"),
        ({"mask": "return 1 // 0"}, r"mine.py:15: ZeroDivisionError"),
        (
            {"strategy": STRATEGY.format(allocation="./mine.py:Mine", prediction="./mine.py:PredictionPolicy")},
            "mask: is not written",
        ),
    ],
)
def test_a_mistake_is_one_line_that_names_policy_or_line(capsys, tmp_path, broken, words):
    code, err = run(capsys, tmp_path, **broken)
    assert code == 2 and re.search(words, err) and len(err.splitlines()) == 1


@pytest.mark.slow
def test_the_line_is_named_from_worker_processes_too(capsys, tmp_path):
    code, err = run(
        capsys, tmp_path, allocate="raise KeyError('oops')", more=["--jobs", "2", "--link-models", "circuit,fair"]
    )
    assert code == 2 and "mine.py:9: KeyError: 'oops'" in err


def test_a_part_that_fails_in_mid_run_is_named_with_its_line(capsys, tmp_path):
    (tmp_path / "hbm.py").write_text(
        "from chipweave.components.hbm_plain import HbmPlain\n\n\nclass Mine(HbmPlain):\n"
        "    def facts(self):\n        return {'compute': 1 / 0}\n"
    )
    (tmp_path / "w.yaml").write_text(
        'extends: wafer_5x5\nname: w\nassemblies: {die: {parts: {hbm: {kind: "./hbm.py:Mine"}}}}\n'
    )
    with pytest.raises(SystemExit) as end:
        main([*RUN, "--topology", str(tmp_path / "w.yaml"), "--strategies", "ep"])
    err = capsys.readouterr().err
    assert end.value.code == 2 and "hbm.py:6: ZeroDivisionError" in err and len(err.splitlines()) == 1


class Foreign:
    kind, foreign = "./there.py:Foreign", True

    def __init__(self, answer):
        self.place = self.store = lambda *_: answer


class Room:
    hbm_bytes = np.zeros(4)


@pytest.mark.parametrize(
    "answer, words",
    [
        ([0, 1], "whole numbers \\[3\\]"),
        ([0, 1, 4], "names die 4"),
        ([0, -1, 1], "names die -1"),
        ([0.0, 1, 2], "float64|list"),
        (None, "NoneType"),
    ],
)
def test_a_placement_outside_the_dies_is_refused(answer, words):
    with pytest.raises(BadInput, match=words):
        home_of(Foreign(answer), 3, 4)


def test_a_sound_placement_passes():
    assert home_of(Foreign([3, 0, 1]), 3, 4).tolist() == [3, 0, 1]


@pytest.mark.parametrize(
    "answer, words",
    [
        (7, "returns int; allowed: a CopyStore"),
        (CopyStore(order="fifo"), "order 'fifo'; allowed: none, lru"),
        (CopyStore(np.array([1, 2, 3, -1])), "below 0"),
        (CopyStore(np.array([1, 2])), "slices a die may keep"),
    ],
)
def test_a_store_of_another_kind_is_refused(answer, words):
    with pytest.raises(BadInput, match=words):
        store_of(Foreign(answer), Room())
