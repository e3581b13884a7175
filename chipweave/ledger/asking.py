"""Asks the cases of a suite in several processes, a few questions at a time, and shows how far it is.

A case that fails on one row must not cost the others their answers: the rows of a piece that raises are answered one by
one, and the row at fault is listed as not modelled with the error as its reason.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

from chipweave import ledger
from chipweave.errors import ChipweaveError
from chipweave.ledger import Question

Cases = dict[tuple[str, str], ledger.Case]

PIECE = 24
"""Questions in one go: enough to share what a case builds, few enough to keep two processes busy to the end."""


def asking(jobs: int = 1) -> Callable[[str, list[Question], Cases], ledger.Answers]:
    """A function for `ledger.judge` that asks in `jobs` processes; the answers are the same for any number."""

    def ask(suite: str, questions: list[Question], cases: Cases) -> ledger.Answers:
        most = PIECE if jobs > 1 else len(questions)
        pieces = pieces_of([q for q in questions if (suite, q.group) in cases], cases, suite, most)
        answers: ledger.Answers = {}
        for found in _run(suite, pieces, jobs):
            answers.update(found)
        return answers

    return ask


def pieces_of(questions: list[Question], cases: Cases, suite: str, most: int) -> list[list[Question]]:
    """Lists of questions of one group, about `most` long, dealt out so that each has small and large ones."""
    groups: dict[str, list[Question]] = {}
    pieces: list[list[Question]] = []
    for question in questions:
        groups.setdefault(question.group, []).append(question)
    for group, members in groups.items():
        units = units_of(members, cases[suite, group])
        count = min(-(-len(members) // most), len(units))
        pieces += [[q for unit in units[i::count] for q in unit] for i in range(count)]
    return pieces


def units_of(questions: list[Question], case: ledger.Case) -> list[list[Question]]:
    """The questions of one group as lists of those that must be answered together."""
    units: dict[Any, list[Question]] = {}
    for question in questions:
        units.setdefault(case.together(question) if case.together else question.id, []).append(question)
    return list(units.values())


def _run(suite: str, pieces: list[list[Question]], jobs: int) -> Iterator[ledger.Answers]:
    """The answers of each piece, as they come."""
    from chipweave.io.progress import Counting

    began, done = time.perf_counter(), 0
    with Counting(sum(len(p) for p in pieces), f"validate {suite}, rows") as counting:
        for piece, found in _answers(suite, pieces, jobs):
            yield found
            done += len(piece)
            counting.reached(done, f"{done / (time.perf_counter() - began):,.0f} rows/s")


def _answers(suite: str, pieces: list[list[Question]], jobs: int) -> Iterator[tuple[list[Question], ledger.Answers]]:
    """(piece, its answers), in the order in which they come."""
    if jobs == 1 or len(pieces) < 2:
        yield from ((piece, answer(suite, piece)) for piece in pieces)
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(answer, suite, piece): piece for piece in pieces}
        yield from ((waiting[done], done.result()) for done in as_completed(waiting))


def answer(suite: str, questions: list[Question]) -> ledger.Answers:
    """{id: answer} of questions of one group."""
    cases = ledger.discover()
    try:
        return ledger.ask(suite, questions, cases)
    except ChipweaveError:
        raise
    except Exception as error:  # whatever a case trips over: its rows are listed, the others are answered
        units = units_of(questions, cases[suite, questions[0].group])
        if len(units) == 1:
            return {q.id: ledger.NotModelled(f"the case failed: {type(error).__name__}: {error}") for q in questions}
        return {id: found for unit in units for id, found in answer(suite, unit).items()}
