"""Do the kernel's engines and the plain router agree on every packet and link of random networks, routers and traffic?

The kernel's invariants are checked after every cycle of every run.
"""

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chipweave.fabric.noc import FlitSimulator, replay
from chipweave.noc.allocator import allocators, arbiters
from chipweave.noc.router import Router
from chipweave.noc.routing import grid, irregular
from chipweave.plain.noc import Packet, PlainNetwork

ARGUMENTS = {"": [""], "arbiter": [f"({name})" for name in arbiters.kinds()], "iterations": ["", "(3)"]}
ALLOCATORS = [name + argument for name in allocators.kinds() for argument in ARGUMENTS[allocators.find(name).takes]]
SWITCH = st.integers(0, 1)


@st.composite
def networks(draw):
    kind = draw(st.sampled_from(["mesh", "torus", "tree", "adaptive"]))
    if kind == "tree":  # a tree has no cycle to deadlock in
        size = draw(st.integers(2, 7))
        cost = st.tuples(st.integers(1, 5), st.sampled_from([1, 2, 3, Fraction(10, 9), Fraction(7, 3)]))
        edges = {}
        for child in range(1, size):
            parent = draw(st.integers(0, child - 1))
            edges[child, parent], edges[parent, child] = draw(cost), draw(cost)
        terminals = draw(
            st.lists(st.integers(0, size - 1), min_size=2, max_size=2 * size)
        )  # none or several endpoints a router
        return irregular(size, edges, draw(st.sampled_from([None, terminals])))
    radices = draw(st.lists(st.integers(2, 3) if kind != "torus" else st.integers(3, 4), min_size=1, max_size=2))
    return grid(
        radices,
        wrap=kind == "torus",
        latency=draw(st.integers(1, 3)),
        routing="min_adapt" if kind == "adaptive" else "dor",
    )


@st.composite
def routers(draw, fast):
    vcs = draw(st.sampled_from([2, 3, 4, 6, 8]))
    values = {
        "vcs": vcs,
        "vc_depth": draw(st.sampled_from([1, 2, 3, 5, 8])),
        "routing_delay": draw(SWITCH),
        "credit_delay": draw(st.integers(0, 3)),
        "wait_for_tail_credit": draw(SWITCH),
        "vc_busy_when_full": draw(SWITCH),
        "flow_control": draw(st.sampled_from(["wormhole", "wormhole", "cut_through"])),
    }
    if vcs in (4, 8):
        values["vc_classes"] = draw(st.sampled_from([1, 2]))
    if not fast:
        values |= {
            "routing_delay": draw(st.integers(0, 3)),
            "st_final_delay": draw(st.integers(1, 2)),
            "vc_alloc_delay": draw(st.integers(1, 3)),
            "sw_alloc_delay": draw(st.integers(1, 3)),
            "speculative": draw(SWITCH),
            "spec_check_cred": draw(SWITCH),
            "spec_mask_by_reqs": draw(SWITCH),
            "spec_sw_allocator": draw(st.sampled_from(["prio", *ALLOCATORS])),
            "hold_switch_for_packet": draw(SWITCH),
            "vc_allocator": draw(st.sampled_from(ALLOCATORS)),
            "sw_allocator": draw(st.sampled_from(ALLOCATORS)),
            "input_speedup": draw(st.integers(1, 2)),
            "output_speedup": draw(st.integers(1, 2)),
            "internal_speedup": draw(st.sampled_from([1.0, 1.5, 2.0])),
            "output_buffer_size": draw(st.sampled_from([-1, 2, 4])),
            "priority": draw(
                st.sampled_from(["none", "age", "network_age", "local_age", "hop_count", "queue_length", "class"])
            ),
        }
        if values["speculative"] and draw(st.booleans()):
            values["vc_allocator"] = "piggyback"
    return Router.of(values)


