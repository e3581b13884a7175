"""smallk and launch: a repeated SCALE kernel on little data, by the way its repetitions are started.

A kernel-level model of the command processor (chipweave/kernel_models/launch.py); one element a thread, block size
free."""

from __future__ import annotations

from typing import Any

from chipweave.kernel_models.launch import launched_seconds, persistent_seconds
from chipweave.ledger import Answers, NotModelled, Question, case

from ..calibrate.kernels import launch_path
from ..rows.chips import calibrated, chip_of
from ..rows.units import SECONDS, Stated, first_missing, in_unit

WAYS = {"grid.sync": "grid.sync", "persistent": "persistent", "graph": "graph", "stream": "stream"}
"""Word in a row's quantity -> way of repeating; the first that occurs counts."""

MOST_BYTES = 1 << 50


@case("h100", "smallk", bar=0.10)
def predict(questions: list[Question]) -> Answers:
    """Time of a repetition."""
    figures = calibrated()
    return {q.id: in_unit(q, answer(q, figures, moved(q)), SECONDS) for q in questions}


def moved(question: Any) -> Stated:
    """Bytes that x says are moved, or NotModelled."""
    if question.x_name not in ("B moved", "B") or not question.x or not 1 <= question.x <= MOST_BYTES:
        return NotModelled(
            f"x is not bytes moved: {question.x_name or 'no name'} {question.x_value or 'without value'}"
        )
    return int(question.x)


def answer(q: Any, figures: dict[str, float], moved_bytes: Stated) -> NotModelled | float:
    """Seconds for one row, or why there are none."""
    way = next((w for word, w in WAYS.items() if word in q.quantity), None)
    chip = chip_of(q, figures)
    if not way:
        return NotModelled(f"the row names none of the ways of launching {', '.join(WAYS)}")
    missing = first_missing(chip, moved_bytes)
    if missing:
        return missing
    path = launch_path(figures)
    if way in path.gap_s:
        return launched_seconds(chip, path, moved_bytes, way)
    return persistent_seconds(chip, path, moved_bytes, cooperative=way == "grid.sync")
