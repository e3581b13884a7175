"""Are plans, hops and copies those of the published artifact, in every step and layer?"""

import policy_worlds as worlds
import pytest

from chipweave.policy import strategy

RUNS = [("base", 256, 3), *((name, 4096, 5) for name in worlds.NAMES)]


def differences(chosen, name, batch, steps):
    """What differs from the artifact's rows: (step, layer, column, ours, theirs)."""
    found, rows = worlds.replay(chosen, batch, steps), worlds.oracle_rows(name, batch)
    assert found.keys() == rows.keys() and len(rows) == 3 * steps
    return [
        (*at, column, found[at][column], row[column])
        for at, row in rows.items()
        for column in found[at]
        if row[column] and int(row[column]) != found[at][column]
    ]


@pytest.mark.parametrize("name, batch, steps", RUNS)
def test_every_row_equals_the_artifact_s(name, batch, steps):
    assert differences(strategy.load(worlds.NAMES[name]), name, batch, steps) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["allo_only", "pred_only", "allo_and_pred"])
def test_the_plain_twins_give_every_row_too(name):
    assert differences(worlds.plain_twin(worlds.NAMES[name]), name, 4096, 5) == []


@pytest.mark.parametrize(
    "kind, change",
    [
        ("allocation.placement_aware", {"block": 256}),
        ("allocation.placement_aware", {"absorb_remainder": "false"}),
        ("allocation.placement_aware", {"compute_share": "71 %"}),
        ("prediction.cross_token_heatmap", {"stop_at_own_id": "false"}),
        ("prediction.cross_token_heatmap", {"lookahead": "causal"}),
        ("prediction.cross_token_heatmap", {"top_n": 51}),
        ("placement.contiguous", None),
    ],
)
def test_the_rows_tell_each_rule_from_its_neighbour(kind, change):
    """A comparison that could not fail would prove nothing: any rule changed, some row differs."""
    name = "pred_only" if kind.startswith("prediction") else "allo_only"
    chosen = strategy.load(worlds.NAMES[name], defaults={kind: change or {}})
    if change is None:
        chosen.placement.place = lambda experts, dies: (worlds.np.arange(experts) % dies).astype("int32")
    assert differences(chosen, name, 4096, 5)
