"""Does a run keep weights where the placement says, layer by layer, and is their moving traffic with its time?"""

import numpy as np
import pytest
from small_systems import PAIR, POOL

from chipweave.declare import registry
from chipweave.errors import BadInput
from chipweave.policy.placement import Placement
from chipweave.run import simulate
from chipweave.trace.relations import table_of, together

TRACE = [[[0, 1], [2, 3], [4, 5], [6, 0]], [[0, 1]], [[3, 6]], [[0, 2]]]
OTHERS = [[[5, 2]], [[1, 4]], [[2, 0]], [[1, 4]]]
SLICE, SLICES, LAYERS = 1024 * 512 * 2, 3, 2  # of the small model


@pytest.fixture
def places(monkeypatch):
    """Lets `placement.contiguous` answer with what a function of the view returns, asked again every so many steps."""

    def answer(decide, every=0, sees_pairs=False):
        cls = registry.policies.find("placement.contiguous")
        monkeypatch.setattr(cls, "decide", lambda self, view: decide(view))
        monkeypatch.setattr(cls, "every", every)
        monkeypatch.setattr(cls, "sees_pairs", sees_pairs)

    return answer


def column(outcome, name):
    return outcome.table[:, outcome.columns.index(name)]


def statistic(outcome, wanted):
    return sum(value for _, name, _, value in outcome.statistics if name == wanted)


def test_homes_are_each_layers_own(desk, places):
    """`base` deals experts out; in the first layer all live on die 0, in the second on die 1."""
    places(lambda view: Placement(np.array([[0] * 7, [1] * 7])))
    plans = desk.run(desk.topology(PAIR), desk.trace(TRACE, OTHERS), "ep", preset="physical", batch=2, steps=4)
    assert column(plans, "hops").sum() == 0
    base = desk.run(desk.topology(PAIR), desk.trace(TRACE, OTHERS), "base", preset="physical", batch=2, steps=4)
    reads = {(layer, part): 0 for layer in (1, 2) for part in (0, 1)}
    assert column(base, "hops").sum() > 0 and set(base.table[:, 1]) == {layer for layer, _ in reads}
    swapped = [Placement(np.array([[0] * 7, [0] * 7])), Placement(np.array([[1] * 7, [1] * 7]))]
    alone = []
    for answer in swapped:
        places(lambda view, answer=answer: answer)
        alone.append(
            desk.run(desk.topology(PAIR), desk.trace(TRACE, OTHERS), "base", preset="physical", batch=2, steps=4)
        )
    first, second = base.table[:, 1] == 1, base.table[:, 1] == 2
    assert column(base, "hops")[first].tolist() == column(alone[0], "hops")[first].tolist()
    assert column(base, "hops")[second].tolist() == column(alone[1], "hops")[second].tolist()


def test_with_a_replica_on_every_die_nothing_crosses_the_network(desk, places):
    everywhere = np.array([(layer, expert, die) for layer in range(2) for expert in range(7) for die in range(2)])
    places(lambda view: Placement(np.zeros(7, np.int32), everywhere))
    run = desk.run(desk.topology(PAIR), desk.trace(TRACE, OTHERS), "base", preset="physical", batch=2, steps=4)
    assert column(run, "hops").sum() == 0 and sum(int(links.bytes.sum()) for _, _, links in run.links) == 0


def moved(step, view):
    """Experts 0 to 3 on die 0, the others on die 1; from `step` on expert 0 on die 1, too."""
    home = np.tile(np.array([0, 0, 0, 0, 1, 1, 1], np.int32), (LAYERS, 1))
    home[:, 0] = view.step >= step > 0
    return Placement(home)


def test_moving_an_expert_is_traffic_with_its_time(desk, places):
    """Expert 0 of both layers moves once: 6 slices over a link that carries 9 GB/s, and the layer that comes next has
    the time."""
    run = dict(strategy="ep", preset="physical", batch=2, steps=4)
    trace = desk.trace([[[1, 2]], [[1, 4]], [[1, 4]], [[1, 4]]], [[[5, 6]], [[5, 6]], [[5, 6]], [[5, 6]]])
    places(lambda view: moved(0, view), every=1)
    stays = desk.run(desk.topology(PAIR), trace, **run)
    places(lambda view: moved(2, view), every=1)
    goes = desk.run(desk.topology(PAIR), trace, **run)
    assert statistic(stays, "weights_moved") == 0 and statistic(goes, "weights_moved") == LAYERS * SLICES
    on_links = sum(int(links.bytes.sum()) for _, _, links in goes.links)
    assert on_links == LAYERS * SLICES * (SLICE + 16)
    longer = (column(goes, "time_ps") - column(stays, "time_ps")).tolist()
    least = LAYERS * SLICES * SLICE * 10**12 // (9 * 10**9)
    assert [bool(t) for t in longer] == [False] * 4 + [True] + [False] * 3
    assert least <= longer[4] <= least + 5_000_000


