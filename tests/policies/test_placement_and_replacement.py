"""Where do weights live, and how many copies fit beside them?"""

import numpy as np
import pytest

from chipweave.errors import BadInput
from chipweave.policy import CopyRoom, strategy

GIB = 2**30


def place(spec, experts, dies):
    return strategy.build("placement", spec).place(experts, dies).tolist()


def test_contiguous_fills_dies_in_turn_and_deals_out_the_rest():
    assert place("contiguous", 7, 3) == [0, 0, 1, 1, 2, 2, 6 % 3]
    qwen = place("contiguous", 128, 24)
    assert qwen[:6] == [0, 0, 0, 0, 0, 1] and qwen[115:120] == [23] * 5 and qwen[120:] == list(range(8))
    assert place("contiguous", 2, 5) == [0, 1], "fewer experts than dies"


def test_a_file_places_each_expert(tmp_path):
    path = tmp_path / "map.csv"
    path.write_text("expert,die\n1,0\n0,2\n\n2,2\n")
    assert place({"kind": "from_file", "path": str(path)}, 3, 3) == [2, 0, 2]


@pytest.mark.parametrize(
    "text, fault",
    [
        ("expert,die\n0,1\n0,1\n", ":3: expert 0 is placed twice"),
        ("expert,die\n0,9\n", ":2: die 9 does not exist; allowed: 0 .. 2"),
        ("expert,die\n7,0\n", ":2: expert 7 does not exist; allowed: 0 .. 1"),
        ("die,expert\n0,0\n1,0\n", ":3: expert 0 is placed twice"),
        ("expert,die\n0,1\n", "1 experts have no die, the first is expert 1"),
        ("expert,die\n0;1\n", ":2: fewer cells than columns"),
        ("", ":1: columns missing: expert, die"),
    ],
)
def test_a_faulty_file_is_named_with_its_line(tmp_path, text, fault):
    path = tmp_path / "map.csv"
    path.write_text(text)
    with pytest.raises(BadInput) as error:
        place({"kind": "from_file", "path": str(path)}, 2, 3)
    assert fault in str(error.value)


def test_a_missing_file_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match="none.csv: cannot be read"):
        place({"kind": "from_file", "path": str(tmp_path / "none.csv")}, 2, 3)


# ---- copies ----------------------------------------------------------------------------------------------------------

ROOM = CopyRoom(
    29_360_128, np.array([80 * 10**9] * 2), np.array([52_848_230_400, 81 * 10**9])
)  # DeepSeek, ten experts; too much


def store(spec):
    return strategy.build("replacement", spec).store(ROOM)


def test_unbounded_has_no_capacity():
    assert store("unbounded").capacity is None and store("unbounded").order == "none"


@pytest.mark.parametrize(
    "spec, slices", [({"capacity": "50 GiB"}, 1828), ({"slices": 7}, 7), ({"capacity": "1 MiB"}, 0)]
)
def test_lru_holds_whole_slices(spec, slices):
    made = store({"kind": "lru", **spec})
    assert (made.capacity.tolist(), made.order, made.refresh_on_read) == ([slices] * 2, "lru", True)


@pytest.mark.parametrize("spec", [{}, {"capacity": "1 GiB", "slices": 3}])
def test_lru_takes_bytes_or_slices(spec):
    with pytest.raises(BadInput, match="either `capacity`.* or `slices`"):
        store({"kind": "lru", **spec})


def test_free_hbm_is_a_share_less_the_home_weights():
    """0.9 x 80 GB - 52.85 GB = 19.15 GB = 652 slices of 29.36 MB; a die that overflows has no room."""
    assert store("lru_free_hbm").capacity.tolist() == [652, 0]


def test_dies_of_equal_hbm_may_keep_as_much_as_the_fullest():
    """Free: 90 - 40, 90 - 60, 180 - 20 of slices of 10: the third die has other memory and keeps its own room."""
    room = CopyRoom(10, np.array([100, 100, 200]), np.array([40, 60, 20]))
    made = {how: strategy.build("replacement", {"kind": "lru_free_hbm", "rooms": how}) for how in ("own", "smallest")}
    assert made["own"].store(room).capacity.tolist() == [5, 3, 16]
    assert made["smallest"].store(room).capacity.tolist() == [3, 3, 16]


def test_a_placement_is_looked_for_beside_the_strategy_that_names_it(tmp_path, monkeypatch):
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "homes.csv").write_text("expert,die\n0,1\n1,0\n")
    (tmp_path / "lab" / "mine.yaml").write_text(
        "placement: {kind: from_file, path: homes.csv}\nallocation: home\nprediction: none\nreplacement: unbounded\n"
    )
    monkeypatch.chdir(tmp_path)
    assert strategy.load("lab/mine.yaml").placement.place(2, 2).tolist() == [1, 0]
