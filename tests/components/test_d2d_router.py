"""The D2D router: which way a read goes, and what its messages cost to the picosecond."""

from fractions import Fraction
from math import ceil

import pytest
from dies_by_hand import DATA, GEMM, LOCAL, LOOKUP, NS, REMOTE, REQUEST, Played

RATE = 1_741 * 10**9 * Fraction(9, 10)  # bytes/s that a long message reaches
SLICE = 12_582_912


@pytest.fixture(params=["d2d.router", "d2d.router_plain"])
def kind(request):
    return f"die.d2d.kind={request.param}"


def test_home_here_never_crosses_the_mesh(kind):
    played = Played([(0, 0, 0), (1, 1, 1)], sets=[kind])
    assert played.times == [LOOKUP + LOCAL + GEMM] and played.counted("hops") == 0


@pytest.mark.parametrize("hops", [1, 2, 4])
def test_a_remote_read_pays_each_hop_on_both_ways(kind, hops):
    played = Played([(1, hops, 0)], dies=5, sets=[kind])
    assert played.times == [LOOKUP + REQUEST + REMOTE + DATA + GEMM + 2 * (hops - 1) * 200 * NS]
    assert played.counted("hops") == played.statistic("die[0][0].d2d", "request_hops") == hops


def test_messages_are_bytes_at_the_links_sustained_rate_rounded_up(kind):
    """16 B take 10.2 ps: 11; a slice 8,030,449 ps; whole nanoseconds under preset artifact."""
    request, data = (200 * NS + ceil(Fraction(size * 10**12) / RATE) for size in (16, SLICE))
    assert (request, data) == (200_011, 8_230_450)
    assert Played([(1, 1, 0)], sets=[kind, "die.d2d.round_to=1 ps"]).times == [LOOKUP + request + REMOTE + data + GEMM]


def test_a_larger_request_and_a_lower_efficiency_cost_what_they_say(kind):
    """1,741,000 B at 1,741 GB/s x 0.5 are 2,000 ns; a slice at that rate 14,455 ns rounded up."""
    times = Played([(1, 1, 0)], sets=[kind, "die.d2d.request_size=1741000 B", "die.d2d.efficiency=0.5"]).times
    assert times == [LOOKUP + 2200 * NS + REMOTE + 14_655 * NS + GEMM]


def test_a_copy_is_read_at_home_speed_with_the_activations(kind):
    played = Played([(1, 1, 0)], [(1, 1, 0)], copy=[(0, 1)], sets=[kind])
    assert played.times[1] == LOOKUP + LOCAL + GEMM
    assert played.counted("hops") == 1 and played.counted("local_slice_reads") == 1


def test_a_request_that_hits_the_home_llc_still_counts_its_hops(kind):
    assert Played([(1, 1, 0)], [(1, 1, 0)], sets=[kind]).counted("hops") == 2
