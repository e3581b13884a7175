"""Do the signs of a run that went wrong show where they are provoked, and nowhere else?"""

import numpy as np
import pytest

from chipweave.component.component import Component
from chipweave.policy.view import Plan
from chipweave.run import simulate
from chipweave.run.spec import RunSpec
from chipweave.run.symptoms import Symptoms


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("CHIPWEAVE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def words(prediction="always", replacement="unbounded", steps=12, batch=64):
    """The symptoms of a small run."""
    roles = {
        "placement": "contiguous",
        "allocation": "round_robin",
        "prediction": prediction,
        "replacement": replacement,
    }
    strategy = tuple((role, p if isinstance(p, str) else tuple(p.items())) for role, p in roles.items())
    spec = RunSpec(
        topology="micro_2x2", preset="artifact", model="llama4-maverick", batch=batch, steps=steps, strategy=strategy
    )
    return simulate.simulate(spec).facts["symptoms"]


def test_a_healthy_run_has_none():
    assert words() == [] and words(prediction="none") == []


@pytest.mark.slow
def test_copies_that_chase_each_other_out_thrash():
    found = words(replacement={"kind": "lru", "slices": 6}, steps=16, batch=512)
    assert any(text.startswith("copies thrash: ") for text in found)


def test_a_command_processor_that_does_not_learn_of_copies_has_a_stale_table(monkeypatch):
    """An expert moves to a die and the global CP is not informed: what it plans on is not what the dies hold."""
    from chipweave.declare import registry

    cls = registry.components.find("cp.global")
    assert issubclass(cls, Component)
    monkeypatch.setattr(cls, "learn", lambda self, changes: None)
    assert any(text.startswith("stale distribution table: ") for text in words())


def watched():
    """One layer, 8 experts on 30 dies, homes on die 0, three slices each."""
    holders = np.zeros((1, 8, 30), np.uint8)
    holders[:, :, 0] = 3
    return Symptoms(holders, np.zeros(8, np.int32), 3), holders


def test_forecasts_of_what_never_comes_again_miss():
    """232 copies of which one is used: as when prompts of one language seed a table that serves another."""
    symptoms, holders = watched()
    rows = [(die, e * 3 + s, 1) for die in range(1, 30) for e in range(8) for s in range(3)]
    symptoms.changed(np.array(rows))
    holders[:, :, 1:] = 3
    symptoms.planned(0, Plan(*(np.array([n], np.int32) for n in (3, 7, 5))))
    assert symptoms.words() == ["forecasts miss: 0% of 232 experts kept on a die were used there again"]
    for die in range(1, 30):
        symptoms.planned(0, Plan(np.arange(4, dtype=np.int32), np.full(4, die, np.int32), np.ones(4, np.int32)))
    assert symptoms.words() == []
