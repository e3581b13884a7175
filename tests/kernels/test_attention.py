"""Attention kernels: does a call cost what its tiles, blocks and bytes cost?"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chipweave.errors import BadInput
from chipweave.kernel_models import attention
from chipweave.kernel_models.attention import Attention, AttentionKernel, seconds
from chipweave.kernel_models.chip import Chip
from chipweave.serving import library

CHIP = Chip("die", sms=4, clock_hz=1e9, dram_bytes_per_s=1e12, l2_bytes=3 << 20, flop_per_clk=1024, tensor_clock_hz=1e9)
PLAIN = AttentionKernel(rows=64, columns=64)


def time(call, kernel=PLAIN):
    return seconds(CHIP, 0.0, 1.0, call, kernel)


def test_a_block_costs_its_products_and_its_exponentials():
    short, long = (Attention("decode", 1, n, 1, 1, 64, 64) for n in (64, 128))
    products, exponentials = 2 * 64 * 64 * 128 / (1024 * 1e9), 64 * 64 / (16 * 1e9)
    assert time(long) - time(short) == pytest.approx(products + exponentials)


def test_softmax_beside_the_products_shows_only_where_it_is_longer():
    short, long = (Attention("decode", 1, n, 1, 1, 64, 64) for n in (64, 128))
    beside = replace(PLAIN, overlapped=True)
    assert time(long, beside) - time(short, beside) == pytest.approx(2 * 64 * 64 * 128 / (1024 * 1e9))


def test_one_sequence_more_than_there_are_sms_costs_a_second_wave():
    four, five = (Attention("decode", n, 64, 1, 1, 64, 64) for n in (4, 5))
    assert time(five) > 1.9 * time(four)


def test_a_causal_prefill_walks_the_lower_triangle():
    blocks = attention._makespan((1, 2, 3, 4), 1, 1, 0.0, 1.0, "longest")
    assert blocks == 10


def test_longest_tiles_first_end_no_later_than_in_turn():
    tiles = tuple(range(1, 33))
    assert attention._makespan(tiles, 1, 5, 0.5, 1.0, "longest") <= attention._makespan(tiles, 1, 5, 0.5, 1.0, "turn")


def test_a_chunk_of_a_prefill_costs_less_than_the_whole_and_more_than_a_prompt_of_its_length():
    whole = time(Attention("prefill", 1, 2048, 8, 1, 64, 64))
    chunk = time(Attention("prefill", 1, 2048, 8, 1, 64, 64, new=1024))
    alone = time(Attention("prefill", 1, 1024, 8, 1, 64, 64))
    assert alone < chunk < whole


def test_fa3_shares_one_long_context_between_all_sms_and_no_context_of_a_full_batch():
    kernel = AttentionKernel(64, 128, splits="fa3_dynamic")
    assert attention._fa3_dynamic(1, 1024, 132, kernel) == 114  # nine blocks each: 1024 * 1.1 / 132, rounded up
    assert attention._fa3_dynamic(132, 32, 132, kernel) == 1


def test_a_cast_of_the_cache_costs_by_cached_values_not_by_heads():
    cast = replace(PLAIN, cast_cycles=40)
    for heads in (16, 64):
        call = Attention("decode", 2, 4096, heads, 1, 576, 512, True, 1)
        assert time(call, cast) - time(call) == pytest.approx(40 * 2 * 4096 * 576 / (4 * 64 * 1e9))


@given(st.integers(1, 64), st.integers(1, 4096), st.sampled_from([1, 2, 4, 8]))
def test_more_sequences_never_cost_less(batch, context, heads):
    one, more = (Attention("decode", b, context, heads, 1, 64, 64) for b in (batch, batch + 1))
    assert time(more) >= time(one) * (1 - 1e-12)


@given(st.sampled_from(sorted(library.attention_table()[0])), st.integers(1, 1 << 15))
def test_no_kernel_beats_the_bytes_of_its_cache(name, context):
    framework, form, phase, kv = name.split("-")
    kernel = library.attention_kernel(framework, form, phase, kv)
    call = Attention("decode", 4, context, 16, 1, 576, 512, True, 1 if kv == "fp8" else 2)
    if phase == "decode":
        assert time(call, kernel) >= call.kv_bytes_all / CHIP.l2_bytes_per_s


def test_a_table_with_a_wrong_key_or_rule_is_refused_with_all_its_places(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("kernels:\n  a: {rows: 64, columns: 64, split: fill}\n  b: {rows: six, columns: 64, splits: fil}\n")
    with pytest.raises(BadInput) as caught:
        library.attention_table(str(file))
    text = str(caught.value)
    assert "split" in text and "nearest: splits" in text and "b.rows" in text and "nearest: fill" in text
    assert text.count("mine.yaml:") == 3


def test_an_unknown_framework_names_those_there_are():
    with pytest.raises(BadInput, match="vllm-gqa-decode-fp8"):
        library.attention_kernel("vlm", "gqa", "decode", "fp8")
