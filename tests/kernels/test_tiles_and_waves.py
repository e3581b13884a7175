"""Do tiles, waves and limits add up to the closed forms they stand for?"""

from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipweave.kernel_models.chip import Chip
from chipweave.kernel_models.gemm import CUBLAS_TILES, Gemm, best_of, with_tile
from chipweave.kernel_models.grouped import dram_bytes, grouped_seconds, tiles_of
from chipweave.kernel_models.tiles import Tile, fill_seconds, store_seconds, waves_seconds

CHIP = Chip(
    "round",
    sms=10,
    clock_hz=1e9,
    dram_bytes_per_s=1e12,
    flop_per_clk=4096,
    tensor_clock_hz=1e9,
    l2_bytes_per_clk=1e6,
    port_bytes_per_clk=1e6,
    l2_latency_s=100e-9,
    dram_latency_s=300e-9,
    tma_extra_s=50e-9,
)
TILE = Tile(128, 128)
ONE_TILE = 2 * 128 * 128 * 1024 / 4096 / 1e9  # tensor time of one tile with inner dimension 1024: 8.192 us


def test_one_wave_takes_one_tile():
    assert isclose(waves_seconds(CHIP, TILE, 10, 1024, "bfloat16", True), ONE_TILE + store_seconds(CHIP, TILE))


def test_one_tile_more_than_the_sms_is_a_second_wave():
    assert isclose(waves_seconds(CHIP, TILE, 11, 1024, "bfloat16", True), 2 * ONE_TILE + store_seconds(CHIP, TILE))


def test_waves_without_overlap_pay_each_epilogue_and_what_it_does_not_hide_of_the_next_fill():
    chip = CHIP.with_fit(dram_latency_s=1e-6)
    store = store_seconds(chip, TILE, 10)
    waited = 2 * (fill_seconds(chip) - store)
    assert waited > 0
    assert isclose(waves_seconds(chip, TILE, 30, 1024, "bfloat16", False), 3 * ONE_TILE + 3 * store + waited)


def test_an_epilogue_longer_than_the_next_fill_hides_it():
    chip = CHIP.with_fit(dram_latency_s=0.0, tma_extra_s=10e-9)
    assert isclose(
        waves_seconds(chip, TILE, 30, 1024, "bfloat16", False), 3 * ONE_TILE + 3 * store_seconds(chip, TILE, 10)
    )


def test_stores_of_all_sms_share_what_l2_takes():
    chip = CHIP.with_fit(l2_bytes_per_clk=64.0, shared_bytes_per_clk=1e6)
    size = 128 * 128 * 2
    assert isclose(store_seconds(chip, TILE, active=1), size / 1e15 + size / 64e9 + 100e-9)
    assert isclose(store_seconds(chip, TILE, active=10), size / 1e15 + 10 * size / 64e9 + 100e-9)


def test_bank_conflicts_lengthen_only_the_way_to_shared_memory():
    chip = CHIP.with_fit(shared_bytes_per_clk=32.0)
    assert isclose(store_seconds(chip, TILE, conflicts=8) - store_seconds(chip, TILE), 7 * 128 * 128 * 2 / 32e9)


def test_activations_that_all_sms_read_in_step_leave_l2_once_a_partition():
    assert Tile(64, 16).l2_bytes(64, "bfloat16", active=10) == 10 * (64 + 16) * 128
    assert Tile(64, 16).l2_bytes(64, "bfloat16", active=10, one_row=True) == (2 * 64 + 10 * 16) * 128
    chip = CHIP.with_fit(l2_bytes_per_clk=64.0, flop_per_clk=1e9)
    single, several = (
        grouped_seconds(chip, counts, 160, 1024, "bfloat16", Tile(64, 16), 1.0, False) for counts in ([64], [65])
    )
    end = store_seconds(chip, Tile(64, 16), 10)
    assert isclose(single, fill_seconds(chip) + (2 * 64 + 10 * 16) * 128 * 16 / 64e9 + end)
    assert several > 2 * single


def test_a_slow_port_sets_the_time_of_a_tile():
    chip = CHIP.with_fit(port_bytes_per_clk=32.0)
    bytes_in = (128 + 128) * 1024 * 2
    assert isclose(waves_seconds(chip, TILE, 1, 1024, "bfloat16", True), bytes_in / 32e9 + store_seconds(chip, TILE))


def test_a_pair_takes_the_shared_operand_from_l2_once():
    assert Tile(128, 256, 2, 1).l2_bytes(64, "bfloat16") == (128 + 128) * 128
    assert Tile(128, 256, 1, 2).l2_bytes(64, "bfloat16") == (64 + 256) * 128
    assert Tile(128, 256, 2, 1).port_bytes(64, "bfloat16") == (128 + 256) * 128


def test_few_rows_are_bound_by_reading_the_weights():
    gemm = Gemm(1, 10_000, 10_000)
    memory = ((1 + 10_000) * 10_000 * 2 + 10_000 * 2) / 0.1e12
    assert isclose(with_tile(CHIP, gemm, TILE, 0.1), 350e-9 + memory)


def test_memory_is_never_faster_than_the_die_itself():
    assert CHIP.with_fit(die_memory_bytes_per_s=3e11).memory_bytes_per_s(0.9) == 3e11


def test_fp8_takes_half_the_tensor_time_of_bfloat16():
    assert isclose(TILE.tensor_seconds(CHIP, 1024, "bfloat16"), 2 * TILE.tensor_seconds(CHIP, 1024, "fp8"))


def test_small_grids_split_the_inner_dimension_and_large_ones_do_not():
    chip = CHIP.with_fit(l2_bytes_per_clk=4000.0, port_bytes_per_clk=64.0)
    assert best_of(chip, Gemm(64, 64, 65_536), CUBLAS_TILES, 0.9, 1e-6)[2] > 1
    assert best_of(chip, Gemm(8192, 8192, 1024), CUBLAS_TILES, 0.9, 1e-6)[2] == 1


def test_experts_without_tokens_cost_nothing():
    assert tiles_of([0, 1, 129], 256, TILE) == (0 + 1 + 2) * 2
    assert dram_bytes([0, 1, 129], 256, 512, "fp8") == 2 * 256 * 512 + 130 * (512 + 256 * 2)
    assert grouped_seconds(CHIP, [0, 0], 256, 512, "fp8", TILE, 0.9, True) == 0.0


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(64, 4096), st.sampled_from(CUBLAS_TILES))
def test_no_gemm_beats_the_roofline(m, n, k, tile):
    gemm = Gemm(m, n, k)
    seconds = with_tile(CHIP, gemm, tile, 1.0)
    assert seconds >= gemm.flop / CHIP.flop_per_s("bfloat16")
    assert seconds >= gemm.dram_bytes / CHIP.dram_bytes_per_s


@pytest.mark.parametrize("pair", [Tile(128, 128, 2, 1), Tile(64, 64, 1, 8), Tile(128, 256, 2, 2)])
def test_clusters_are_whole(pair):
    assert pair.covering(1, 1) == pair.over * pair.beside
