"""Does the restated rule of DeepGEMM choose as its source says?"""

import pytest

from chipweave.kernel_models.deepgemm import RELEASES, choose, choose_swapping, store_conflicts
from chipweave.kernel_models.tiles import Tile
from chipweave.validation.cases.deepgemm import measured_with


def test_fewest_waves_then_the_fullest_last_wave():
    assert choose(132, 64, 2112, release="2025-02") == Tile(64, 16)  # 132 tiles: one full wave


def test_ties_go_to_the_wider_tile_in_february_and_to_the_narrower_one_of_a_height_later():
    assert [choose(132, 64, 64, release=r).columns for r in RELEASES] == [
        16
    ] * 4  # four tiles: the fullest wave, no tie
    assert [choose(64, 64, 16, release=r) for r in ("2025-02", "2025-03")] == [
        Tile(64, 128),
        Tile(64, 16),
    ]  # one tile of any width


def test_many_rows_pair_from_the_release_s_threshold_on():
    assert choose(132, 4096, 7168, release="2025-02") == Tile(128, 128, 1, 2)
    assert choose(132, 1024, 4096, kind="masked").beside == 2
    assert choose(132, 512, 4096, groups=2, kind="masked", release="2025-02") == Tile(128, 128)


def test_only_dense_shapes_share_weights_between_rows_since_april():
    assert choose(132, 32768, 4096, kind="contiguous", release="2025-03") == Tile(128, 160, 2, 1)
    assert choose(132, 32768, 4096, kind="contiguous") == Tile(128, 160)


def test_the_copy_of_tensorrt_llm_swaps_operands_below_32_rows_and_fits_the_tile_to_the_mean_load():
    assert [choose_swapping(132, rows, 4096, 32) for rows in (1, 16, 17, 31)] == [
        Tile(16, 128),
        Tile(16, 128),
        Tile(24, 128),
        Tile(32, 128),
    ]
    assert [choose_swapping(132, rows, 4096, 32).rows for rows in (32, 64, 65)] == [64, 64, 128]


def test_contiguous_groups_keep_to_aligned_rows():
    assert all(choose(132, 32768, 4096, kind="contiguous", release=r).rows == 128 for r in RELEASES)


def test_two_wide_sides_are_never_combined():
    tiles = [choose(132, m, n) for m in (64, 256, 1024, 8192) for n in (512, 4096, 32768)]
    assert all(t.rows <= 128 or t.columns <= 128 for t in tiles)


@pytest.mark.parametrize(
    "columns, passes", [(128, 8), (64, 8), (32, 4), (112, 2), (16, 2), (120, 1), (56, 1), (160, 4)]
)
def test_rows_a_bank_row_apart_meet_in_the_same_banks_until_they_are_padded(columns, passes):
    assert store_conflicts(columns, "2025-02") == store_conflicts(columns, "2025-03") == passes
    assert store_conflicts(columns, "2025-04") == 1


def test_the_table_of_april_keeps_what_was_not_timed_again():
    few = [("dense", 64, 7168), ("dense", 128, 7168), ("masked", 256, 7168)]
    many = [("dense", 4096, 2112), ("dense", 4096, 7168), ("contiguous", 8192, 7168)]
    assert [measured_with("2025-04", kind, m, n, 2048) for kind, m, n in few] == ["2025-02"] * 3
    assert [measured_with("2025-04", kind, m, n, 2048) for kind, m, n in many] == ["2025-04", "2025-03", "2025-03"]
    assert measured_with("2025-02", "dense", 4096, 7168, 2048) == "2025-02"
