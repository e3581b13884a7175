"""Do homes that differ by layer, and copies that are there from the start, act as they are placed?"""

import numpy as np
import pytest
from policy_worlds import entries, mesh, view

from chipweave.errors import BadInput
from chipweave.policies.placement_eplb import replicated
from chipweave.policy import PlacementPolicy, guard, strategy
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


class Fixed(PlacementPolicy):
    """What it is given."""

    def __init__(self, homes, copies=None):
        self.given, self.also, self.foreign, self.kind = homes, copies, True, "fixed"

    def homes(self, layers, experts, dies):
        return self.given

    def copies(self, layers, experts, dies):
        return self.also


def test_each_layer_is_packed_by_its_own_loads(tmp_path):
    np.save(tmp_path / "l.npy", [[9, 7, 3, 1], [1, 3, 7, 9]])
    packed = strategy.build("placement", {"kind": "packed", "loads": str(tmp_path / "l.npy"), "layers": "each"})
    assert packed.homes(2, 4, 2).tolist() == [[0, 1, 1, 0], [0, 1, 1, 0]]
    alike = strategy.build("placement", {"kind": "packed", "loads": str(tmp_path / "l.npy")})
    assert alike.homes(2, 4, 2).tolist() == [[0, 1, 0, 1]] * 2, "of means that are all equal"
    with pytest.raises(BadInput, match="loads of 2 layers; allowed: of the 3 layers of the run"):
        packed.homes(3, 4, 2)


def test_loads_of_prompts_are_others_than_those_of_answers(tmp_path):
    np.savez(tmp_path / "l.npz", loads=[[9, 1, 1, 8]], prompt_loads=[[9, 8, 1, 1]])
    of = {
        who: strategy.build("placement", {"kind": "packed", "loads": str(tmp_path / "l.npz"), "of": who}).place(4, 2)
        for who in ("answers", "prompts")
    }
    assert of["answers"][0] != of["answers"][3] and of["prompts"][0] != of["prompts"][1]


def test_the_expert_with_most_load_a_copy_is_copied_next():
    assert replicated(np.array([12.0, 6, 5, 1]), 3, 4).tolist() == [3, 2, 1, 1], "12, then 6 and 6, then 6 of expert 1"
    assert replicated(np.array([100.0, 1]), 5, 3).tolist() == [3, 3], "at most one copy a die"


def test_eplb_gives_every_die_its_slots_and_no_die_an_expert_twice(tmp_path):
    rng = np.random.default_rng(4)
    np.save(tmp_path / "l.npy", rng.lognormal(0, 1, (3, 32)))
    eplb = strategy.build("placement", {"kind": "eplb", "loads": str(tmp_path / "l.npy"), "extra": 2})
    homes, copies = eplb.homes(3, 32, 8), eplb.copies(3, 32, 8)
    assert copies.sum(axis=(1, 2)).tolist() == [32 + 16] * 3 and copies.sum(axis=1).tolist() == [[6] * 8] * 3
    assert np.take_along_axis(copies, homes[:, :, None], 2).all() and copies.any(axis=2).all()
    load = np.load(tmp_path / "l.npy")
    each = (copies * (load / copies.sum(axis=2))[:, :, None]).sum(axis=1)
    alone = np.stack([np.bincount(np.arange(32) // 4, row, 8) for row in load])
    assert (each.max(axis=1) / each.mean(axis=1) < 1.1).all() and (alone.max(axis=1) / alone.mean(axis=1) > 1.3).any()


def test_pairs_are_kept_apart_where_it_is_told_to(tmp_path):
    pairs = np.zeros((4, 4))
    pairs[1, 2] = pairs[2, 1] = 100
    np.savez(tmp_path / "l.npz", loads=[[5, 4, 3, 2]], pairs=pairs)
    given = {"kind": "eplb", "loads": str(tmp_path / "l.npz"), "extra": 0}
    alone, apart = (strategy.build("placement", {**given, "apart": share}).homes(1, 4, 2)[0] for share in ("0", "1"))
    assert alone[1] == alone[2] and apart[1] != apart[2]


def test_tokens_go_evenly_to_all_dies_that_hold_the_expert():
    holders = np.zeros((3, 4), np.uint8)
    holders[0, 0], holders[1, [1, 2, 3]], holders[2, 3] = 3, (3, 2, 3), 3
    given = strategy.build("allocation", "holders").allocate(view([5, 7, 0], [0, 1, 3], mesh(1, 4), holders))
    assert entries(given) == [(0, 0, 5), (1, 1, 4), (1, 3, 3)], "a die with two of three slices does not count"


def test_placements_by_layer_move_nothing_under_ep_and_copies_spare_what_is_read_from_afar(made, tmp_path):
    loads = loads_of(made, tmp_path)
    packed = run(made, {"kind": "packed", "loads": loads, "layers": "each"})
    assert packed.row["remote_read_bytes"] == packed.row["hops"] == 0
    eplb = run(made, {"kind": "eplb", "loads": loads, "extra": 3}, "holders")
    assert eplb.row["remote_read_bytes"] == eplb.row["hops"] == 0
    assert eplb.row["local_read_bytes"] > packed.row["local_read_bytes"], "each copy that has work is read"
    base, copied = (
        run(made, p, "round_robin").row for p in ("contiguous", {"kind": "eplb", "loads": loads, "extra": 64})
    )
    assert copied["remote_read_bytes"] < base["remote_read_bytes"] * 0.6


def test_copies_from_the_start_take_room_and_are_never_dropped(made, tmp_path):
    loads = loads_of(made, tmp_path)
    with pytest.raises(BadInput, match="does not fit|do not fit|GB|bytes"):
        run(made, {"kind": "eplb", "loads": loads, "extra": 64}, "holders", sets=("cp.capacity=enforced",))
    fits = run(made, {"kind": "eplb", "loads": loads, "extra": 2}, "round_robin", "always", engine="plain", sets=())
    kernel = run(made, {"kind": "eplb", "loads": loads, "extra": 2}, "round_robin", "always")
    times = ("cpu_s", "wall_s", "peak_rss_bytes")
    assert {k: v for k, v in fits.row.items() if k not in times} == {
        k: v for k, v in kernel.row.items() if k not in times
    }


@pytest.mark.parametrize(
    "homes, copies, words",
    [
        ([[0, 1]], None, r"homes: returns an array|homes: returns list|whole numbers \[2, 2\]"),
        ([[0, 1], [4, 0]], None, "names die 4; allowed: 0 to 2|names die 4"),
        ([[0, 1], [1, 0]], np.zeros((2, 2, 3)), r"booleans \[2, 2, 3\]"),
        ([[0, 1], [1, 0]], np.zeros((2, 2, 2), bool), r"booleans \[2, 2, 3\]"),
    ],
)
def test_a_placement_by_layer_of_another_shape_is_refused(homes, copies, words):
    with pytest.raises(BadInput, match=words):
        guard.homes_of(Fixed(np.array(homes), copies), 2, 2, 3)


def test_copies_on_a_die_without_memory_are_refused_and_the_home_is_no_copy():
    copies = np.ones((1, 2, 3), bool)
    homes, found = guard.homes_of(Fixed(np.array([[0, 1]]), copies), 1, 2, 3)
    assert found.tolist() == [[[False, True, True], [True, False, True]]]
    with pytest.raises(BadInput, match="experts on die 2, which has no memory"):
        guard.homes_of(Fixed(np.array([[0, 1]]), copies), 1, 2, 3, able=[0, 1])
