"""The ledger `dies`: is it what the program says, and does no group get worse unseen?"""

import pytest

from chipweave import ledger
from chipweave.ledger import baseline
from chipweave.ledger import files as ledger_files
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
