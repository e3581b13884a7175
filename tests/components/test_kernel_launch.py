"""When does a kernel give its transfers to the fabric, and when has it ended? Held without a fabric, call by call."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from chipweave.component.kernel_launch import Kernel, Report, SubKernel
from chipweave.policy.view import read_only

ROWS = np.array([[2, 20], [0, 1], [1, 10], [0, 2]], np.int64)  # in plan order; column 0 is the die


class Fake:
    """What a Kernel uses of a Simulation: time stands still, and calls are kept."""

    def __init__(self):
        self.now, self.kernels, self.later, self.given = 0, {}, [], []

    def add_kernel(self, kernel):
        self.kernels[7] = kernel
        return 7

    def call_at(self, ps, function):
        self.later.append((ps, function))

    def transfers(self, chain, rows, times, counted):
        self.given.append((chain, rows.tolist(), times, counted, SimpleNamespace(callbacks=[])))
        return self.given[-1][-1]

    def end(self, number):
        for callback in self.given[number][-1].callbacks:
            callback(None)


def kernel_of(dies, rows=ROWS):
    simulation, ended = Fake(), []
    return Kernel(simulation, "slice", rows, dies, 4, "line"), simulation, ended


def test_dies_that_all_start_at_once_give_their_rows_in_plan_order():
    kernel, simulation, ended = kernel_of(3)
    kernel.start([0, 1, 2], lambda k, dies: ended.append(dies))
    assert [g[:4] for g in simulation.given] == [("slice", ROWS.tolist(), 4, "line")] and not simulation.later
    assert not ended and simulation.kernels
    simulation.now = 500
    simulation.end(0)
    assert ended == [[0, 1, 2]] and (kernel.begin, kernel.end) == (0, 500) and not simulation.kernels


def test_dies_that_start_one_by_one_at_one_instant_give_their_rows_together():
    kernel, simulation, ended = kernel_of(3)
    kernel.start([0], lambda k, dies: ended.append(dies))
    kernel.start([2], lambda k, dies: ended.append(dies))
    assert not simulation.given and [ps for ps, _ in simulation.later] == [0]
    simulation.later[0][1]()
    assert [g[1] for g in simulation.given] == [[[2, 20], [0, 1], [0, 2]]]
    simulation.end(0)
    assert not ended, "die 1 has not started"
    simulation.now = 900
    kernel.start([1], lambda k, dies: ended.append(dies))
    assert simulation.given[1][1] == [[1, 10]] and len(simulation.later) == 1
    simulation.end(1)
    assert ended == [[0], [2], [1]] and (kernel.begin, kernel.end) == (0, 900)


def test_a_kernel_without_rows_ends_where_it_starts():
    kernel, simulation, ended = kernel_of(1, ROWS[:0])
    kernel.start([0], lambda k, dies: ended.append(dies))
    assert ended == [[0]] and not simulation.given and (kernel.begin, kernel.end) == (0, 0)


@pytest.mark.parametrize("message", [SubKernel(7, (0, 1, 2), np.eye(3, dtype=np.uint8)), Report(7, (0, 1, 2))])
def test_a_message_for_some_of_the_dies_is_one_of_its_kind(message):
    some = message.of((1,))
    assert type(some) is type(message) and (some.kernel, some.dies, some.die, some.bytes) == (7, (1,), 1, 0)
    assert message.of((0, 1, 2)) is message
    with pytest.raises(dataclasses.FrozenInstanceError):
        message.dies = ()


def test_prediction_bits_are_those_of_the_die_and_cannot_be_written():
    mask = read_only(np.eye(3, dtype=np.uint8))
    assert SubKernel(7, (1,), mask).prediction().tolist() == [0, 1, 0] and SubKernel(7, (1,)).prediction() is None
    assert not mask.flags.writeable
