"""Do homes that differ by layer, and copies that are there from the start, act as they are placed?"""

import numpy as np
import pytest
from policy_worlds import entries, mesh, view

from chipweave.errors import BadInput
from chipweave.policies.placement_eplb import replicated
from chipweave.policy import PlacementView, strategy
from chipweave.run import simulate
from chipweave.run.spec import RunSpec
from chipweave.trace import library, models

LLAMA = models.load("llama4-maverick")


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.setenv("CHIPWEAVE_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "made.parquet"
    library.write_generated(path, LLAMA, 64, 4, 1)
    return path


def loads_of(path, folder):
    from chipweave.study.analysis import loads_of

    np.savez(folder / "loads.npz", **loads_of(library.open_trace(path)))
    return str(folder / "loads.npz")


def run(made, placement, allocation="home", prediction="none", **more):
    policies = {"placement": placement, "allocation": allocation, "prediction": prediction, "replacement": "unbounded"}
    written = tuple((role, p if isinstance(p, str) else tuple(p.items())) for role, p in policies.items())
    spec = RunSpec(preset="artifact", model=LLAMA.name, trace=str(made), strategy=written, batch=64, steps=4, **more)
    return simulate.simulate(spec)


def test_the_expert_with_most_load_a_copy_is_copied_next():
    assert replicated(np.array([12.0, 6, 5, 1]), 3, 4).tolist() == [3, 2, 1, 1], "12, then 6 and 6, then 6 of expert 1"
    assert replicated(np.array([100.0, 1]), 5, 3).tolist() == [3, 3], "at most one copy a die"


def test_tokens_go_evenly_to_all_dies_that_hold_the_expert():
    holders = np.zeros((3, 4), np.uint8)
    holders[0, 0], holders[1, [1, 2, 3]], holders[2, 3] = 3, (3, 2, 3), 3
    given = strategy.build("allocation", "holders").allocate(view([5, 7, 0], [0, 1, 3], mesh(1, 4), holders))
    assert entries(given) == [(0, 0, 5), (1, 1, 4), (1, 3, 3)], "a die with two of three slices does not count"


def decided(policy, layers, experts, dies):
    flop = np.ones(dies)
    seen = np.zeros((layers, experts), np.int64)
    view = PlacementView(tuple(range(layers)), experts, flop, np.full(dies, 1 << 40), 1, 0, "start", seen)
    placed = policy.decide(view)
    holds = np.zeros((layers, experts, dies), int)
    np.put_along_axis(holds, placed.home[:, :, None].astype(int), 1, axis=2)
    np.add.at(holds, tuple(placed.replicas.T), 1)
    return placed.home, holds


def test_eplb_gives_every_die_its_slots_and_no_die_an_expert_twice(tmp_path):
    load = np.random.default_rng(4).lognormal(0, 1, (3, 32))
    np.savez(tmp_path / "l.npz", loads=load)
    eplb = strategy.build("placement", {"kind": "eplb", "loads": str(tmp_path / "l.npz"), "extra": 2})
    _, holds = decided(eplb, 3, 32, 8)
    assert holds.max() == 1 and holds.sum(axis=1).tolist() == [[6] * 8] * 3 and holds.any(axis=2).all()
    each = (holds * (load / holds.sum(axis=2))[:, :, None]).sum(axis=1)
    alone = np.stack([np.bincount(np.arange(32) // 4, row, 8) for row in load])
    assert (each.max(axis=1) / each.mean(axis=1) < 1.1).all() and (alone.max(axis=1) / alone.mean(axis=1) > 1.3).any()
    with pytest.raises(BadInput, match=r"loads of shape \(3, 32\); allowed: \[2, 32\]"):
        decided(eplb, 2, 32, 8)


def test_pairs_are_kept_apart_where_it_is_told_to(tmp_path):
    pairs = np.zeros((4, 4))
    pairs[1, 2] = pairs[2, 1] = 100
    np.savez(tmp_path / "l.npz", loads=[[5, 4, 3, 2]], pairs=pairs)
    given = {"kind": "eplb", "loads": str(tmp_path / "l.npz"), "extra": 0}
    alone, apart = (
        decided(strategy.build("placement", {**given, "apart": share}), 1, 4, 2)[0][0] for share in ("0", "1")
    )
    assert alone[1] == alone[2] and apart[1] != apart[2]


@pytest.mark.slow
def test_copies_that_are_there_from_the_start_are_read_at_home(made, tmp_path):
    loads = loads_of(made, tmp_path)
    eplb = run(made, {"kind": "eplb", "loads": loads, "of": "prompts", "extra": 3}, "holders")
    assert eplb.row["remote_read_bytes"] == eplb.row["hops"] == 0
    base = run(made, "contiguous", "round_robin").row
    copied = run(made, {"kind": "eplb", "loads": loads, "extra": 64}, "round_robin").row
    assert copied["remote_read_bytes"] < base["remote_read_bytes"] * 0.6


@pytest.mark.slow
def test_an_allocation_sees_which_die_each_die_reads_from(made, tmp_path, monkeypatch):
    seen = []
    policy = type(strategy.build("allocation", {"kind": "placement_aware"}))
    plan = policy.allocate

    def allocate(self, view):
        seen.append((view.home, view.holders, view.sources, view.distance))
        return plan(self, view)

    monkeypatch.setattr(policy, "allocate", allocate)
    run(made, {"kind": "eplb", "loads": loads_of(made, tmp_path), "extra": 2}, "placement_aware")
    for home, holders, sources, distance in seen:
        expert, die = np.nonzero(holders)
        assert (sources[expert, die] == die).all()
        nearest = np.where(holders[:, None, :] > 0, distance[None], 99).min(axis=2)
        assert (distance[np.arange(25)[None], sources] == nearest).all()
        assert (holders > 0).sum() > len(home)
    assert len(seen) == 4 * 24
    seen.clear()
    run(made, "contiguous", "placement_aware")
    assert {id(sources) for _, _, sources, _ in seen} == {id(None)}
