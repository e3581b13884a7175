"""Fused MoE layers: does a layer cost what its busiest experts, its helpers and its launches cost?"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipweave.errors import BadInput
from chipweave.kernel_models import loads
from chipweave.kernel_models.chip import Chip
from chipweave.kernel_models.fused_moe import Machine, MoeLayer, seconds
from chipweave.serving import library

CHIP = Chip("die", sms=132, clock_hz=1.755e9, dram_bytes_per_s=3e12, flop_per_clk=3645, l2_bytes_per_clk=3942)
MACHINE = Machine(CHIP, 2.8e12, 2.4e12)
LAYER = MoeLayer(64, 8, 4096, 1536, 128, "bfloat16")
STACK = library.moe_stacks()["trtllm-cutlass"]


def time(counts, layer=LAYER, stack=STACK):
    return seconds(MACHINE, layer, np.asarray(counts), stack)


def test_a_launch_costs_once_per_kernel():
    more = replace(STACK, kernel_s=1e-6)
    assert time([4] * 16, stack=more) - time([4] * 16) == pytest.approx(STACK.kernels * 1e-6)


def test_weights_of_an_expert_without_tokens_are_not_read():
    half, all_ = time([4] * 8 + [0] * 8), time([2] * 16)
    assert all_ - half == pytest.approx(8 * 3 * 4096 * 1536 * 2 / 2.8e12, rel=0.05)


def test_one_hot_expert_costs_more_than_the_same_tokens_spread_once_products_decide():
    assert time([8192] + [1] * 15) > time([8192 // 16 + 1] * 16)


def test_helpers_that_touch_all_slots_cost_the_same_however_few_experts_are_here():
    stack = replace(library.moe_stacks()["vllm-triton"], kernel_s=0.0)
    many = replace(LAYER, tokens=16384)
    assert time([1024], many, stack) > 0.5 * time([1024] * 16, many, stack)


@given(st.integers(1, 300), st.sampled_from([1, 2, 4, 8]), st.integers(0, 99))
def test_experts_dealt_column_by_column_give_every_token_distinct_ones(tokens, top_k, seed):
    counts = loads.power_law(tokens, 32, top_k, 1.2, np.random.default_rng(seed))
    chosen, lengths = loads.assigned(counts, top_k)
    assert lengths.sum() == tokens
    assert all(len(set(row)) == top_k for row in chosen.tolist())
    again = np.bincount(chosen.ravel(), weights=np.repeat(lengths, top_k), minlength=32)
    assert again.tolist() == counts.tolist()


@given(st.integers(1, 300), st.integers(0, 99))
def test_a_group_limited_gate_keeps_every_token_in_its_groups(tokens, seed):
    counts = loads.power_law(tokens, 64, 8, 1.2, np.random.default_rng(seed))
    kept = loads.behind_groups(counts, 8, 8, 4)
    assert kept.sum() == tokens * 8
    assert kept.max() <= tokens


def test_balanced_counts_behind_groups_are_those_of_the_closed_form():
    for tokens in (1, 16, 100, 4096):
        even = loads.balanced(tokens, 256, 8)
        assert loads.group_limited(tokens, 256, 8, 8, 4).sum() == even.sum()


def test_an_unknown_stack_names_those_there_are():
    with pytest.raises(BadInput, match="nearest: sglang-triton"):
        library.moe_stack("sglang-trition")


def test_a_tile_tuned_for_an_even_load_is_never_faster_than_the_best_for_the_load():
    free = replace(STACK, tuned_even=False)
    for counts in ([4] * 16, [400] + [1] * 15, [64] * 4 + [0] * 12):
        assert time(counts, stack=STACK) >= time(counts, stack=free)


BLOCKS = MoeLayer(512, 8, 4096, 1536, 128, "fp8_block")


def test_an_expert_with_more_rows_than_the_tile_of_the_mean_load_reads_its_weights_again():
    free, loads_ = replace(STACK, cast_warps=0), ([32] * 16, [17] * 15 + [257])
    even, hot = (time(counts, BLOCKS, free) for counts in loads_)
    narrow = replace(BLOCKS, tokens=256)  # 16 rows a mean expert: operands swapped, tiles of 16 rows
    even_narrow, hot_narrow = (time(counts, narrow, free) for counts in ([16] * 16, [1] * 15 + [241]))
    assert hot / even < 1.15
    assert hot_narrow / even_narrow > 1.25


def test_a_warp_quantises_one_block_of_values_after_another():
    free = replace(STACK, cast_warps=0, cast_cycles=0.0)
    cast = [time([rows] * 16, BLOCKS) - time([rows] * 16, BLOCKS, free) for rows in (33, 66, 132)]
    waves = [-(-rows * 16 * 4096 // 128 // 1056) + -(-rows * 16 * 1536 // 128 // 1056) for rows in (33, 66, 132)]
    assert cast[1] / cast[0] == pytest.approx(waves[1] / waves[0], rel=0.1)
    assert cast[2] / cast[1] == pytest.approx(waves[2] / waves[1], rel=0.1)


def test_a_table_of_stacks_with_tiles_that_do_not_exist_is_refused(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("stacks:\n  a: {tiles: cutlas, all_slots: true, kernels: 5}\n")
    with pytest.raises(BadInput, match="a.tiles cannot be 'cutlas'.*nearest: cutlass"):
        library.moe_stacks(str(file))
