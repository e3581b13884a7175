"""launch: the floor per repetition of the 64 kB SCALE kernel, by the way it is started (model: case smallk)."""

from __future__ import annotations

from chipweave.ledger import Answers, Question, case

from ..rows.chips import calibrated
from ..rows.units import SECONDS, in_unit
from .smallk import answer

FLOOR_BYTES = 65536


@case("h100", "launch", bar=0.10)
def predict(questions: list[Question]) -> Answers:
    """Time of a repetition."""
    figures = calibrated()
    return {q.id: in_unit(q, answer(q, figures, FLOOR_BYTES), SECONDS) for q in questions}
