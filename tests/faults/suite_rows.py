"""The shipped rows of a suite and what the model answers them with, once for all tests of a process."""

import csv
import random
from dataclasses import replace
from functools import cache
from importlib.resources import files

from chipweave import ledger
from chipweave.validation.rows.conditions import conditions
from chipweave.validation.suites import dies, h100, serving

SUITES = {"dies": dies, "h100": h100, "serving": serving}


@cache
def _all(suite):
    return suite.references()


def rows_of(suite, group=None):
    """[(Question, value text)] of a suite, of one group or of all."""
    return [(q, text) for q, text in _all(suite) if group in (None, q.group)]


def asked(suite, chosen):
    """(Question, conditions, simulated) of those rows that are answered."""
    results = ledger.judge(suite, chosen, ledger.discover())
    pairs = zip(chosen, results, strict=True)
    return [(q, conditions(q), r.simulated) for (q, _), r in pairs if r.simulated is not None]


@cache
def answers(suite, group, quantity=""):
    """The same of all rows of a group whose quantity has these words."""
    return asked(suite, [row for row in rows_of(SUITES[suite], group) if quantity in row[0].quantity])


@cache
def _committed():
    """{id: simulated} of the answered rows of the committed ledger of suite h100, which a test of its own holds."""
    with (files("chipweave.validation") / "ledger_h100.csv").open(encoding="utf-8") as file:
        return {row["id"]: float(row["simulated"]) for row in csv.DictReader(file) if row["simulated"]}


def ledger_rows(group):
    """(Question, simulated) of the answered rows of a group of suite h100."""
    return [(q, _committed()[q.id]) for q, _ in rows_of(h100, group) if q.id in _committed()]


def drawn(rows, most=60, tenfold=(-2, 3), seed=1):
    """[(Question, value text)] like `rows` with sizes that are not among them: x times 0.01 to 1,000."""
    draw = random.Random(seed)
    return [
        (replace(q, id=f"{q.id} drawn", x_value=str(max(1, int(q.x * 10 ** draw.uniform(*tenfold))))), text)
        for q, text in draw.sample(rows, min(most, len(rows)))
    ]


@cache
def drawn_rows(group):
    """As `ledger_rows`, of sizes that are not in the ledger."""
    rows = [row for row in rows_of(h100, group) if row[0].x]
    return [(q, value) for q, _, value in asked("h100", drawn(rows))]


def keeps_below(shares, near=0.2):
    """Assert that no share of a bound is above it and that the rows come `near` it: far ones would test nothing."""
    row, most = max(shares.items(), key=lambda item: item[1])
    assert near < most <= 1, (row, most)