@st.composite
def traffic(draw, net, router):
    largest = router.vc_depth if router.flow_control == "cut_through" else 9
    packet = st.tuples(
        st.integers(0, net.endpoints - 1),
        st.integers(0, net.endpoints - 1),
        st.integers(1, largest),
        st.integers(0, 30),
        st.integers(0, router.vc_classes - 1),
    )
    return draw(st.lists(packet, min_size=1, max_size=60))


def agree(net, router, packets, general):
    plain = PlainNetwork(net, router)
    twins = plain.run([Packet(*p) for p in packets], 600)
    kernel = FlitSimulator(net, router, general=general, watchdog=0)
    kernel.send([(i, p[3], p[2], p[0], p[1], p[4], p[2]) for i, p in enumerate(packets)])
    while kernel.pending and kernel.now < plain.now:
        kernel.advance(kernel.now + 1)
        kernel.check()
    kernel.advance(plain.now)
    found = {row[0]: (row[2], row[3], row[6]) for row in kernel.collect()}
    assert found == {i: (p.itime, p.atime, p.hops) for i, p in enumerate(twins) if p.atime >= 0}
    starts = [0, *map(int, net.ports.cumsum())]
    flits = {
        (r, p, v): int(n)
        for r in range(net.routers)
        for p in range(net.ports[r])
        for v, n in enumerate(kernel.counts()[starts[r] + p, :, 0])
        if n
    }
    assert flits == plain.flits


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_the_fast_engine_and_the_plain_router_agree_on_every_packet_and_link(data):
    net = data.draw(networks())
    router = data.draw(routers(fast=True))
    agree(net, router, data.draw(traffic(net, router)), general=False)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_the_general_engine_and_the_plain_router_agree_on_every_packet_and_link(data):
    net = data.draw(networks())
    router = data.draw(routers(fast=False))
    agree(net, router, data.draw(traffic(net, router)), general=True)


def test_a_vc_granted_in_the_first_of_two_steps_of_a_cycle_is_kept():
    """Two cycles of VC allocation at two steps a cycle: the second step of the cycle must not undo the grant."""
    router = Router.of({"vc_alloc_delay": 2, "internal_speedup": 2.0})
    agree(grid([2]), router, [(0, 1, 3, 0, 0), (1, 0, 3, 0, 0)], general=True)
    (packet,) = PlainNetwork(grid([2]), router).run([Packet(0, 1, 3, 0)], 100)
    assert packet.atime == 12


def test_speculation_beside_a_slow_vc_allocation_wins_nothing():
    """A switch won in the first of two cycles of VC allocation has no VC to lead to: as if it had not been asked
    for."""
    ends = []
    for speculative in (0, 1):
        kernel = FlitSimulator(grid([3]), Router(speculative=speculative, vc_alloc_delay=2))
        kernel.send([(0, 0, 9, 0, 2, 0, 9)])
        while kernel.pending and kernel.now < 1000:
            kernel.advance(kernel.now + 1)
            kernel.check()
        kernel.advance(kernel.now + 10)
        ends.append([row[3] for row in kernel.collect()])
    assert ends == [[2 + 6 * 3 + 8]] * 2
    agree(grid([3]), Router(speculative=1, vc_alloc_delay=2, vcs=2), [(0, 2, 9, 0, 0), (1, 2, 9, 0, 0)], general=True)


@pytest.mark.parametrize("general", [False, True])
@pytest.mark.parametrize("interval", [Fraction(10, 9), Fraction(1_000_003, 900_001), Fraction(5, 2), 3])
def test_a_link_of_any_rate_keeps_it_to_a_thousandth_over_ten_thousand_flits(interval, general):
    """One packet over a fast and a slow link: flits x interval and the pipeline, whole numbers or not."""
    net = irregular(3, {(0, 1): 1, (1, 2): (1, interval), (1, 0): 1, (2, 1): (1, interval)})
    router, flits = Router(vc_depth=64), 10_000
    fast, slow = (replay(net, router, [(*ends, flits, 0)], general=general)[0][1] for ends in ((0, 1), (1, 2)))
    assert fast == flits - 1 + 3 + 2 * 4 + 1
    assert abs((slow - 12) / (flits * interval) - 1) < 0.001
