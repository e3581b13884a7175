"""One message for all dies: the same as one message for each, and one by one where dies differ."""

import pickle

import pytest
from dies_by_hand import GEMM, LOCAL, LOOKUP, NS, Played

from chipweave.component.broadcast import Cast, handler_of_all, method_of_all
from chipweave.components.pdu import Pdu
from chipweave.run.clock import Simulation

PLANS = ([(0, 0, 0), (1, 1, 0), (3, 2, 1)], [(1, 1, 1), (2, 0, 2)])
CONTROL = "cp.layer_time=control"


def counted(monkeypatch):
    """How many messages the wires took: [posted with a due time]."""
    seen = []
    post = Simulation.post
    monkeypatch.setattr(
        Simulation,
        "post",
        lambda self, due, handler, message: (seen.append(message), post(self, due, handler, message)),
    )
    return seen


def one_by_one(monkeypatch):
    monkeypatch.setattr(Cast, "together", False)


def test_a_layer_sends_two_messages_and_one_by_one_they_give_the_same(monkeypatch):
    posted = counted(monkeypatch)
    together = Played(*PLANS, dies=3, sets=[CONTROL])
    assert len(posted) == 2 * len(PLANS)
    one_by_one(monkeypatch)
    posted.clear()
    singly = Played(*PLANS, dies=3, sets=[CONTROL])
    assert len(posted) == 3 * 2 * len(PLANS)
    assert singly.times == together.times and (singly.table == together.table).all()
    assert (
        [singly.statistic(f"die[{d}][0].cp", "kernels") for d in range(3)]
        == [together.statistic(f"die[{d}][0].cp", "kernels") for d in range(3)]
        == [2] * 3
    )


def test_prediction_bits_reach_every_die_either_way(monkeypatch):
    """One message programs every PDU at once; where a user's has a `program` of its own, that is called for each."""
    pairs, programmed = [(0, 1), (2, 0)], []
    program, program_all = Pdu.program, Pdu.program_all
    monkeypatch.setattr(
        Pdu, "program", lambda self, fabric, bits: (programmed.append(self.die), program(self, fabric, bits))
    )
    monkeypatch.setattr(
        Pdu,
        "program_all",
        lambda self, fabric, dies, mask: (programmed.append(dies), program_all(self, fabric, dies, mask)),
    )
    at_once = Played(*PLANS, dies=3, copy=pairs)
    assert programmed == [(0, 1, 2)] * len(PLANS)
    for change in (lambda: monkeypatch.delattr(Pdu, "program_all"), lambda: one_by_one(monkeypatch)):
        change()
        programmed.clear()
        singly = Played(*PLANS, dies=3, copy=pairs)
        assert programmed == [0, 1, 2] * len(PLANS)
        assert singly.times == at_once.times and singly.held == at_once.held


def test_a_pdu_derived_with_a_program_of_its_own_is_not_passed_over():
    class Own(Pdu):
        def program(self, fabric, bits):
            pass

    assert method_of_all(object.__new__(Own), "program") is None
    assert method_of_all(object.__new__(Pdu), "program").__func__ is Pdu.program_all


def test_messages_of_a_kernel_are_plain_data_and_the_kernel_goes_when_it_has_ended(monkeypatch):
    """They could travel between processes: nothing in them is alive, and no receiver can change what another reads."""
    posted = counted(monkeypatch)
    played = Played(*PLANS, dies=3, copy=[(0, 1), (2, 0)])
    again = pickle.loads(pickle.dumps(posted))
    assert [(type(m), m.kernel, m.dies) for m in again] == [(type(m), m.kernel, m.dies) for m in posted]
    assert {m.kernel for m in posted} == {1, 2}
    masks = [m.mask for m in posted if getattr(m, "mask", None) is not None]
    assert masks and not any(mask.flags.writeable for mask in masks)
    with pytest.raises(ValueError):
        masks[0][0, 0] = 1
    assert played.system.parts["cp"].simulation.kernels == {}


def test_a_die_that_differs_is_spoken_to_alone(monkeypatch):
    """One die dispatches 500 ns later: plan and reports still travel together, what the dies do then does not."""
    posted = counted(monkeypatch)
    late = Played([(0, 0, 0)], dies=3, sets=["die[2][0].cp.dispatch_time=500 ns"])
    assert len(posted) > 2 and late.times == [LOOKUP + LOCAL + GEMM]
    assert Played([(0, 0, 0), (2, 2, 2)], dies=3, sets=["die[2][0].cp.dispatch_time=500 ns"]).times == [
        500 * NS + LOOKUP + LOCAL + GEMM
    ]


def test_a_handler_that_a_derived_part_has_of_its_own_is_not_passed_by():
    class Ours:
        def on_launch(self, message): ...
        def on_launch_all(self, message): ...

    class Theirs(Ours):
        def on_launch(self, message): ...

    class Both(Theirs):
        def on_launch_all(self, message): ...

    assert handler_of_all(Ours(), "launch") and handler_of_all(Both(), "launch")
    assert handler_of_all(Theirs(), "launch") is None and handler_of_all(Ours(), "kernel") is None
