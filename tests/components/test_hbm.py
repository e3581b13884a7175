"""The HBM controller: latency and rate to the picosecond, one access at a time, each die its own."""

from fractions import Fraction
from math import ceil

import pytest
from dies_by_hand import DATA, GEMM, LOCAL, LOOKUP, NS, REMOTE, REQUEST, Played

from chipweave.components.hbm import Hbm
from chipweave.errors import BadInput

SLICE = 12_582_912  # 4,096 x 1,536 x 2 bytes
OWN = SLICE + 100 * (4096 + 1536) * 2  # with the activations of 100 tokens


@pytest.fixture(params=["memory.hbm", "memory.hbm_plain"])
def kind(request):
    return f"die.hbm.kind={request.param}"


def test_a_read_is_latency_and_bytes_at_the_sustained_rate_rounded_up_once(kind):
    """300 ns + 13,709,312 B / (3,350 GB/s x 0.9): 4,847.036 ns; preset artifact rounds up to whole nanoseconds."""
    fine = ceil(Fraction(OWN * 10**12, 3_350 * 10**9) / Fraction(9, 10)) + 300 * NS
    assert fine == 4_847_036
    assert Played([(0, 0, 0)], dies=1, sets=[kind]).times == [LOOKUP + LOCAL + GEMM]
    assert Played([(0, 0, 0)], dies=1, sets=[kind, "die.hbm.round_to=1 ps"]).times == [LOOKUP + fine + GEMM]


def test_accesses_wait_for_one_another(kind):
    assert Played([(0, 0, 0), (1, 0, 0), (2, 0, 0)], dies=1, sets=[kind]).times == [LOOKUP + 3 * LOCAL + GEMM]


def test_one_slow_stack_slows_its_own_die_alone(kind):
    """Latency 1,300 ns on die 1: expert 1 is read there for die 0, expert 0 at home."""
    slow = ["die[1][0].hbm.latency=1300 ns"]
    assert Played([(0, 0, 0)], sets=[kind, *slow]).times == [LOOKUP + LOCAL + GEMM]
    assert Played([(1, 1, 0)], sets=[kind, *slow]).times == [LOOKUP + REQUEST + REMOTE + 1000 * NS + DATA + GEMM]


def test_a_copy_is_written_as_fast_as_it_is_read_and_ends_the_layer(kind):
    played = Played([(1, 1, 0)], copy=[(0, 1)], sets=[kind])
    assert played.times == [LOOKUP + REQUEST + REMOTE + DATA + REMOTE]
    assert played.counted("copies") == 1 and played.counted("copy_write_bytes") == SLICE


def test_reads_are_counted_at_the_hbm_that_served_them(kind):
    played = Played([(0, 0, 0), (1, 1, 0)], sets=[kind])
    assert [
        played.statistic(f"die[{die}][0].hbm", name)
        for die in (0, 1)
        for name in ("local_reads", "local_bytes", "remote_reads", "remote_bytes")
    ] == [1, OWN, 0, 0, 0, 0, 1, SLICE]
    assert played.counted("local_read_bytes") == OWN and played.counted("remote_read_bytes") == SLICE


def test_a_controller_whose_reads_take_no_mark_serves_all_but_copies_that_a_read_renews(monkeypatch):
    """As users wrote them before reads could carry a mark: it works, and where it cannot the fault says what is
    missing."""
    serve = Hbm.serve_read
    monkeypatch.setattr(
        Hbm,
        "serve_read",
        lambda self, chain, name, at, work, remote=False, fill=(), then=None: serve(
            self, chain, name, at, work, remote, fill, then=then
        ),
    )
    assert Played([(1, 1, 0)], [(1, 1, 0)], copy=[(0, 1)]).times[1] == LOOKUP + LOCAL + GEMM
    with pytest.raises(
        BadInput, match=r"hbm \(memory.hbm\): serve_read does not take what die\[0\]\[0\].d2d.memory asks for: .*'mark'"
    ):
        Played([(1, 1, 0)], copy=[(0, 1)], replacement={"kind": "lru", "slices": 1})
