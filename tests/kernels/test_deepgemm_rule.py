"""Does the restated rule of DeepGEMM choose as its source says?"""

from chipweave.kernels.deepgemm import choose
from chipweave.kernels.tiles import Tile


def test_fewest_waves_then_the_fullest_last_wave():
    assert choose(132, 64, 2112, release="2025-02") == Tile(64, 16)  # 132 tiles: one full wave


def test_many_rows_pair_from_the_release_s_threshold_on():
    assert choose(132, 4096, 7168, release="2025-02") == Tile(128, 128, 1, 2)
    assert choose(132, 1024, 4096, kind="masked").beside == 2
    assert choose(132, 512, 4096, groups=2, kind="masked", release="2025-02") == Tile(128, 128)


def test_contiguous_groups_keep_to_aligned_rows():
    assert choose(132, 32768, 4096, kind="contiguous").rows == 128


def test_two_wide_sides_are_never_combined():
    tiles = [choose(132, m, n) for m in (64, 256, 1024, 8192) for n in (512, 4096, 32768)]
    assert all(t.rows <= 128 or t.columns <= 128 for t in tiles)
