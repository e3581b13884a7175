"""The SM cluster of the utilisation table: how long a GEMM of n tokens takes, at each end of each row."""

from fractions import Fraction
from math import ceil

import pytest
from dies_by_hand import GEMM, LOOKUP, NS, Played

FLOP = 2 * 4096 * 1536  # of one slice and token
OWN_EFFICIENCY = 3_350 * 10**9 * Fraction(9, 10)


@pytest.fixture(params=["sm.utilisation_table", "sm.utilisation_table_plain"])
def kind(request):
    return f"die.sm.kind={request.param}"


def read_ns(tokens):
    return 300 + ceil((12_582_912 + tokens * (4096 + 1536) * 2) * 10**9 / OWN_EFFICIENCY)


@pytest.mark.parametrize(
    "tokens, share",
    [
        (1, "0.70"),
        (128, "0.70"),
        (129, "0.60"),
        (256, "0.60"),
        (257, "0.70"),
        (1024, "0.70"),
        (1025, "0.69"),
        (4096, "0.71"),
        (4097, "0.70"),
        (100_000, "0.70"),
    ],
)
def test_each_row_of_the_table_holds_up_to_its_last_token(kind, tokens, share):
    gemm_ns = ceil(Fraction(tokens * FLOP * 10**9, 10**15) / Fraction(share))
    store_ns = 30  # into the LLC, beside the GEMM: longer than the GEMM of one token
    assert Played([(0, 0, 0)], dies=1, tokens=tokens, sets=[kind]).times == [
        LOOKUP + (read_ns(tokens) + max(gemm_ns, store_ns)) * NS
    ]


def test_rounding_and_peak_are_parameters(kind):
    """100 x 12,582,912 flop at 989 TFLOPS x 0.7: 1,817.552 ns."""
    fine = ceil(Fraction(100 * FLOP * 10**12, 989 * 10**12) / Fraction(7, 10))
    assert fine == 1_817_552
    sets = [kind, "die.sm.peak=989 TFLOPS", "die.sm.round_to=1 ps"]
    assert Played([(0, 0, 0)], dies=1, sets=sets).times == [LOOKUP + read_ns(100) * NS + fine]


def test_one_gemm_at_a_time_and_none_before_its_weights_are_there(kind):
    """With a peak so low that GEMMs decide: three of 17,976 ns behind the first read."""
    sets = [kind, "die.sm.peak=100 TFLOPS"]
    gemm = ceil(Fraction(100 * FLOP * 10**9, 10**14) / Fraction(7, 10)) * NS
    assert Played([(0, 0, 0), (1, 0, 0), (2, 0, 0)], dies=1, sets=sets).times == [LOOKUP + read_ns(100) * NS + 3 * gemm]


def test_two_dies_compute_at_once(kind):
    """Both read their own HBM; the layer lasts as long as one of them."""
    assert Played([(0, 0, 0), (1, 1, 1)], sets=[kind]).times == [LOOKUP + read_ns(100) * NS + GEMM]