def test_a_view_is_the_policys_own_to_write_in(desk, places, monkeypatch):
    """Expert 0 is read from where it was, though the policy has written its new home into the view."""
    monkeypatch.setattr(registry.policies.find("placement.contiguous"), "names_dies", True)
    trace = desk.trace([[[1, 2]], [[1, 4]], [[1, 4]], [[1, 4]]], [[[5, 6]], [[5, 6]], [[5, 6]], [[5, 6]]])

    def written(view):
        placement = moved(2, view)
        if view.home is not None:
            view.home[:] = placement.home
            return Placement(view.home)
        return placement

    runs = []
    for decide in (lambda view: moved(2, view), written):
        places(decide, every=1)
        run = desk.run(desk.topology(PAIR), trace, "ep", preset="physical", batch=2, steps=4)
        runs.append((statistic(run, "weights_moved"), sum(int(links.bytes.sum()) for _, _, links in run.links)))
    assert runs[0] == runs[1] == (LAYERS * SLICES, LAYERS * SLICES * (SLICE + 16))


@pytest.mark.slow
@pytest.mark.parametrize("link_model", ["circuit", "fair", "flit"])
@pytest.mark.parametrize("allocation", ["home", "placement_aware"])
def test_kernel_and_twin_rebalance_alike_and_the_table_stays_true(desk, light, link_model, allocation, monkeypatch):
    """Weights that move, replicas and copies together: what the command processor believes is what the dies hold."""
    light(link_model)
    seen, drive = [], simulate.drive
    monkeypatch.setattr(simulate, "drive", lambda *a, **k: seen.append(drive(*a, **k)) or seen[-1])
    policies = {
        "placement": (("kind", "rebalanced"), ("every", 1), ("replicas", 2), ("stay", 0)),
        "allocation": allocation,
        "prediction": "always",
        "replacement": "unbounded",
    }
    both = [
        desk.run(
            desk.topology(POOL),
            desk.trace(TRACE, OTHERS),
            tuple(policies.items()),
            preset="physical",
            engine=engine,
            link_model=link_model,
            batch=8,
            steps=4,
            sets=("cp.tokens=moved",),
        )
        for engine in ("kernel", "plain")
    ]
    assert np.array_equal(both[0].table, both[1].table) and both[0].statistics == both[1].statistics
    assert statistic(both[0], "weights_moved") > 0
    placed = seen[0].placing.placed
    assert placed.holds.sum(axis=(1, 2)).tolist() == [9, 9] and not placed.holds[:, :, 3].any()
    assert np.take_along_axis(placed.holds, placed.home[:, :, None].astype(int), axis=2).all()


def test_weights_that_no_longer_fit_are_refused_when_they_move(desk, places):
    """Four experts of two layers are 24 MiB, all seven are 42 MiB, of 27 that may be used."""
    places(lambda view: Placement(np.zeros(7, np.int32)) if view.step else moved(0, view), every=1)
    sets = ("die.hbm.capacity=30 MiB",)
    policies = (
        ("placement", "contiguous"),
        ("allocation", "home"),
        ("prediction", "none"),
        ("replacement", "unbounded"),
    )
    run = dict(preset="physical", batch=2, steps=4, sets=sets)
    with pytest.raises(BadInput, match="mini does not fit"):
        desk.run(desk.topology(PAIR), desk.trace(TRACE, OTHERS), policies, **run)
    with pytest.raises(BadInput, match="more weights to die 0 than it had at the start"):
        desk.run(desk.topology(PAIR), desk.trace(TRACE, OTHERS), "pred", **run | {"sets": ()})


