"""The ledger `dies`: is it what the program says, and does no group get worse unseen?"""

from dataclasses import replace

import pytest

from chipweave import ledger
from chipweave.ledger import asking, baseline
from chipweave.ledger import files as ledger_files
from chipweave.validation.rows.beside import beside
from chipweave.validation.suites import dies

CURE = "run: chipweave validate dies --update"


@pytest.mark.slow
def test_the_committed_ledger_of_dies_is_what_the_program_says():
    groups = ledger.summarise(dies.results())
    new, old = baseline.figures(groups), baseline.read(ledger_files.folder() / "baseline.json")["dies"]
    assert baseline.worse(old, new) == []
    assert list(new) == list(old), CURE
    for name in new:
        assert new[name] == pytest.approx(old[name], abs=2e-4), f"{name}; {CURE}"
    text = (ledger_files.folder() / "README.md").read_text()
    for g in groups:
        assert f"| {g['group']} | {g['role']} | {g['n']} | {g['n_modelled']} |" in text, CURE


def test_a_device_of_the_ledger_is_chosen_by_part_of_its_name():
    rows = dies.references(groups=("amd_latency",), device="mi210")
    assert rows and {q.group for q, _ in rows} == {"amd_latency"}
    assert all("mi210" in q.device.lower() for q, _ in rows)


FREE_OF_X = ("b200_loadlat", "amd_stream", "amd_gemm", "amd_kernels")
"""Groups whose answers do not depend on x: one latency of all loads; rows whose conditions state launch or edges."""


def series():
    """The first row of each group and quantity that has a case and an answer that depends on x."""
    found, cases = {}, ledger.discover()
    for q, _ in dies.references():
        fixed = q.group in FREE_OF_X or q.unit == "ratio" or "all-reduce" in q.quantity and q.unit == "W"
        if ("dies", q.group) in cases and q.x is not None and q.x_name != "threads_per_CU" and not fixed:
            found.setdefault((q.group, q.quantity), q)
    return list(found.values())


@pytest.mark.slow
@pytest.mark.parametrize("x", ["-5", "nan", "inf", ""])
def test_a_row_whose_x_is_no_amount_is_refused_in_words(x):
    rows = [replace(q, x_value=x) for q in series()]
    assert {q.group for q in rows} >= {"b200_gemm", "b200_a2a", "b200_inflight", "amd_cache", "amd_collective"}
    for q in rows:
        (answer,) = asking.answer("dies", [q]).values()
        assert isinstance(answer, ledger.NotModelled) and "failed" not in answer.why, (q, answer)


@pytest.mark.slow
def test_a_model_of_one_die_errs_several_times_as_much_where_dies_show():
    groups = ("amd_latency", "b200_l2cross", "b200_umma")
    found = {b.group: b for b in beside(dies.results(groups=groups), asking.asking())}
    assert set(found) == {"amd_latency", "b200_l2cross"}  # instructions see no dies
    assert all(b.one_die > 4 * b.composed for b in found.values())
