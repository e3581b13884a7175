"""Watts of a board: does each event cost its energy, and does the limit hold the sum?"""

from dataclasses import replace

import pytest

from chipweave import topology
from chipweave.kernel_models.board_power import Events, parts, watts
from chipweave.ledger import Question, asking

IDLE = Events(1.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def board():
    (found,) = topology.load("b200").of_kind("gpu.package")
    return found


def test_a_board_at_rest_draws_its_rest(board):
    assert watts(board, IDLE) == 243.0
    assert watts(board, replace(IDLE, working=0.5)) == 443.0


@pytest.mark.parametrize(
    ("field", "part", "energy"),
    [
        ("eights", "products", 152e-15),
        ("moved", "L2", 16e-12),
        ("memory", "memory", 32e-12),
        ("links", "links", 48e-12),
    ],
)
def test_an_event_costs_its_energy_and_twice_as_many_a_second_twice_the_watts(board, field, part, energy):
    events = replace(IDLE, **{field: 1e12})
    assert parts(board, events)[part] == pytest.approx(1e12 * energy)
    assert parts(board, replace(events, seconds=0.5))[part] == pytest.approx(2e12 * energy)
    assert sum(parts(board, events).values()) == pytest.approx(243 + 1e12 * energy)


def test_the_limit_holds_the_sum(board):
    assert watts(board, replace(IDLE, working=1.0, eights=1e16)) == 1000.0


def test_a_collective_of_few_bytes_draws_no_more_than_rest_and_one_that_fits_l2_less_than_one_that_does_not():
    def drawn(elements):
        said = "gpus=4; kernel=trtllm; framework=trtllm 1.3.0rc20; dtype=bfloat16"
        fields = ("r", "b200_energy", "board power during all-reduce", "W", "B200 SXM", "-", said, "elements")
        (answer,) = asking.answer("dies", [Question(*fields, str(elements), "predicted")]).values()
        return answer

    assert drawn(128) == pytest.approx(243, abs=0.2)
    assert drawn(1 << 25) + 30 < drawn(1 << 26)
