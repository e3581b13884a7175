"""Are rows asked in pieces answered as in one go, and does a row that a case trips over cost only itself?"""

from types import SimpleNamespace

import pytest

from chipweave import ledger
from chipweave.ledger.asking import answer, pieces_of


def questions(*ids, group="g"):
    return [SimpleNamespace(id=i, group=group) for i in ids]


@pytest.fixture
def trips(monkeypatch):
    """A case that fails on rows named "bad" and looks at the row before in its piece."""

    def predict(asked):
        if any(q.id.startswith("bad") for q in asked):
            raise KeyError("bad")
        return {q.id: float(i) for i, q in enumerate(asked)}

    monkeypatch.setattr(ledger, "discover", lambda: cases)
    cases = {
        ("s", "g"): ledger.Case("s", "g", predict),
        ("s", "h"): ledger.Case("s", "h", predict, together=lambda q: q.id[-1]),
    }
    return cases


def test_every_question_is_in_one_piece_and_pieces_are_short(trips):
    asked = questions(*(f"q{i}" for i in range(50))) + questions("a", group="h")
    pieces = pieces_of(asked, trips, "s", 24)
    assert [len(p) for p in pieces] == [17, 17, 16, 1]
    assert sorted(q.id for p in pieces for q in p) == sorted(q.id for q in asked)
    assert [q.id for q in pieces[0][:3]] == ["q0", "q3", "q6"]


def test_rows_that_belong_together_stay_in_one_piece_in_their_order(trips):
    asked = questions("1a", "1b", "2a", "2b", "3a", group="h")
    assert [[q.id for q in p] for p in pieces_of(asked, trips, "s", 2)] == [["1a", "2a", "3a"], ["1b", "2b"]]


def test_a_row_that_fails_is_listed_with_the_error_and_the_others_are_answered(trips):
    found = answer("s", questions("x", "bad", "y"))
    assert found["x"] == found["y"] == 0.0 and found["bad"] == ledger.NotModelled("the case failed: KeyError: 'bad'")


def test_rows_together_fail_together(trips):
    found = answer("s", questions("x-a", "bad-a", "y-b", group="h"))
    assert found["y-b"] == 0.0 and found["x-a"] == found["bad-a"] == ledger.NotModelled(
        "the case failed: KeyError: 'bad'"
    )
