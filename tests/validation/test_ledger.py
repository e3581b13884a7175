"""Does the ledger list every row, count what it must, and keep predictions from seeing values?"""

import pytest

from chipweave import ledger
from chipweave.errors import BadInput

HEADER = ",".join(ledger.COLUMNS)


def judge(tmp_path, lines, **cases):
    path = tmp_path / "rows.csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    table = {("s", g): ledger.Case("s", g, *(c if isinstance(c, tuple) else (c,))) for g, c in cases.items()}
    return ledger.judge("s", ledger.read_references(path), table)


def row(id, value, group="g", role="predicted", x="1"):
    return f"{id},{group},time,{value},us,H100,-,,n,{x},{role}"


def test_a_question_carries_no_value(tmp_path):
    seen = []
    judge(tmp_path, [row("a", 7654)], g=lambda qs: seen.extend(qs) or {"a": 11.0})
    assert not hasattr(seen[0], "value") and "7654" not in repr(seen[0])


def test_every_row_is_listed_and_errors_are_relative(tmp_path):
    rows = [row("a", 10), row("b", "n/a"), row("c", 5, group="other"), row("d", 0), row("e", 0)]
    results = judge(tmp_path, rows, g=(lambda qs: {"a": 11.0, "b": 1.0, "d": 0.0, "e": 3.0}, 0.2))
    assert [r.status for r in results] == ["holds", "not modelled", "not modelled", "holds", "gap"]
    assert [r.error for r in results] == [pytest.approx(0.1), None, None, 0.0, 1.0]


def test_a_group_misses_its_bar_by_the_mean_of_its_predicted_rows(tmp_path):
    rows = [row("a", 10), row("b", 10), row("c", 10, role="calibration")]
    case = (lambda qs: {"a": 11.0, "b": 10.0, "c": 30.0}, 0.049)
    assert ledger.missed_bars(judge(tmp_path, rows, g=case)) == [("g", 0.049, pytest.approx(0.05))]


def test_of_alternatives_only_the_fastest_counts(tmp_path):
    case = (lambda qs: {"a": 10.0, "b": 10.0}, None, lambda q: q.x_value)
    results = judge(tmp_path, [row("a", 10), row("b", 20)], g=case)
    assert [r.counts for r in results] == [True, False]
    assert ledger.summarise(results)[0]["mape"] == 0.0


def test_the_worst_rows_come_first_and_predicted_ones_alone(tmp_path):
    rows = [row("a", 10), row("b", 10), row("c", 10, role="calibration"), row("d", 10), row("e", 10)]
    case = (lambda qs: {"a": 12.0, "b": 7.0, "c": 90.0, "d": 10.0, "e": 12.0}, 1.0)
    results = judge(tmp_path, rows, g=case)
    assert [r.id for r in ledger.worst(results)] == ["b", "a", "e"], "without error: not listed; equal errors: by id"
    assert [r.id for r in ledger.worst(results, most=1)] == ["b"]
    assert [r.id for r in ledger.worst([r for r in results if r.role == "calibration"])] == ["c"]


def test_groups_are_summed_up_the_furthest_off_first(tmp_path):
    rows = [row(i, 10, group=g) for i, g in (("a", "g"), ("b", "g"), ("c", "g"), ("d", "h"))]
    rows += [row("e", 10, group="h", role="calibration")]
    good, bad = (lambda qs: {"a": 11.0, "b": 9.0, "c": 10.0}, 1.0), (lambda qs: {"d": 15.0, "e": 10.0}, 1.0)
    groups = ledger.summarise(judge(tmp_path, rows, g=good, h=bad))
    assert [(g["group"], g["role"], g["n"]) for g in groups] == [
        ("h", "predicted", 1),
        ("g", "predicted", 3),
        ("h", "calibration", 1),
    ]
    assert groups[1]["mape"] == pytest.approx(0.2 / 3) and groups[1]["bias"] == pytest.approx(0.0)
    assert groups[1]["correlation"] is None, "the reference does not vary"


def test_a_correlation_is_of_three_positive_pairs_or_more(tmp_path):
    rows = [row(i, value) for i, value in (("a", 1), ("b", 10), ("c", 100), ("d", 5))]
    answers = {"a": 2.0, "b": 20.0, "c": 200.0, "d": 0.0}
    assert ledger.summarise(judge(tmp_path, rows, g=lambda qs: answers))[0]["correlation"] == pytest.approx(1.0)
    few = judge(tmp_path, rows[:2] + rows[3:], g=lambda qs: answers)
    assert ledger.summarise(few)[0]["correlation"] is None


@pytest.mark.parametrize("modules", [("a.first", "b.second"), ("b.first", "a.second")])
def test_a_group_is_answered_by_one_module(monkeypatch, modules):
    monkeypatch.setattr(ledger, "CASES", {})
    one, other, again = (lambda qs: {}, lambda qs: {}, lambda qs: {})
    one.__module__, other.__module__, again.__module__ = *modules, modules[0]
    ledger.case("s", "g", bar=0.1)(one)
    with pytest.raises(BadInput, match=f"group g of suite s is answered twice: {modules[0]}, {modules[1]}"):
        ledger.case("s", "g")(other)
    ledger.case("s", "g", bar=0.2)(again)
    assert ledger.CASES["s", "g"].predict is again and ledger.CASES["s", "g"].bar_of(None) == 0.2


def test_a_device_whose_file_is_not_there_names_its_line(tmp_path):
    path = tmp_path / "rows.csv"
    cells = {c: "x" for c in ledger.COLUMNS} | {"device": "nofile.yaml"}
    path.write_text(HEADER + "\n" + ",".join(cells[c] for c in HEADER.split(",")) + "\n")
    with pytest.raises(BadInput, match=r"rows.csv:2: device: no file nofile.yaml; allowed: a device that ships"):
        ledger.read_references(path)


def test_a_short_row_names_its_line(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text(HEADER + "\na,b\n")
    with pytest.raises(BadInput, match=r"rows.csv:2: fewer cells"):
        ledger.read_references(path)
