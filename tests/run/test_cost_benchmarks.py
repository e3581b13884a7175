"""Do the cost benchmarks fit growth, and see a kernel that takes more instructions?"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks import cost, kernels  # noqa: E402  (beside the package, not installed)


@pytest.mark.parametrize("x", [0.5, 1, 2])
def test_a_power_is_found_again(x):
    assert cost.power([(n, 3 * n**x) for n in (10, 100, 700)]) == pytest.approx(x)


def test_more_than_5_percent_more_instructions_an_event_is_seen():
    before = {name: {"instructions": "1000", "events": "10"} for name in ("circuit", "fair", "flit")}
    found = {"circuit": (1050, 10), "fair": (1051, 10), "flit": (2000, 20), "new": (9, 1)}
    assert kernels.grown(found, before) == ["fair"]


def test_every_kernel_has_a_line_in_the_history():
    text = kernels.HISTORY.read_text()
    assert text.startswith("after_commit,kernel,instructions,events,compiler\n")
    assert all(f",{name}," in text for name in kernels.CASES)


@pytest.mark.parametrize("model", ["circuit", "fair"])
def test_the_work_that_is_counted_is_the_same_every_time(model):
    assert kernels.messages(model) == kernels.messages(model) == 10_800
