"""Do placements follow what dies can do and what was chosen, layer by layer, and hold what a run asks of them?"""

import numpy as np
import pytest

from chipweave.errors import BadInput
from chipweave.policy.guard import placement_of
from chipweave.policy.placement import Placed, Placement, PlacementView
from chipweave.policy.strategy import build

LAYERS, EXPERTS, DIES = (3, 4), 60, 5


def view(compute=(1.0,) * DIES, counts=None, home=None, pairs=None, step=0):
    counts = np.zeros((len(LAYERS), EXPERTS), np.int64) if counts is None else counts
    phase = "decode" if step else "start"
    rates, hbm = np.array(compute), np.full(len(compute), 80 * 10**9)
    return PlacementView(LAYERS, EXPERTS, rates, hbm, 10**6, step, phase, counts, pairs, home)


def policy_of(kind, tmp_path):
    np.save(tmp_path / "loads.npy", np.ones((2, EXPERTS)))
    of_file = kind in ("packed", "eplb")
    return build("placement", {"kind": kind, "loads": "loads.npy"} if of_file else kind, folder=tmp_path)


@pytest.mark.parametrize("slow", range(DIES))
@pytest.mark.parametrize("kind", ["contiguous", "in_turn", "packed", "rebalanced"])
def test_a_die_at_half_the_rate_keeps_half_as_many_experts(kind, slow, tmp_path):
    seen = view([0.5 if die == slow else 1.0 for die in range(DIES)])
    home = np.broadcast_to(policy_of(kind, tmp_path).decide(seen).home, (2, EXPERTS))
    for layer in home:
        held = np.bincount(layer, minlength=DIES)
        assert held.sum() == EXPERTS and held[slow] == pytest.approx(60 * 0.5 / 4.5, abs=1)
        assert np.delete(held, slow) == pytest.approx(60 / 4.5, abs=1)


@pytest.mark.parametrize("slow", range(DIES))
@pytest.mark.parametrize("kind", ["eplb", "rebalanced"])
def test_with_replicas_a_die_at_half_the_rate_has_half_the_load(kind, slow, tmp_path):
    rng = np.random.default_rng(slow)
    counts = rng.permuted(np.tile((1000 / np.arange(1, EXPERTS + 1)).astype(np.int64), (2, 1)), axis=1)
    np.save(tmp_path / "loads.npy", counts)
    more = {"loads": "loads.npy", "extra": 3} if kind == "eplb" else {"replicas": 15, "stay": 0}
    seen = view([0.5 if die == slow else 1.0 for die in range(DIES)], counts=counts, step=8)
    load = load_of(build("placement", {"kind": kind, **more}, folder=tmp_path).decide(seen), counts)
    for layer in load:
        assert layer[slow] / np.delete(layer, slow).mean() == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("kind", ["contiguous", "in_turn", "packed"])
def test_on_dies_that_are_alike_nothing_changes(kind, tmp_path):
    policy = policy_of(kind, tmp_path)
    assert policy.decide(view()).home.tolist() == policy.place(EXPERTS, DIES).tolist()


def test_the_artifact_gives_unequal_dies_as_many_experts_each():
    seen = view([0.5, 1, 1, 1, 1])
    one = build("placement", {"kind": "contiguous", "figures": "one"}).decide(seen)
    assert np.bincount(one.home).tolist() == [12] * DIES


def load_of(placement, counts):
    """Tokens of each die in each layer, an expert's shared by all that hold it."""
    placed = Placed.of(placement.home, placement.replicas, len(LAYERS), DIES)
    return np.einsum("le,led->ld", counts / placed.holds.sum(axis=2), placed.holds)


def test_layers_are_balanced_each_for_itself_by_what_was_chosen():
    """The popular experts of one layer are not those of the other."""
    rng = np.random.default_rng(1)
    counts = rng.permuted(np.tile((1000 / np.arange(1, EXPERTS + 1)).astype(np.int64), (2, 1)), axis=1)
    fixed = load_of(build("placement", "contiguous").decide(view()), counts)
    policy = build("placement", {"kind": "rebalanced", "replicas": 5, "stay": 0})
    found = policy.decide(view(counts=counts, step=8, home=np.zeros((2, EXPERTS), np.int32)))
    assert (load_of(found, counts).max(axis=1) < 1.1 * counts.sum(axis=1) / DIES).all()
    assert (fixed.max(axis=1) > 1.3 * counts.sum(axis=1) / DIES).all()
    placed = Placed.of(found.home, found.replicas, 2, DIES)
    assert placed.holds.sum(axis=(1, 2)).tolist() == [EXPERTS + 5] * 2
    assert placed.holds.sum(axis=1).tolist() == [[13] * DIES] * 2  # no die needs more memory than at the start


