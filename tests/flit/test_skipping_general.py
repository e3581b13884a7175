"""Does the general engine skip under every allocator, arbiter, priority and delay, and is the run that of stepping and
of the plain router?"""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chipweave.fabric.noc import FlitSimulator
from chipweave.noc.allocator import PRIORITIES
from chipweave.noc.router import Router
from chipweave.noc.routing import grid
from chipweave.plain.noc import Packet, PlainNetwork

from .test_kernel_is_twin import ALLOCATORS
from .test_skipping import CROSSING, crossing, run, within
from .test_skipping_apart import network, scenario, told

OPTIONS = {
    **{name: {"vc_allocator": name, "sw_allocator": name} for name in ALLOCATORS},
    **{f"by {name}": {"priority": name} for name in PRIORITIES},
    "speculative": {"speculative": 1},
    "speculative apart": {
        "speculative": 1,
        "spec_sw_allocator": "separable_output_first(matrix)",
        "spec_mask_by_reqs": 1,
    },
    "speculative wavefront": {"speculative": 1, "spec_sw_allocator": "wavefront"},
    "piggyback": {"speculative": 1, "vc_allocator": "piggyback"},
    "hold": {"hold_switch_for_packet": 1},
    "speedups": {"input_speedup": 2, "output_speedup": 2, "internal_speedup": 1.5},
    "delays": {"routing_delay": 2, "vc_alloc_delay": 2, "sw_alloc_delay": 2, "st_final_delay": 2},
    "output buffers": {"output_buffer_size": 2, "internal_speedup": 2.0},
}
# trains whose period is longer than a MiB: the fixed VC, or two, do not help where a diagonal or an age goes round
NEVER_SOON = {
    (64, 4): ["wavefront", "by local_age", "by queue_length"],
    (64, 8): ["wavefront", "by network_age", "speculative wavefront", "delays"],
}


def general(options, **more):
    return Router.of({"vcs": 8, **options, **more})


