"""Does the committed ledger say what the program says, and can a group get worse unseen?

The whole ledger is run by `chipweave validate h100 --check`, in four CPU minutes. Here every row of the short groups is
asked again, and of the long ones (LONG) a fixed sample: that is what CI holds. With `-m "not slow"` it is a few rows of
each group."""

import os
from types import SimpleNamespace

import pytest

from chipweave import ledger
from chipweave.ledger import baseline
from chipweave.ledger import files as ledger_files
from chipweave.ledger import suites as validate
from chipweave.ledger import text as ledger_text
from chipweave.ledger.asking import answer, units_of
from chipweave.validation.suites import h100 as suite_h100

SAMPLE = 4
LONG = {"latcurve": 10, "l2bw": 6, "l1l2bw": 4, "stream": 12}
"""Groups that take 20 to 90 CPU seconds: of these every n-th unit (a row; of stream a whole curve)."""
CURE = "run: chipweave validate h100 --update"
REFERENCES = suite_h100.references()
CASES = ledger.discover()
DEAR = ("stream", "plateau", "l2bw", "l1l2bw")  # line by line: a second and more
GROUPS = sorted({q.group for q, _ in REFERENCES if ("h100", q.group) in CASES})


@pytest.fixture(scope="module")
def committed():
    """{id: simulated or None} as committed."""
    return baseline.read_rows(ledger_files.folder() / "ledger_h100.csv")


def as_committed(questions, committed):
    return {q.id: ledger.NotModelled("") if committed[q.id] is None else committed[q.id] for q in questions}


def test_every_row_is_in_the_committed_ledger(committed):
    assert list(committed) == [q.id for q, _ in REFERENCES], CURE


@pytest.fixture(autouse=True)
def one_processor(monkeypatch):
    """The workers of the tests have the processors already: a case starts no more."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0}, raising=False)


def hold(sample, committed):
    """Ask the rows of `sample` again: each is answered as it was when the ledger was written."""
    answers = answer("h100", sample)
    for q in sample:
        found = answers[q.id]
        if isinstance(found, ledger.NotModelled):
            assert committed[q.id] is None, f"{q.id}: {found.why}; {CURE}"
        elif committed[q.id] is not None:  # a value that is not a number is answered and not judged
            assert found == pytest.approx(committed[q.id], rel=2e-5), f"{q.id}; {CURE}"


def units(group):
    return units_of([q for q, _ in REFERENCES if q.group == group], CASES["h100", group])


@pytest.mark.parametrize("group", [pytest.param(g, marks=pytest.mark.slow if g in DEAR else ()) for g in GROUPS])
def test_rows_are_answered_as_committed(group, committed):
    found = units(group)
    chosen = found[:1] if len(found[0]) >= SAMPLE else found[:: -(-len(found) // SAMPLE)]
    hold([q for unit in chosen for q in unit], committed)


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_no_group_got_worse(group, committed):
    """With the next test, which holds the rows, the figures and the baseline to one another."""
    every = LONG.get(group, 1)
    hold([q for unit in units(group)[every // 2 :: every] for q in unit], committed)


def test_the_figures_and_the_tables_follow_from_the_committed_rows(committed):
    """baseline.json and README.md are written from the same run as the rows: all three agree to their printed
    digits."""
    table = {
        ("h100", g): ledger.Case(
            "h100", g, lambda qs: as_committed(qs, committed), CASES["h100", g].bar, CASES["h100", g].point
        )
        for g in GROUPS
    }
    results = ledger.judge("h100", REFERENCES, table)
    new, old = (
        baseline.figures(ledger.summarise(results)),
        baseline.read(ledger_files.folder() / "baseline.json")["h100"],
    )
    assert list(new) == list(old), CURE
    for name in new:
        assert new[name] == pytest.approx(old[name], abs=2e-4), f"{name}; {CURE}"
    text = (ledger_files.folder() / "README.md").read_text()
    for g in ledger.summarise(results):
        assert f"| {g['group']} | {g['role']} | {g['n']} | {g['n_modelled']} |" in text, CURE
    for part in suite_h100.extra(results):
        assert part in text, CURE


def test_no_case_fails_on_a_shipped_row():
    assert "the case failed" not in (ledger_files.folder() / "README.md").read_text()


def figures(**mape):
    return {f"{g} (predicted)": {"n": 3, "n_modelled": 3, "mape": m} for g, m in mape.items()}


def test_a_group_may_get_better_but_not_worse_by_more_than_the_slack():
    before = figures(a=0.05, b=0.05, c=0.05)
    assert baseline.worse(before, figures(a=0.04, b=0.05 + baseline.SLACK, c=0.05)) == []
    assert baseline.worse(before, figures(a=0.0512, b=0.05)) == [
        "a (predicted): mean error 5.12%, 5.00% before",
        "c (predicted) is gone",
    ]


def test_a_group_that_answers_fewer_rows_got_worse_and_one_that_answers_more_did_not():
    before, after = figures(a=0.05), figures(a=0.01)
    after["a (predicted)"]["n_modelled"] = 2
    assert baseline.worse(before, after) == ["a (predicted): 2 rows modelled, 3 before"]
    assert baseline.worse(after, before) == []


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A suite of one row whose answer can be set, with a ledger of its own."""
    monkeypatch.setattr(ledger_files, "folder", lambda: tmp_path)
    (tmp_path / "README.md").write_text("# by hand\n\nkept\n")
    world = SimpleNamespace(simulated=10.5, folder=tmp_path, KEEP_ROWS=True)

    def results(reference, groups, device, jobs):
        error = world.simulated / 10 - 1
        return [ledger.Result("r", "g", "predicted", "d", "q", "x", "1", 10.0, world.simulated, error, 0.5, "holds")]

    world.results = results
    monkeypatch.setattr(validate.importlib, "import_module", lambda name: world)
    return world


def run(**asked):
    return validate.run_suite("small", validate.Asked(**asked))[1]


def test_update_writes_what_check_accepts_and_keeps_what_people_wrote(small):
    assert run(update=True) == [] and run(check=True) == []
    text = (small.folder / "README.md").read_text()
    assert text.startswith("# by hand\n\nkept\n") and "| g | predicted | 1 | 1 | 5.0 % |" in text
    assert baseline.read_rows(small.folder / "ledger_small.csv") == {"r": 10.5}


def test_a_better_group_must_update_and_a_worse_one_is_refused_unless_accepted(small):
    run(update=True)
    small.simulated = 10.2
    assert any("baseline.json differs" in line for line in run(check=True))
    assert run(update=True) == []
    small.simulated = 10.4
    assert run(update=True) == ["got worse: g (predicted): mean error 4.00%, 2.00% before"]
    assert baseline.read(small.folder / "baseline.json")["small"]["g (predicted)"]["mape"] == 0.02
    assert run(update=True, accept_worse=True) == [] and run(check=True) == []


def test_a_section_of_one_suite_leaves_those_of_others_alone():
    text = ledger_text.place(ledger_text.place("# t\n", "a", "one"), "b", "two")
    assert ledger_text.place(text, "a", r"new \1").replace(r"new \1", "one") == text
