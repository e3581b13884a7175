"""Is a run with skipping the same as one that steps every cycle: ends, link counts, bins over time, the whole final
state?"""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chipweave.fabric.noc import FlitSimulator
from chipweave.noc.router import Router
from chipweave.noc.routing import grid, irregular

CROSSING = [(0, 24), (4, 20), (20, 4), (2, 22), (10, 14), (5, 24)]


def run(net, router, messages, skip, check=False, general=False):
    """messages: (src, dst, flits, ctime, class, packet flits). Arrivals, counts, digest, cycle, bins; and what was
    skipped."""
    kernel = FlitSimulator(net, router, skip=skip, watchdog=0, general=general)
    kernel.send([(i, m[3], m[2], m[0], m[1], m[4], m[5]) for i, m in enumerate(messages)])
    kernel.drain(1 << 40)
    if check:
        kernel.check()
    width, bins = kernel.bins()
    return (
        kernel.collect(),
        kernel.counts().tolist(),
        kernel.digest(),
        kernel.now,
        width,
        bins.tolist(),
    ), kernel.skipped


def within(seconds, work):
    """What `work` gives; one of three tries must take no more CPU seconds: neighbours on the machine only add."""
    for _ in range(3):
        begun = time.process_time()
        result = work()
        if time.process_time() - begun < seconds:
            return result
    raise AssertionError(f"three times more than {seconds:.2f} s")


def crossing(flits, packet=None, classes=1):
    return [(s, d, flits, 0, i % classes, packet or flits) for i, (s, d) in enumerate(CROSSING)]


@pytest.mark.parametrize("packet, vcs, classes", [(None, 4, 1), (None, 8, 1), (64, 8, 4), (64, 8, 8), (16, 2, 1)])
def test_crossing_messages_of_a_mebibyte_end_as_if_stepped(packet, vcs, classes):
    router = Router(vcs=vcs, vc_classes=classes)
    messages = crossing((1 << 20) // 64, packet, classes)
    stepped, _ = run(grid([5, 5]), router, messages, skip=False)
    skipped, report = run(grid([5, 5]), router, messages, skip=True, check=True)
    assert skipped == stepped and report["skipped"] > 0.5 * stepped[3]


@pytest.mark.slow
@pytest.mark.parametrize("size", [1 << 26, 1 << 30])
@pytest.mark.parametrize("packet, classes", [(None, 1), (64, 4), (64, 8)])
def test_crossing_messages_of_a_gibibyte_cost_milliseconds(size, packet, classes, slowness):
    (arrivals, *_), report = within(
        0.5 * slowness,  # 50 ms on a quiet machine; opening and Python included
        lambda: run(grid([5, 5]), Router(vcs=8, vc_classes=classes), crossing(size // 64, packet, classes), skip=True),
    )
    assert len(arrivals) == 6 and report["skipped"] > 0.95 * arrivals[-1][3]


def test_messages_beyond_32_bit_counters_end_in_closed_form():
    flits = (1 << 31) - 1
    kernel = FlitSimulator(grid([2]), Router(vcs=1), skip=True)
    kernel.send([(i, 0, flits, 0, 1, 0, flits) for i in range(3)])
    kernel.drain(1 << 50)
    ends = [row[3] for row in kernel.collect()]
    assert ends == [
        2 + 5 * 2 + flits - 1 + i * (flits + 2) for i in range(3)
    ]  # a head waits for route and VC behind a tail
    assert kernel.counts()[0, 0, 0] == 3 * flits > 1 << 32


@st.composite
def cases(draw):
    kind = draw(st.sampled_from(["mesh", "torus", "line"]))
    if kind == "line":
        cost = st.tuples(st.integers(1, 4), st.integers(1, 3))
        net = irregular(4, {pair: draw(cost) for i in range(3) for pair in ((i, i + 1), (i + 1, i))})
    else:
        net = grid([3, 3], wrap=kind == "torus", latency=draw(st.integers(1, 3)))
    vcs = draw(st.sampled_from([2, 4]))
    classes = draw(st.sampled_from([1, 2])) if kind != "torus" or vcs == 4 else 1
    router = Router(
        vcs=vcs,
        vc_classes=classes,
        vc_depth=draw(st.sampled_from([1, 3, 8])),
        routing_delay=draw(st.integers(0, 1)),
        credit_delay=draw(st.integers(0, 2)),
        wait_for_tail_credit=draw(st.integers(0, 1)),
        vc_busy_when_full=draw(st.integers(0, 1)),
    )
    end = st.integers(0, net.endpoints - 1)
    message = st.tuples(
        end,
        end,
        st.integers(1, 20_000),
        st.integers(0, 3000),
        st.integers(0, classes - 1),
        st.sampled_from([1, 7, 16, 64, 1 << 20]),
    )
    return net, router, draw(st.lists(message, min_size=1, max_size=6))


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_skipping_changes_nothing_on_random_networks_and_messages(case):
    assert run(*case, skip=True, check=True)[0] == run(*case, skip=False)[0]
