"""Would a wrong instant be seen: a line that is there too late, a share of memory or bits of prediction that are not
taken?"""

import pytest
from dies_by_hand import LOCAL, LOOKUP, NS, CopyThese, Played

from chipweave.errors import BadInput


@pytest.mark.parametrize("engine", ["kernel", "plain"])
def test_a_line_is_in_the_llc_from_the_instant_its_read_ends(engine):
    """Die 0 misses and reads its own expert: the line is marked at LOOKUP + LOCAL, while the store still holds the
    port. Die 1 asks for it: at that instant it is there, a nanosecond before it is not."""
    there = (LOOKUP + LOCAL) // NS

    def hits(delay):
        late = [f"die[1][0].cp.dispatch_time={delay} ns"]
        return Played([(0, 0, 0), (0, 0, 1)], sets=late, engine=engine).counted("remote_llc_hits")

    assert [hits(there - 1), hits(there)] == [0, 1]


class ByStep(CopyThese):
    """Bits of each step as written."""

    def mask(self, view, plan):
        self.pairs = self.steps[view.step]
        return super().mask(view, plan)


def test_the_bits_of_a_layer_are_of_that_layer(monkeypatch):
    """Each step reads two experts from afar and is to keep one of them; with the bits of another it would keep none."""
    monkeypatch.setattr(ByStep, "steps", [[(1, 0)], [(1, 6)], []], raising=False)
    monkeypatch.setattr("dies_by_hand.CopyThese", ByStep)
    played = Played([(0, 0, 1), (2, 0, 1)], [(4, 0, 1), (6, 0, 1)], [(8, 0, 1), (10, 0, 1)], copy=[(1, 0)])
    assert played.held == [{(1, 0): 1}, {(1, 0): 1, (1, 6): 1}, {(1, 0): 1, (1, 6): 1}]


def capacity_for(share):
    """The least HBM, in bytes, in which the home weights fit where `share` of it (ninths and tenths) may be used."""
    with pytest.raises(BadInput) as error:
        Played([(0, 0, 0)], sets=["cp.capacity=enforced", "die.hbm.capacity=1 B"])
    assert "does not fit" in str(error.value)
    note = Played([(0, 0, 0)], sets=["cp.capacity=reported", "die.hbm.capacity=1 B"]).run.notes
    needed = note["hbm_overflow_bytes_per_die"] + 1
    return -(-needed * share[1] // share[0])


@pytest.mark.parametrize(
    "share, setting", [((9, 10), []), ((1, 2), ["cp.usable_hbm=0.5"]), ((1, 1), ["cp.usable_hbm=1"])]
)
def test_weights_may_take_the_usable_share_of_memory_and_no_byte_more(share, setting):
    enough = capacity_for(share)
    sets = ["cp.capacity=enforced", *setting]
    Played([(0, 0, 0)], sets=[*sets, f"die.hbm.capacity={enough} B"])
    with pytest.raises(BadInput, match="does not fit"):
        Played([(0, 0, 0)], sets=[*sets, f"die.hbm.capacity={enough - 1} B"])