def test_what_is_good_enough_stays():
    counts = np.full((2, EXPERTS), 100)
    home = np.tile(np.arange(EXPERTS) % DIES, (2, 1)).astype(np.int32)[:, ::-1].copy()
    kept = build("placement", "rebalanced").decide(view(counts=counts, step=8, home=home))
    assert kept.home.tolist() == home.tolist()


def test_no_die_gets_more_places_than_its_share():
    """Four places, three on the fast die and one on the slow one: expert 1 takes a fast one and expert 2 the slow one,
    so the second copy of expert 0 has room only beside the first."""
    hbm, counts = np.full(2, 80 * 10**9), np.array([[10, 7, 6]])
    seen = PlacementView(
        (3,), 3, np.array([1.0, 0.5]), hbm, 10**6, 8, "decode", counts, home=np.zeros((1, 3), np.int32)
    )
    assert np.bincount(seen.turns(4)).tolist() == [3, 1]
    found = build("placement", {"kind": "rebalanced", "replicas": 1, "stay": 0}).decide(seen)
    assert found.home.tolist() == [[0, 0, 1]] and not len(found.replicas)


def test_experts_chosen_together_are_kept_apart_on_demand():
    """Experts 2i and 2i + 1 are always chosen together."""
    counts, pairs = np.full((2, EXPERTS), 100), np.zeros((2, EXPERTS, EXPERTS), np.int64)
    even = np.arange(0, EXPERTS, 2)
    pairs[:, even, even + 1] = pairs[:, even + 1, even] = 100
    policy = build("placement", {"kind": "rebalanced", "apart": 1})
    assert policy.sees_pairs and not build("placement", "rebalanced").sees_pairs
    home = policy.decide(view(counts=counts, pairs=pairs, step=8)).home
    assert (home[:, even] != home[:, even + 1]).all()


class Given:
    """A foreign placement with a fixed answer."""

    kind, foreign, names_dies = "placement.given", True, False

    def __init__(self, *answer):
        self.answer = answer

    def decide(self, seen):
        return Placement(*(np.array(a) for a in self.answer))


def test_numbers_of_a_policy_are_those_of_the_dies_it_places_on():
    """Dies 0, 2 and 4 of the system are 0, 1 and 2 to it."""
    seen = view((1.0, 1.0, 1.0))
    home = np.zeros((2, EXPERTS), int)
    home[1] = 2
    placed = placement_of(Given(home, [[0, 5, 1]]), seen, DIES, [0, 2, 4], [0, 2, 4])
    assert placed.home[0, 0] == 0 and placed.home[1, 0] == 4
    assert np.flatnonzero(placed.holds[0, 5]).tolist() == [0, 2] and placed.holds.sum() == 2 * EXPERTS + 1


def test_a_reader_goes_to_its_own_replica_or_to_the_nearest():
    line = np.abs(np.arange(DIES)[:, None] - np.arange(DIES))
    placed = Placed.of(np.zeros(EXPERTS, int), np.array([[1, 7, 4]]), 2, DIES)
    sources = placed.sources(line)
    assert sources[1, 7].tolist() == [0, 0, 0, 4, 4] and not sources[0].any() and not sources[1, :7].any()
    assert Placed.of(np.zeros(EXPERTS, int), np.empty((0, 3)), 2, DIES).sources(line) is None


@pytest.mark.parametrize(
    "answer, words",
    [
        ((np.zeros(EXPERTS - 1, int),), "home die of each expert"),
        ((np.full((2, EXPERTS), 5),), "names die 5.*0 to 4"),
        ((np.zeros(EXPERTS),), "float64"),
        ((np.zeros(EXPERTS, int), [[2, 0, 0]]), "a replica names layer 2.*0 to 1"),
        ((np.zeros(EXPERTS, int), [[0, 60, 0]]), "a replica names expert 60"),
        ((np.zeros(EXPERTS, int), [0, 1]), "rows .layer, expert, die."),
        ((np.zeros(EXPERTS, int), [[0, 0, 3]]), "die 3, which has no memory"),
    ],
)
def test_an_answer_that_is_none_is_refused(answer, words):
    with pytest.raises(BadInput, match=words):
        placement_of(Given(*answer), view(), DIES, list(range(DIES)), [0, 1, 2, 4])
