"""Do single accesses take exactly what their parameters say?"""

import numpy as np
import pytest
from small_die import CHASE, GATHER, JUMP, LOAD, LOOP, ORDER, STORE, WAIT, program, small

from chipweave.errors import BadInput

HIT, MISS, SLICE, CROSS, PEER, DOOR = 32, 83, 40_000, 30_000, 20_000, 5_000  # cycles of 1 ns, then ps
L2_NEAR = MISS * 1000 + 2 * CROSS + SLICE + 32 * 16000 // 1024


def one_load(sectors=4, warm=(), sm=0, address=0, **changes):
    """ps from a warp's first instruction to its data, one lane."""
    e, sms, slices, channels = small(**changes)
    for part in warm:
        e.touch([sms[part]], np.array([address], np.uint64), mask=1)
    program(e, sms[sm], [(LOAD, address, 0, 1, 0, 0, 0, 4, 1, 0), (WAIT,)])
    e.run()
    return (
        e.now - 1000 - 20_000,
        e,
        slices,
        channels,
    )  # the warp starts after 1 cycle, the block's end is followed by 20


def home(address):
    """Partition of a line's home: the one whose slice asks no peer."""
    _, e, slices, _ = one_load(address=address)
    return 0 if not e.total(slices[:2], "peer_reads") else 1


NEAR = next(a for a in range(0, 1 << 16, 512) if home(a) == 0)
FAR = next(a for a in range(0, 1 << 16, 512) if home(a) == 1)


def test_l1_hit_takes_the_hit_cycles():
    assert one_load(warm=[0], address=NEAR)[0] == HIT * 1000


def test_near_hit_is_sm_path_crossbar_and_slice():
    assert one_load(warm=[2], address=NEAR)[0] == L2_NEAR


def test_far_hit_adds_two_partition_links_and_a_slice():
    ps, e, slices, _ = one_load(warm=[1], address=FAR)
    assert ps == L2_NEAR + 2 * PEER + SLICE
    assert e.total(slices, "memory_reads") == 0


def test_a_far_line_leaves_a_copy_beside_its_reader():
    assert one_load(warm=[2], address=FAR)[0] == L2_NEAR


@pytest.mark.parametrize("address", [NEAR, FAR])
def test_a_miss_is_bank_timing_on_top(address):
    """Closed bank: tRCD + tCL + the second burst tCCD_L later + its length; edges of the memory clock are rounded
    up."""
    ps, e, slices, channels = one_load(
        address=address, hbm={"nRCDRD": 31, "nCL": 20, "nCCDL": 4, "nBL": 2, "phase": 5000}
    )
    way = L2_NEAR - SLICE + SLICE + 2 * DOOR + (2 * PEER + SLICE if address == FAR else 0)
    bank = (31 + 20 + 4 + 2) * 625
    assert way + bank <= ps < way + bank + 625
    assert e.total(channels, "reads") == 1


def test_unloaded_chase_is_hops_times_latency():
    e, sms, *_ = small()
    e.touch([sms[2]], np.array([NEAR], np.uint64), mask=1)
    e.attach(sms[0], ORDER, [NEAR // 128])
    program(e, sms[0], [(CHASE, 0, 128, 0, 0, 0, 0, 8, 1, 1), (LOOP, 0, 100)])  # past L1
    e.run()
    assert e.now - 21_000 == 100 * L2_NEAR


@pytest.mark.parametrize(
    "stride, size, cycles",
    [(0, 4, 1), (4, 4, 1), (8, 4, 2), (16, 4, 4), (32, 4, 8), (128, 4, 32), (8, 8, 2), (16, 8, 4), (16, 16, 4)],
)
def test_bank_conflicts_hold_the_load_store_unit(stride, size, cycles):
    e, sms, *_ = small(sm={"l1_sets": 64})
    e.attach(sms[0], ORDER, np.arange(32))
    program(e, sms[0], [(GATHER, 0, stride, 0, 0, 0, 1, size, 32, 0)])
    e.run()
    assert e.statistics(sms[0])["lsu_busy"] == cycles * 1000


def test_four_tag_banks_look_up_four_lines_a_cycle():
    e, sms, *_ = small(sm={"l1_sets": 64})
    e.attach(sms[0], ORDER, np.arange(32) * 33)  # 32 lines, no two words in one bank
    program(e, sms[0], [(GATHER, 0, 4 * 1, 0, 0, 0, 1, 4, 32, 0)])
    e.run()
    assert e.statistics(sms[0])["lsu_busy"] == 32 // 4 * 1000


def test_littles_law_bounds_reads_in_flight():
    """Sectors in flight / latency: throughput of one SM never exceeds it, and comes near it."""
    e, sms, *_ = small(sm={"load_sectors": 24, "l1_sets": 1}, llc={"sets": 64})
    e.touch([sms[2]], np.arange(0, 32768, 128, dtype=np.uint64))
    program(e, sms[0], [(LOAD, 0, 0, 1, 1024, 256, 8, 8, 32, 1), (LOOP, 0, 4), (WAIT,), (JUMP, 0)], 1024)
    e.run(40_000_000)
    rate = e.statistics(sms[0])["loaded"] / 40_000_000
    assert 0.85 < rate / (24 * 32 / L2_NEAR) <= 1


def test_stores_reach_memory_once_dirty_lines_are_pushed_out():
    e, sms, slices, channels = small()
    program(e, sms[0], [(STORE, 0, 0, 1, 256, 8192, 8, 8, 32, 0), (LOOP, 0, 40)], 1024)
    e.run()
    held = 4 * 4 * 4  # lines of the four slices
    assert e.total(slices, "writes") == 40 * 64
    assert 40 * 64 - held <= e.total(channels, "writes") < 40 * 64


def test_a_store_drops_the_other_side_s_copy():
    e, sms, slices, _ = small()
    e.touch([sms[0], sms[1]], np.array([NEAR, NEAR], np.uint64), mask=1)
    program(e, sms[0], [(STORE, NEAR, 0, 1, 0, 0, 4, 4, 1, 0)])
    e.run()
    e.touch([sms[3]], np.array([NEAR], np.uint64), mask=1)
    assert e.touch([sms[3]], np.array([NEAR], np.uint64), mask=1)[0] == 1
    before = e.total(slices, "peer_reads")
    program(e, sms[1], [(LOAD, NEAR, 0, 1, 0, 0, 4, 4, 1, 1), (WAIT,)])
    e.run()
    assert e.total(slices, "peer_reads") == before  # touched back by SM 3, of the same side


@pytest.mark.parametrize("wrong, words", [({"clok": 1}, "nearest: clock"), ({"l1_ways": 0}, "out of range")])
def test_parameters_are_checked(wrong, words):
    with pytest.raises(BadInput, match=words):
        small(sm=wrong)
