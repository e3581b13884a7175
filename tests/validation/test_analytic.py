"""Do the closed forms hold, and would the suite say so if one did not?"""

import sys
from types import ModuleType

import numpy as np
import pytest

from chipweave import ledger
from chipweave.errors import BadInput
from chipweave.ledger import closed_forms as analytic
from chipweave.ledger import files as ledger_files
from chipweave.validation.cases import analytic_links, analytic_queueing
from chipweave.validation.suites import analytic as suite_analytic

GROUPS = sorted(analytic.discover())


@pytest.fixture(scope="module")
def rows():
    return suite_analytic.results()


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_every_closed_form_holds_within_its_own_bound(group, rows):
    members = [r for r in rows if r.group == group]
    assert members and [f"{r.id}: {r.error}, bound {r.tolerance}" for r in members if r.status != "holds"] == []


def test_the_committed_ledger_says_what_the_program_says(rows):
    assert ledger_files.stale("analytic", suite_analytic, rows, ledger.summarise(rows)) == []


def test_a_bound_that_is_broken_ends_as_a_missed_bar(monkeypatch):
    def wrong():
        yield analytic.Check("a", "q", 10, 10.5, 0.04, "ps")
        yield analytic.Check("b", "q", 10, 10.1, 0.02, "ps")

    monkeypatch.setitem(analytic.FORMS, "wrong", wrong)
    rows = suite_analytic.results(groups=("wrong",))
    assert [r.status for r in rows] == ["gap", "holds"]
    assert ledger.missed_bars(rows) == [("wrong", 0.04, pytest.approx(0.05))]


def test_a_new_case_is_one_file(monkeypatch):
    """Registering is all a file does; a second file with the same group is refused, two checks of one name too."""
    first, second = ModuleType("first"), ModuleType("second")
    monkeypatch.setattr(analytic, "FORMS", {})
    for module in (first, second):
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec("def checks():\n    yield from ()\n", module.__dict__)
    analytic.closed_form("g")(first.checks)
    with pytest.raises(BadInput, match="'g' are given twice: first, second"):
        analytic.closed_form("g")(second.checks)
    twice = [analytic.Check("a", "q", 1, 1, 0, "ps")] * 2
    monkeypatch.setitem(analytic.FORMS, "twice", lambda: twice)
    with pytest.raises(BadInput, match="two checks of one name"):
        analytic.run("twice")


@pytest.mark.slow
def test_rows_do_not_depend_on_jobs():
    chosen = ("circuit_serialisation", "zero_load")
    assert suite_analytic.results(groups=chosen) == suite_analytic.results(groups=chosen, jobs=2)


def test_an_unknown_group_names_the_nearest():
    with pytest.raises(BadInput, match="no closed forms 'md1_wai'.*nearest: md1_wait"):
        suite_analytic.results(groups=("md1_wai",))


def test_the_standard_error_is_that_of_the_mean():
    """Independent samples of deviation 1: 1/sqrt(n); the same sample repeated 100 times in a row: ten times that."""
    samples = np.random.default_rng(3).normal(size=40_000)
    assert analytic_queueing.standard_error(samples) == pytest.approx(1 / 200, rel=0.3)
    assert analytic_queueing.standard_error(np.repeat(samples[:400], 100)) == pytest.approx(1 / 20, rel=0.3)


def test_the_area_under_a_known_staircase():
    assert analytic_queueing.area([0, 2], [5, 6]) == 2 * 1 + 3 * 2 + 1 * 1


@pytest.mark.parametrize("model, expected", [("circuit", [1_200_000, 2_400_000]), ("fair", [2_200_000, 2_200_000])])
def test_two_messages_on_one_link_by_hand(model, expected):
    """1 MB at 1 TB/s is 1 us; the latency is 200 ns."""
    assert analytic_links.arrivals(analytic_links.line(2, model), [(0, 1, 10**6)] * 2) == expected
