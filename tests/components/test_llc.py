"""The LLC: what a hit, a miss and a store cost, and which lines stay."""

import pytest
from dies_by_hand import DATA, GEMM, LOCAL, LOOKUP, NS, REMOTE, REQUEST, Played


@pytest.fixture(params=["memory.llc", "memory.llc_plain"])
def kind(request):
    return f"die.llc.kind={request.param}"


def test_a_miss_takes_the_lookup_then_the_hbm_and_a_hit_the_hit_latency_alone(kind):
    played = Played([(0, 0, 0)], [(0, 0, 0)], dies=1, sets=[kind])
    assert played.times == [LOOKUP + LOCAL + GEMM, 100 * NS + GEMM]
    assert played.statistic("die[0][0].llc", "local_hits") == played.counted("local_llc_hits") == 1


@pytest.mark.parametrize("parameter, times", [("hit_latency", [0, 1]), ("miss_latency", [1, 0])])
def test_each_latency_shows_to_the_picosecond_where_it_belongs(kind, parameter, times):
    base = {"hit_latency": 100_000, "miss_latency": 110_000}[parameter]
    played = Played([(0, 0, 0)], [(0, 0, 0)], dies=1, sets=[kind, f"die.llc.{parameter}={base + 1} ps"])
    assert played.times == [LOOKUP + LOCAL + GEMM + times[0], 100 * NS + GEMM + times[1]]


def test_a_remote_hit_is_served_by_the_home_llc_in_place_of_its_hbm(kind):
    played = Played([(1, 1, 0)], [(1, 1, 0)], sets=[kind])
    assert played.times == [LOOKUP + REQUEST + REMOTE + DATA + GEMM, LOOKUP + REQUEST + 100 * NS + DATA + GEMM]
    assert played.statistic("die[1][0].llc", "remote_hits") == 1
    assert played.statistic("die[0][0].llc", "remote_hits") == 0
    assert played.counted("remote_slice_reads") == 1


def test_a_store_takes_the_port_for_the_write_latency(kind):
    """A store longer than the GEMM ends the layer; it starts when the HBM has ended."""
    played = Played([(0, 0, 0)], dies=1, sets=[kind, "die.llc.write_latency=10 us"])
    assert played.times == [LOOKUP + LOCAL + 10_000 * NS]


def test_capacity_makes_sets_and_only_a_set_that_is_full_loses_its_oldest_line(kind):
    """64 MiB are 2 sets of 2 slices: experts 0, 2 and 4 share one. 26 MB are 1 set, where 1 takes the room of 0 too."""
    plans = [[(0, 0, 0)], [(2, 0, 0)], [(1, 0, 0)], [(0, 0, 0)], [(4, 0, 0)], [(0, 0, 0)]]
    miss, hit = LOOKUP + LOCAL + GEMM, 100 * NS + GEMM
    assert Played(*plans, dies=1, sets=[kind]).times == [miss, miss, miss, hit, miss, miss]
    assert Played(*plans, dies=1, sets=[kind, "die.llc.capacity=26 MB"]).times == [miss, miss, miss, miss, miss, hit]
    assert Played(*plans, dies=1, sets=[kind, "die.llc.capacity=26 MB", "die.llc.ways=4"]).times == [
        miss,
        miss,
        miss,
        hit,
        miss,
        hit,
    ]


def test_a_hit_does_not_renew_a_line(kind):
    """0 and 2 are in; 0 is hit; 4 comes: 0 goes all the same, as the one stored first."""
    hit = 100 * NS + GEMM
    times = Played([(0, 0, 0)], [(2, 0, 0)], [(0, 0, 0)], [(4, 0, 0)], [(2, 0, 0)], dies=1, sets=[kind]).times
    assert times[2] == hit and times[4] == hit


LEVELS = """extends: wafer
name: levels
assemblies:
  die:
    parts: {near: {kind: memory.llc, hit_latency: 40 ns, miss_latency: 50 ns}}
    links:
      - {between: [sm.memory, near.access], latency: included}
      - {between: [near.memory, llc.access], latency: included}
      - {between: [llc.memory, d2d.access], latency: included}
      - {between: [d2d.memory, hbm.access], latency: included}
      - {between: [d2d.home_llc, llc.remote], latency: included}
      - {between: [cp.kernel, sm.work], latency: included}
      - {between: [cp.pdu, d2d.prediction], latency: included}
parts: {die: {grid: [2, 1]}}
"""


@pytest.mark.parametrize("engine", ["kernel", "plain"])
def test_of_two_levels_the_first_is_passed_or_answers_and_the_last_serves_other_dies(kind, engine, tmp_path):
    path = tmp_path / "levels.yaml"
    path.write_text(LEVELS)
    plans = [[(0, 0, 0)], [(0, 0, 0)], [(0, 0, 1)]]
    played = Played(*plans, topology_name=str(path), sets=[kind], engine=engine)
    below = 50 * NS + LOOKUP
    assert played.times == [below + LOCAL + GEMM, 40 * NS + GEMM, below + REQUEST + 100 * NS + DATA + GEMM]
    assert played.statistic("die[0][0].near", "local_hits") == played.statistic("die[0][0].llc", "remote_hits") == 1
    assert played.statistic("die[0][0].near", "remote_hits") == played.statistic("die[0][0].llc", "local_hits") == 0
