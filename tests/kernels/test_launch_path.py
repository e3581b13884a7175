"""Do launches, waves, residency and barriers follow their closed forms?"""

from dataclasses import replace
from math import isclose

from chipweave.kernel_models.chip import Chip
from chipweave.kernel_models.launch import (
    LaunchPath,
    barrier_seconds,
    copy_seconds,
    launched_seconds,
    persistent_seconds,
    resident_share,
    waves,
)

CHIP = Chip("round", sms=100, clock_hz=1e9, dram_bytes_per_s=1e12, l2_bytes=40_000_000, l2_bytes_per_clk=4000.0)
PATH = LaunchPath(
    {"stream": 2e-6, "graph": 1e-6},
    turnaround_s=200e-9,
    l1_s=20e-9,
    l2_near_s=100e-9,
    l2_hop_s=100e-9,
    dram_efficiency=1.0,
    turn_efficiency=0.5,
)
LIFE = 350e-9


def test_a_full_wave_is_one_life_and_a_thread_more_is_two():
    wave = 100 * 2048 * 16
    assert (waves(CHIP, wave), waves(CHIP, wave + 16)) == (0, 1)
    assert isclose(copy_seconds(CHIP, PATH, wave), LIFE + wave / 4e12)
    assert isclose(copy_seconds(CHIP, PATH, wave + 16), 2 * LIFE + (wave + 16) / 4e12)


def test_ways_of_launching_differ_by_their_gap_alone():
    stream, graph = (launched_seconds(CHIP, PATH, 1e6, mode) for mode in ("stream", "graph"))
    assert isclose(stream - graph, 1e-6)


def test_l2_holds_all_up_to_four_fifths_and_nothing_from_its_size_on():
    assert resident_share(CHIP, 32e6) == 1.0 and resident_share(CHIP, 40e6) == 0.0
    assert isclose(resident_share(CHIP, 36e6), 0.5)


def test_what_l2_does_not_hold_moves_at_the_turning_rate_of_memory():
    assert isclose(copy_seconds(CHIP, PATH, 1e9), 2 * LIFE + 1e9 / 0.5e12)


def test_a_barrier_is_three_and_a_half_far_trips_and_two_syncs():
    assert isclose(barrier_seconds(CHIP, PATH), 3.5 * 200e-9 + 60e-9)


def test_grid_sync_adds_one_empty_fence():
    both = [persistent_seconds(CHIP, PATH, 65536, cooperative) for cooperative in (True, False)]
    assert isclose(both[0] - both[1], 20e-9)
    assert isclose(both[1], 200e-9 + 65536 / 4e12 + barrier_seconds(CHIP, PATH))


def test_a_slower_hop_slows_barriers_more_than_launches():
    far = replace(PATH, l2_hop_s=200e-9)
    assert isclose(barrier_seconds(CHIP, far) - barrier_seconds(CHIP, PATH), 350e-9)
    assert isclose(copy_seconds(CHIP, far, 1e5) - copy_seconds(CHIP, PATH, 1e5), 50e-9)
