"""Is a strategy a named combination of policies, checked like any other YAML, and open to a user's own?"""

from pathlib import Path

import numpy as np
import policy_worlds as worlds
import pytest

from chipweave import policies
from chipweave.declare import registry, yamlfile
from chipweave.declare.user_code import Gate
from chipweave.errors import BadInput
from chipweave.policy import ROLES, LayerView, strategy

OWN = """
from chipweave.policy import Param, PredictionPolicy
import numpy as np

class Own(PredictionPolicy):
    "Keeps one expert."
    expert = Param("count", default=0)

    def mask(self, view, plan):
        mask = np.zeros((view.dies, view.experts), np.uint8)
        mask[:, self.expert] = 1
        return mask
"""


@pytest.mark.parametrize(
    "name, allocation, prediction",
    [
        ("base", "round_robin", "none"),
        ("ep", "home", "none"),
        ("allo", "placement_aware", "none"),
        ("pred", "round_robin", "cross_token_heatmap"),
        ("allo+pred", "placement_aware", "cross_token_heatmap"),
    ],
)
def test_the_five_strategies_are_what_the_paper_calls_them(name, allocation, prediction):
    chosen = strategy.load(name)
    assert chosen.name == name and chosen.doc
    assert {role: getattr(chosen, role).kind.partition(".")[2] for role in ROLES} == {
        "placement": "contiguous",
        "allocation": allocation,
        "prediction": prediction,
        "replacement": "unbounded",
    }


def test_a_preset_sets_defaults_that_a_strategy_may_override():
    preset = {"allocation.placement_aware": {"block": 50, "dies": 3}}
    assert strategy.load("allo", defaults=preset).allocation.block == 50
    node = yamlfile.loads(
        "placement: contiguous\nallocation: {kind: placement_aware, block: 256}\n"
        "prediction: none\nreplacement: unbounded\n"
    )
    chosen = strategy.read(node, "mine", defaults=preset)
    assert (chosen.name, chosen.allocation.block, chosen.allocation.dies) == ("mine", 256, 3)
    assert chosen.resolved()["allocation"]["block"] == "256"


def test_all_faults_of_a_strategy_come_in_one_go(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(
        "placment: contiguous\nallocation: {kind: placement_aware, blok: 5, dies: 0}\n"
        "prediction: heatmap\nreplacement: {kind: lru, capacity: 5}\n"
    )
    with pytest.raises(BadInput) as error:
        strategy.load(str(path))
    text = str(error.value)
    for part in (
        "bad.yaml:1:1: a strategy has no 'placment'",
        "nearest: placement",
        "needs a policy for 'placement'; allowed: placement: placement.contiguous, placement.eplb",
        "bad.yaml:2:37: allocation.placement_aware has no parameter 'blok'",
        "dies = 0 is out of range",
        "bad.yaml:3:13: unknown prediction policy 'heatmap'; allowed: always, cross_token_heatmap",
        "has no unit",
    ):
        assert part in text, text


def test_an_unknown_strategy_names_the_nearest():
    with pytest.raises(
        BadInput, match=r"unknown strategy 'alo'; allowed: allo, .*base, dwdp, ep, .*pred.*; nearest: allo"
    ):
        strategy.load("alo")


def test_a_policy_of_another_role_is_refused():
    with pytest.raises(BadInput, match="unknown allocation policy 'none'"):
        strategy.build("allocation", "none")


def test_a_user_s_policy_is_used_once_code_is_allowed(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    path = tmp_path / "own.yaml"
    path.write_text(
        "placement: contiguous\nallocation: home\nprediction: {kind: ./own.py:Own, expert: 2}\nreplacement: unbounded\n"
    )
    with pytest.raises(BadInput, match="not run unasked: .*own.py:Own .*own.yaml:3:20"):
        strategy.load(str(path))
    chosen = strategy.load(str(path), gate=Gate(allowed=True))
    view = worlds.view([1, 1, 1], [0, 0, 0], worlds.mesh(2, 1))
    assert chosen.prediction.predict(view, chosen.allocation.allocate(view)).tolist() == [[0, 0, 1]] * 2


def test_every_kind_is_the_name_of_its_file_and_says_what_it_is():
    for kind in registry.policies.kinds():
        cls = registry.policies.find(kind)
        if cls.__module__.startswith("chipweave.policies."):
            assert cls.__module__.rpartition(".")[2] == kind.replace(".", "_")
            assert cls.about() and all(param.doc for param in cls.params.values())
    files = {p.stem for p in Path(list(policies.__path__)[0]).glob("*_*.py")} - {"__init__"}
    assert files == {
        kind.replace(".", "_")
        for kind in registry.policies.kinds()
        if registry.policies.find(kind).__module__.startswith("chipweave.policies.")
    }


def test_a_view_cannot_be_written_through():
    counts = np.array([1, 2], np.int32)
    view = worlds.view(counts, [0, 0], worlds.mesh(2, 1))
    for name in ("counts", "home", "holders", "distance", "first_appearance"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(view, name)[:] = 0
    counts[0] = 5
    assert isinstance(view, LayerView) and view.counts[0] == 5, (
        "a view of the caller's array, not a copy: building it is cheap"
    )


def test_the_predictor_of_the_documentation_works_as_printed(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "guide" / "policies.md").read_text()
    code = next(block.partition("```")[0] for block in page.split("```python\n")[1:])
    (tmp_path / "last_seen.py").write_text(code)
    own = strategy.build(
        "prediction", {"kind": "./last_seen.py:LastSeen", "least": 4}, gate=Gate(allowed=True), folder=tmp_path
    )
    one, two = (worlds.view(counts, [0, 0, 0], worlds.mesh(2, 1)) for counts in ([5, 3, 4], [0, 9, 0]))
    plan = strategy.build("allocation", "home").allocate(one)
    assert [own.predict(view, plan)[1].tolist() for view in (one, two, one)] == [[0, 0, 0], [1, 0, 1], [0, 1, 0]]
    assert {
        kind
        for kind in registry.policies.kinds()
        if registry.policies.find(kind).__module__.startswith("chipweave.policies.")
    } <= {word.strip("`") for word in page.split() if "." in word}, "a policy is missing from the page"