def test_a_half_rate_die_does_half_the_work_under_expert_parallelism(desk):
    """Many experts chosen alike: `ep` follows homes, and homes follow the compute."""
    trace = desk.trace([[[e, (e + 1) % 7] for e in range(7)], [[0, 1]]])
    slow = PAIR.replace("{grid: [1, 2]}", '{grid: [1, 2], override: {"[0][1]": {sm: {peak: 494.5 TFLOPS}}}}')
    run = desk.run(desk.topology(slow), trace, "ep", preset="physical", batch=1, steps=1)
    one = desk.run(desk.topology(PAIR), trace, "ep", preset="physical", batch=1, steps=1)
    for outcome, expected in ((run, [5, 2]), (one, [4, 3])):
        reads = [value for part, name, _, value in outcome.statistics if name == "local_reads"]
        assert [value / (LAYERS * SLICES) for value in reads] == expected


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pairs_are_counted_in_both_orders_once_for_each_like_request(dtype):
    """An absent choice pairs with nothing."""
    ids = np.array([[0, 1], [1, 0], [2, np.iinfo(dtype).max]], dtype)
    assert together(ids, 3, 4).tolist() == [[0, 8, 0], [8, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("pairs", [False, True])
def test_a_placement_asked_again_learns_what_was_chosen_and_together_if_it_looks(desk, pairs, places):
    """Two like requests a trace's one: each row counts twice. Before each step it knows the steps that are over."""
    seen = []

    def answer(view):
        seen.append((view.step, view.phase, view.counts.tolist(), None if view.pairs is None else view.pairs.copy()))
        return Placement(np.zeros(7, np.int32))

    places(answer, every=1, sees_pairs=pairs)
    desk.run(desk.topology(PAIR), desk.trace([[[0, 1], [0, 2]], [[3, 4]], [[0, 1]]]), "ep", batch=2, steps=3)
    told = [[0] * 7, [4, 2, 2, 0, 0, 0, 0], [4, 2, 2, 2, 2, 0, 0]]
    phases = ["start", "decode", "decode"]
    assert [s[:3] for s in seen] == [(n, phase, [t] * 2) for n, (phase, t) in enumerate(zip(phases, told, strict=True))]
    if not pairs:
        assert all(s[3] is None for s in seen)
        return
    assert not seen[0][3].any()
    for layer in seen[-1][3]:
        there = zip(*np.nonzero(layer), strict=True)
        assert {(a, b): layer[a, b] for a, b in there} == {
            pair: 2 for a, b in ((0, 1), (0, 2), (3, 4)) for pair in ((a, b), (b, a))
        }


def test_ids_that_no_table_has_are_refused():
    with pytest.raises(ValueError, match="an id of more than 3"):
        table_of(np.array([[4]]), np.array([[0]]), 3)


def test_expert_parallelism_shares_an_expert_among_the_dies_that_keep_it(desk, places):
    """Expert 0 lives on both dies: half of its 16 tokens a layer are computed on each, read from its own memory."""
    both = Placement(np.zeros(7, np.int32), np.array([(layer, 0, 1) for layer in range(LAYERS)]))
    plans, trace = [], desk.trace([[[0, 1]]], [[[0, 1]]])

    def run(answer):
        places(lambda view: answer)
        return desk.run(desk.topology(PAIR), trace, "ep", preset="physical", batch=16, steps=1)

    shared, alone = run(both), run(Placement(np.zeros(7, np.int32)))
    for outcome, expected in ((shared, [2, 1]), (alone, [2, 0])):
        reads = [value for part, name, _, value in outcome.statistics if name == "local_reads"]
        assert [value / (LAYERS * SLICES) for value in reads] == expected and column(outcome, "hops").sum() == 0
        plans.append(column(outcome, "plan_entries").tolist())
    assert plans == [[3, 3], [2, 2]]


class Watching:
    """An allocation that writes down what its views tell of the steps before."""

    def __init__(self, monkeypatch):
        self.seen = []
        cls = registry.policies.find("allocation.home")
        allocate = cls.allocate

        def watched(policy, view):
            pairs = None if view.pairs is None else view.pairs.copy()
            self.seen.append((view.step, view.layer, view.phase, view.popularity.tolist(), pairs))
            return allocate(policy, view)

        monkeypatch.setattr(cls, "allocate", watched)


@pytest.mark.parametrize("pairs", [False, True])
def test_a_view_tells_the_popularity_the_pairs_and_the_phase_of_its_layer(desk, pairs, monkeypatch):
    """Two like requests a trace's one: each row counts twice; nothing of the step at hand is known."""
    watching = Watching(monkeypatch)
    monkeypatch.setattr(registry.policies.find("allocation.home"), "sees_pairs", pairs)
    desk.run(desk.topology(PAIR), desk.trace([[[0, 1], [0, 2]], [[3, 4]], [[0, 1]]]), "ep", batch=2, steps=3)
    assert [s[:3] for s in watching.seen] == [
        (step, layer, "decode" if step else "prefill") for step in range(3) for layer in (1, 2)
    ]
    told = [[0] * 7, [4, 2, 2, 0, 0, 0, 0], [4, 2, 2, 2, 2, 0, 0]]
    assert [s[3] for s in watching.seen] == [t for t in told for _ in range(2)]
    if pairs:
        last = watching.seen[-1][4]
        assert {(a, b): last[a, b] for a, b in zip(*np.nonzero(last), strict=True)} == {
            pair: 2 for a, b in ((0, 1), (0, 2), (3, 4)) for pair in ((a, b), (b, a))
        }
    else:
        assert all(s[4] is None for s in watching.seen)
