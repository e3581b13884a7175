"""Do packages of several dies behave as their structure says: knees, hops, shares, partition modes?"""

import math
from importlib.resources import files

import numpy as np
import pytest
import yaml

from chipweave import topology
from chipweave.kernel_models import round_robin
from chipweave.kernel_models.package import package_of
from chipweave.kernel_models.pointer_chase import chase_seconds, overfull, untranslated
from chipweave.kernel_models.ring_protocols import Protocol, ring_seconds
from chipweave.kernel_models.streams import Launch, apart, both, shared_buffer_bytes_per_s, stream_bytes_per_s
from chipweave.validation.calibrate import dies

MIB = 1 << 20


@pytest.fixture(scope="module")
def mi300x():
    return package_of(topology.load("mi300x"))


def test_an_lru_cache_is_overfull_by_ways_times_the_excess():
    assert overfull(4 * MIB, 4 * MIB, 16) == 0.0
    assert overfull(4 * MIB * (1 + 1 / 32), 4 * MIB, 16) == pytest.approx(0.5)
    assert overfull(5 * MIB, 4 * MIB, 16) == 1.0 and overfull(1, 0, 16) == 1.0


def test_overfull_is_what_a_simulated_lru_cache_misses():
    sets, ways, lines = 32, 4, 32 * 4 + 20
    stacks = [[] for _ in range(sets)]
    missed = 0
    for _ in range(3):
        missed = 0
        for line in np.random.default_rng(1).permutation(lines):
            stack = stacks[line % sets]
            if line in stack:
                stack.remove(line)
            else:
                missed += 1
            stack.append(line)
            del stack[:-ways]
    # 20 sets hold one line too many and miss all five of theirs; the closed form counts their share of the sets
    assert missed == 20 * 5 and overfull(lines, sets * ways, ways) == pytest.approx(20 / 32)


def test_a_chase_sees_each_level_of_a_package(mi300x):
    cycles = [chase_seconds(mi300x, f) * 2.1e9 for f in (16384, MIB, 32 * MIB)]
    assert cycles == pytest.approx([119.9, 213.2, (148.88e-9 + 70e-9) * 2.1e9])


def test_a_translation_is_missed_beyond_the_reach():
    assert (
        untranslated(32 * MIB, 64 * MIB) == 0 and untranslated(128 * MIB, 64 * MIB) == 0.5 and untranslated(1, 0) == 0
    )


def test_memory_of_one_s_own_die_is_one_mean_hop_nearer(mi300x):
    own = package_of(topology.load("mi300x_cpx_nps4"))
    assert chase_seconds(mi300x, 32 * MIB) - chase_seconds(own, 32 * MIB) == pytest.approx(70e-9)
    assert own.reached == (0,) and own.cache_bytes == 64 * MIB and len(own.compute) == 1


@pytest.mark.parametrize("workgroups, knee", [(4096, 32 * MIB), (4096 + 1 / 3, 4 * MIB), (4097, 4 * MIB)])
def test_the_knee_moves_with_how_workgroups_divide_over_the_dies(workgroups, knee):
    def share(array):
        return round_robin.missed(array, workgroups, 1, 8, 4 * MIB, 16).mean()

    assert share(knee * 0.95) == 0.0 and share(knee * 1.2) > 0.3


def test_round_robin_is_what_a_simulation_of_the_dealing_counts():
    dies_, per_pass, capacity = 4, 10.25, 3  # workgroups of a pass; lines of a die's cache, a workgroup is one line
    quarter = 4  # places of a workgroup
    elements = int(per_pass * quarter)
    caches, missed, visits = [[] for _ in range(dies_)], 0, 0
    for place in range(elements * 400):
        die, line = place // quarter % dies_, place % elements
        cache = caches[die]
        hit = line in cache
        if hit:
            cache.remove(line)
        cache.append(line)
        del cache[: -capacity * quarter]
        if place > elements * 200:
            visits, missed = visits + 1, missed + (not hit)
    predicted = round_robin.missed(per_pass, per_pass, 1, dies_, capacity, 10**6).mean()
    assert predicted == pytest.approx(missed / visits, abs=0.03)


def test_a_workgroup_waits_for_its_slowest_wave():
    share = np.zeros(8 * 128)
    share[120:128] = 1.0  # the last sixteenth of one workgroup of eight
    assert round_robin.of_workgroups(share, 8, 16) == (pytest.approx(8 / 1024), pytest.approx(1 / 8))


def test_no_rate_passes_the_pins(mi300x):
    for reads, writes in ((1, 0), (0, 1), (3, 1)):
        rate = stream_bytes_per_s(mi300x, Launch(reads, writes, 1024, 2))
        assert rate < 5.3e12
    assert shared_buffer_bytes_per_s(mi300x, 4096) == pytest.approx(304 * 64 * 2.1e9)


def test_few_threads_move_what_they_have_in_flight(mi300x):
    few = stream_bytes_per_s(mi300x, Launch(1, 0, 64, 1))
    slot = 418.6 / 2.1e9 + mi300x.behind_l2_seconds(True)
    assert few == pytest.approx(both(64 * 304 * 8 / slot, mi300x.total("memory_bandwidth")))


def test_apart_undoes_both():
    assert both(apart(3.0, 5.0), 5.0) == pytest.approx(3.0)
    with pytest.raises(ValueError, match="not below"):
        apart(5.0, 5.0)


@pytest.mark.parametrize("device, figures", [("mi300x", dies.mi300x), ("mi210", dies.mi210)])
def test_what_the_topologies_state_is_what_the_calibration_rows_give(device, figures):
    found, package = figures(), package_of(topology.load(device))
    for name, value in found.items():
        stated = package.total(name) if name.endswith("bandwidth") else getattr(package.die, name)
        assert float(stated) == pytest.approx(value, rel=2e-3), name


def test_the_figures_of_programs_are_what_the_calibration_rows_give():
    entries = yaml.safe_load((files("chipweave.validation") / "calibrated" / "dies.yaml").read_text())
    assert dies.programs() == pytest.approx({name: entry["value"] for name, entry in entries.items()}, rel=2e-4)


def test_a_ring_takes_the_cheaper_protocol():
    few, bulk = Protocol("few", 0.0, 1e-6, 0.1), Protocol("bulk", 5e-6, 2e-6, 1.0)
    assert ring_seconds("all_reduce", 8, 8, 1e12, 0.0, (few, bulk)) == pytest.approx(14e-6, rel=1e-3)
    large = ring_seconds("all_reduce", 8, 8e9, 1e12, 0.0, (few, bulk))
    assert large == pytest.approx(5e-6 + 28e-6 + 14e-3) and math.isfinite(large)
