"""Do the study's policies decide as their files say?"""

import numpy as np
import pytest
from policy_worlds import mesh, view

from chipweave.errors import BadInput
from chipweave.policy import strategy
from chipweave.policy.view import Plan
from chipweave.trace import library, models

HOME = np.zeros(6, np.int32)
DISTANCE = mesh(1, 2)


def built(role, **spec):
    return strategy.build(role, {key: str(value) for key, value in spec.items()})


def plan(*entries):
    return Plan(*(np.array(column, np.int32) for column in zip(*entries, strict=True)))


def kept(policy, seen, given):
    """{expert} kept on die 1."""
    return set(np.flatnonzero(policy.predict(seen, given)[1]).tolist())


def test_in_turn_deals_neighbours_apart():
    assert built("placement", kind="in_turn").place(7, 3).tolist() == [0, 1, 2, 0, 1, 2, 0]


def test_packed_puts_the_next_heaviest_where_there_is_least(tmp_path):
    np.save(tmp_path / "l.npy", [[9, 7, 3, 2.5, 1, 0.5]] * 2)
    packed = built("placement", kind="packed", loads=tmp_path / "l.npy")
    assert packed.place(6, 2).tolist() == [0, 1, 1, 0, 1, 0], "9 | 7 3 | 2.5 to the 9 | 1 to the 10 | full: the other"


def test_packed_keeps_pairs_apart_where_it_is_told_to(tmp_path):
    pairs = np.zeros((4, 4))
    pairs[1, 2] = pairs[2, 1] = 100
    np.savez(tmp_path / "l.npz", loads=[[5, 4, 3, 2]], pairs=pairs)
    alone = built("placement", kind="packed", loads=tmp_path / "l.npz").place(4, 2)
    apart = built("placement", kind="packed", loads=tmp_path / "l.npz", apart=1).place(4, 2)
    assert alone[1] == alone[2] and apart[1] != apart[2]
    with pytest.raises(BadInput, match=r"l.npz: loads of shape \(1, 4\); allowed: \[layers, 5\]"):
        built("placement", kind="packed", loads=tmp_path / "l.npz").place(5, 2)


@pytest.mark.parametrize(
    "content, words",
    [
        ({"loads": np.zeros((0, 4))}, r"loads of shape \(0, 4\)"),
        ({"loads": [[1, 2, -3, 4]]}, "loads of shape"),
        ({"loads": [[5, 4, 3, 2]], "pairs": np.zeros((3, 3))}, r"pairs of shape \(3, 3\); allowed: \[4, 4\]"),
        ({"loads": [[5, 4, 3, 2]], "pairs": np.full((4, 4), np.nan)}, r"pairs of shape \(4, 4\)"),
        (b"PK\x03\x04 cut short", "cannot be read"),
        ({"loads": np.zeros(4, [("a", "i4"), ("b", "i4")])}, "cannot be read"),
        ({"loads": [[5, 4, 3, 2]]}, "no array 'pairs'; allowed: what `chipweave trace loads` writes"),
        ({"pairs": np.zeros((4, 4))}, "no array 'loads'"),
    ],
)
@pytest.mark.parametrize("kind", ["packed", "eplb"])
def test_a_file_that_holds_no_loads_is_refused(tmp_path, kind, content, words):
    path = tmp_path / "l.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.savez(path, **content)
    with pytest.raises(BadInput, match=words):
        counted(built("placement", kind=kind, loads=path, apart=1), 4)


@pytest.mark.parametrize("kind", ["packed", "eplb"])
def test_a_file_of_loads_that_is_damaged_inside_is_refused(tmp_path, kind):
    path = tmp_path / "l.npz"
    np.savez_compressed(path, loads=np.random.default_rng(1).random((1, 400)))
    data = bytearray(path.read_bytes())
    data[100:1000] = bytes(900)
    path.write_bytes(data)
    with pytest.raises(BadInput, match="l.npz: loads that cannot be read"):
        counted(built("placement", kind=kind, loads=path), 400)


def counted(placement, experts):
    """What a placement reads of its file, for one layer."""
    return placement.counted(*([1] if placement.kind == "placement.eplb" else []), experts)


def test_markov_keeps_what_the_counts_of_now_lead_to():
    """0 is followed by 3, 1 by 4; ten tokens chose 0 and one chose 1: 3 is expected most."""
    markov = built("prediction", kind="markov", top_n=1)
    now = np.array([[0], [1]], np.uint8)
    after = np.array([[3], [4]], np.uint8)
    markov.predict(view([1, 1, 0, 0, 0, 0], HOME, DISTANCE, ids=after, previous_ids=now), plan((3, 1, 1)))
    seen = view([10, 1, 0, 0, 0, 0], HOME, DISTANCE, step=2)
    assert kept(markov, seen, plan((3, 1, 10))) == {3}


def test_recent_keeps_on_the_second_touch_and_forgets():
    recent = built("prediction", kind="recent", steps=2)
    steps = [
        kept(recent, view([1] * 6, HOME, DISTANCE, step=s), plan((2, 1, 1)) if s < 3 else plan((5, 1, 1)))
        for s in range(1, 7)
    ]
    assert steps == [set(), {2}, {2}, {2, 5}, {5}, {5}]


def test_from_prefill_learns_from_prompts_alone():
    policy = built("prediction", kind="from_prefill", top_n=1)
    assert kept(policy, view([1, 9, 1, 0, 0, 0], HOME, DISTANCE, step=0, prefill=True), plan((1, 1, 9))) == set()
    for step in (1, 2):
        assert kept(policy, view([0, 0, 50, 0, 0, 0], HOME, DISTANCE, step=step), plan((2, 1, 50))) == {1}


@pytest.mark.slow
def test_the_oracle_keeps_what_the_next_step_chooses(tmp_path, monkeypatch):
    monkeypatch.setenv("CHIPWEAVE_CACHE", str(tmp_path))
    model = models.load("deepseek-v2-lite")
    library.write_generated(tmp_path / "t.parquet", model, 2, 4, 1)
    trace = library.open_trace(tmp_path / "t.parquet")
    oracle = built("prediction", kind="oracle", trace=tmp_path / "t.parquet")
    home = np.zeros(64, np.int32)
    seen = view([1] * 64, home, DISTANCE, layer=5, step=1)
    assert kept(oracle, seen, plan((0, 1, 1))) == set(np.unique(trace.read(2)[trace.layers.index(5)]).tolist())
    assert kept(oracle, view([1] * 64, home, DISTANCE, layer=5, step=3), plan((0, 1, 1))) == set()
    with pytest.raises(BadInput, match=r"t.parquet has no layer 60; allowed: layers 1, 2"):
        kept(oracle, view([1] * 64, home, DISTANCE, layer=60, step=1), plan((0, 1, 1)))