@pytest.mark.parametrize(
    "packet, classes", [(None, 1), *(pytest.param(64, classes, marks=pytest.mark.slow) for classes in (4, 8))]
)
@pytest.mark.parametrize("name", OPTIONS)
def test_crossing_messages_of_a_mebibyte_end_as_if_stepped(name, packet, classes):
    router, messages = general(OPTIONS[name], vc_classes=classes), crossing((1 << 20) // 64, packet, classes)
    stepped, _ = run(grid([5, 5]), router, messages, skip=False, general=True)
    skipped, report = run(grid([5, 5]), router, messages, skip=True, check=True, general=True)
    assert skipped == stepped
    least = 0 if name in NEVER_SOON.get((packet, classes), []) else 0.6
    assert report["skipped"] - report["replayed"] >= least * stepped[3]


@pytest.mark.parametrize("size", [1 << 26, 1 << 30])
@pytest.mark.parametrize("name", OPTIONS)
def test_crossing_messages_of_a_gibibyte_in_one_packet_each_cost_milliseconds(name, size, slowness):
    (arrivals, *_), report = within(
        0.5 * slowness,  # 50 ms on a quiet machine; opening and Python included
        lambda: run(grid([5, 5]), general(OPTIONS[name]), crossing(size // 64), skip=True, general=True),
    )
    assert len(arrivals) == 6 and report["skipped"] - report["replayed"] > 0.99 * arrivals[-1][3]


@pytest.mark.parametrize("name", OPTIONS)
def test_messages_beyond_32_bit_counters_and_stamps_end_in_closed_form(name):
    """Three messages in a row over one link, each of 2^31 - 1 flits: the next one's head waits as long as the one
    before flows."""
    flits, router = (1 << 31) - 1, general(OPTIONS[name], vcs=1)
    short, ends = 1000, {}
    for length in (short, flits):
        kernel = FlitSimulator(grid([2]), router, general=True)
        kernel.send([(i, 0, length, 0, 1, 0, length) for i in range(3)])
        kernel.drain(1 << 50)
        ends[length] = [row[3] for row in kernel.collect()]
    cycles = 2 if name == "delays" else 1  # two for a flit where switch allocation takes two
    assert [end - (i + 1) * cycles * (flits - short) for i, end in enumerate(ends[flits])] == ends[short]
    assert kernel.counts()[0, 0, 0] == 3 * flits > 1 << 32


def options(rng):
    values = {
        "routing_delay": rng.choice([0, 1, 1, 3]),
        "vc_alloc_delay": rng.choice([1, 1, 2]),
        "sw_alloc_delay": rng.choice([1, 1, 2]),
        "st_final_delay": rng.choice([1, 1, 2]),
        "speculative": rng.choice([0, 0, 1]),
        "spec_check_cred": rng.randint(0, 1),
        "spec_mask_by_reqs": rng.randint(0, 1),
        "spec_sw_allocator": rng.choice(["prio", *ALLOCATORS]),
        "hold_switch_for_packet": rng.randint(0, 1),
        "vc_allocator": rng.choice(ALLOCATORS),
        "sw_allocator": rng.choice(ALLOCATORS),
        "input_speedup": rng.randint(1, 2),
        "output_speedup": rng.randint(1, 2),
        "internal_speedup": rng.choice([1.0, 1.0, 1.5, 2.0, 1.1]),
        "output_buffer_size": rng.choice([-1, 2, 4]),
        "priority": rng.choice(list(PRIORITIES)),
    }
    if values["speculative"] and rng.random() < 0.3:
        values["vc_allocator"] = "piggyback"
    return values


def any_network(rng):
    if rng.random() < 0.25:
        return grid([rng.randint(2, 4), rng.randint(2, 4)], latency=rng.randint(1, 3), routing="min_adapt"), False
    return network(rng)


@pytest.mark.slow
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 1 << 30))
def test_the_general_engine_skips_as_if_stepped_on_random_networks_routers_and_messages(seed):
    rng = random.Random(seed)
    scene = scenario(rng, *any_network(rng), more=options)
    told_with = {"general": True, "seed": rng.choice([0, 7]), "flows": rng.choice([0, 2, 8])}
    assert told(scene, skip=True, **told_with)[0] == told(scene, skip=False, **told_with)[0]


@pytest.mark.slow
def test_most_of_such_random_runs_really_skip():
    shares = []
    for seed in range(40):
        rng = random.Random(seed)
        report = told(scenario(rng, *any_network(rng), more=options), skip=True, general=True)[1].skipped
        shares.append(report["group_skipped"] / max(1, report["group_cycles"]))
    assert sum(share > 0.5 for share in shares) >= 12


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "wavefront",
        "islip(3)",
        "separable_output_first(matrix)",
        "by network_age",
        "hold",
        "delays",
        "speculative",
        "speedups",
    ],
)
@pytest.mark.parametrize("packet", [1200, 16])
def test_skipping_ends_where_the_plain_router_does(name, packet):
    """Three messages of 1,200 flits that meet, as one packet each and as trains of short ones."""
    net, router, ways, flits = grid([3, 2]), general(OPTIONS[name], vcs=2, vc_depth=4), [(0, 5), (1, 5), (3, 2)], 1200
    plain = PlainNetwork(net, router)
    packets = [[Packet(s, d, packet, 0) for _ in range(flits // packet)] for s, d in ways]
    plain.run([p for train in packets for p in train], 20_000)
    kernel = FlitSimulator(net, router, general=True)
    kernel.send([(i, 0, flits, s, d, 0, packet) for i, (s, d) in enumerate(ways)])
    kernel.drain(1 << 20)
    assert {row[0]: row[3] for row in kernel.collect()} == {
        i: max(p.atime for p in train) for i, train in enumerate(packets)
    }
    assert kernel.skipped["group_skipped"] > 0 or packet == 16


def test_a_speedup_of_no_few_binary_places_steps_and_is_named():
    kernel = FlitSimulator(grid([3]), Router(internal_speedup=1.1))
    kernel.send([(0, 0, 5000, 0, 2, 0, 5000)])
    kernel.drain(1 << 20)
    assert kernel.skipped["jumps"] == 0 and kernel.unrepeated()[0]["pairs"] == [("endpoint 0", "endpoint 2")]


def test_flows_that_cross_a_router_are_one_group_only_where_its_stages_are_shared():
    """0 -> 2 and 1 -> 7 cross in router 1 without a port in common; one of them starts short packets that rotate
    through 8 VCs."""
    groups = []
    for options in ({}, {"vc_allocator": "wavefront"}, {"st_final_delay": 2}):
        kernel = FlitSimulator(grid([3, 3]), Router(vcs=8, **options), general=True)
        kernel.send([(0, 0, 1 << 16, 0, 2, 0, 1 << 16), (1, 0, 1 << 16, 1, 7, 0, 1 << 16)])
        kernel.advance(1000)
        groups.append(round(kernel.skipped["group_cycles"] / 1000))
    assert groups == [2, 1, 1]


def test_hottest_flows_of_links_are_kept_through_a_jump():
    heard = []
    for skip in (True, False):
        kernel = FlitSimulator(grid([5, 5]), Router(vcs=8), skip=skip, flows=8)
        kernel.send([(i, 0, 1 << 16, s, d, 0, 1 << 16) for i, (s, d) in enumerate(CROSSING)])
        kernel.drain(1 << 40)
        heard.append((kernel.flows(), kernel.counts().tolist(), kernel.now))
        assert (kernel.skipped["skipped"] > 0.9 * kernel.now) == skip
    assert heard[0] == heard[1]


@pytest.mark.slow
@pytest.mark.parametrize("use_general", [False, True])
def test_one_packet_over_a_tie_skips_once_its_coins_are_thrown_and_a_train_does_not(use_general):
    """On a ring of four the opposite router is as far either way."""
    for packet, skips in ((1 << 16, True), (16, False)):
        ends = []
        for skip in (True, False):
            kernel = FlitSimulator(grid([4, 4], wrap=True), Router(), seed=3, general=use_general, skip=skip)
            kernel.send(
                [(0, 0, 1 << 16, 0, 10, 0, packet), (1, 0, 1 << 16, 5, 15, 0, packet), (2, 0, 1 << 16, 4, 5, 0, packet)]
            )
            kernel.drain(1 << 40)
            ends.append((kernel.collect(), kernel.counts().tolist(), kernel.digest()))
            if skip:
                named = [pair for u in kernel.unrepeated() for pair in u["pairs"]]
                assert (kernel.skipped["skipped"] > 0.9 * kernel.now) == skips
                assert (("endpoint 0", "endpoint 10") in named) == (not skips)
        assert ends[0] == ends[1]
