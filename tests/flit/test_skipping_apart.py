"""Are flows that share no port skipped apart, is the group that does not recur named, and does reading on the way
change nothing?"""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipweave.fabric.noc import FlitSimulator
from chipweave.noc.router import Router
from chipweave.noc.routing import grid, irregular

LONG = 1 << 20  # flits


def drained(messages, net=None, **options):
    """messages: (src, dst, flits a packet), all of LONG flits. The drained kernel and {tag: atime}."""
    kernel = FlitSimulator(net or grid([5, 5]), Router(**options))
    kernel.send([(i, 0, LONG, s, d, 0, packet) for i, (s, d, packet) in enumerate(messages)])
    kernel.drain(1 << 40)
    return kernel, {row[0]: row[3] for row in kernel.collect()}


SLOW_TO_RECUR = [(10, 14, 16), (11, 14, 16)]  # two trains over eight VCs that meet: no period within 2^20 cycles


@pytest.mark.slow
def test_a_group_that_never_recurs_leaves_the_others_their_periods_and_is_named():
    kernel, ends = drained([*SLOW_TO_RECUR, (0, 4, LONG)], vcs=8)
    assert ends[2] == 2 + 5 * 5 + LONG - 1
    report, (first, second) = kernel.skipped, kernel.unrepeated()
    assert LONG - 1000 < report["group_skipped"] < LONG and report["longest_period"] == 1
    assert report["skipped"] == 0  # the others are on the clock all the time
    assert (
        first["begun"] == 0
        and first["flows"] == 2
        and first["given_up"]
        and first["pairs"] == [("endpoint 10", "endpoint 14"), ("endpoint 11", "endpoint 14")]
    )
    assert (
        first["cycles"] > second["cycles"] > 1 << 18
        and second["pairs"] == [("endpoint 11", "endpoint 14")]
        and not second["given_up"]
    )


def test_nothing_is_named_where_all_recurs():
    assert drained([(10, 14, LONG), (0, 4, LONG)])[0].unrepeated() == []


def test_independent_periods_do_not_multiply():
    """Periods 50,432 and 256 apart; together their least common multiple is longer than the messages."""
    kernel, _ = drained([(12, 22, 16), (2, 22, 16), (0, 1, 16)], vcs=4)
    assert (
        kernel.skipped["longest_period"] == 50_432
        and kernel.skipped["group_skipped"] > 0.9 * kernel.skipped["group_cycles"]
    )


@pytest.mark.slow
def test_a_message_into_a_skipped_group_meets_it_in_the_right_cycle():
    for begin in (40_000, 40_001, 40_007):
        ends = []
        for skip in (True, False):
            kernel = FlitSimulator(grid([5]), Router(vcs=2), skip=skip)
            kernel.send([(0, 0, LONG, 0, 4, 0, 16), (1, begin, 100, 1, 4, 0, 16)])
            kernel.drain(1 << 40)
            ends.append([(row[0], row[2], row[3]) for row in kernel.collect()])
        assert ends[0] == ends[1] and len(ends[0]) == 2


def network(rng):
    kind = rng.choice(["mesh", "torus", "line", "far"])
    if kind == "line":
        n = rng.randint(3, 6)
        return irregular(
            n, {p: (rng.randint(1, 6), rng.randint(1, 3)) for i in range(n - 1) for p in ((i, i + 1), (i + 1, i))}
        ), False
    if kind == "far":
        return grid([rng.randint(4, 6), rng.randint(2, 5)], latency=rng.choice([1, 2, 9, 60])), False
    return grid([3, 4], wrap=kind == "torus", latency=rng.randint(1, 3)), kind == "torus"


def scenario(rng, net, torus, more=lambda rng: {}):
    """Network, router, messages, when to stop and what to read there, messages sent on the way, whether arrivals stop
    the clock."""
    vcs = rng.choice([2, 4, 8])
    classes = 1 if torus else rng.choice([1, 2, vcs])
    values = {
        "vcs": vcs,
        "vc_classes": classes,
        "vc_depth": rng.choice([1, 3, 8, 16, 130]),
        "routing_delay": rng.randint(0, 1),
        "credit_delay": rng.randint(0, 2),
        "wait_for_tail_credit": rng.randint(0, 1),
        "vc_busy_when_full": rng.randint(0, 1),
    }
    router = Router.of(values | more(rng))

    def message(tag, latest):
        flits = rng.choice([1, rng.randint(1, 400), rng.randint(200, 20_000)])
        return (
            tag,
            rng.randint(0, latest),
            flits,
            rng.randrange(net.endpoints),
            rng.randrange(net.endpoints),
            rng.randrange(classes),
            rng.choice([1, 7, 16, 64, 1 << 20]),
        )

    messages = [message(i, rng.choice([0, 5000, 60_000])) for i in range(rng.randint(1, 12))]
    late = [message(100 + i, 50) for i in range(8)]
    stops = sorted(rng.randint(1, 50_000) for _ in range(rng.choice([0, 3, 8])))
    return (
        net,
        router,
        messages,
        [(t, rng.choice(["counts", "bins", "digest", "send"])) for t in stops],
        late,
        rng.random() < 0.3,
    )


def act(kernel, what, late):
    if what == "send" and late:
        tag, after, *rest = late.pop()
        kernel.send([(tag, kernel.now + after, *rest)])
    width, bins = kernel.bins() if what == "bins" else (0, None)
    return (
        kernel.counts().tolist() if what == "counts" else kernel.digest() if what == "digest" else width
    ), bins is not None and bins.tolist()


def told(scene, skip, **options):
    """Everything a run says on its way and at its end; and the kernel."""
    net, router, messages, stops, late, on_arrival = scene
    kernel, late, heard = FlitSimulator(net, router, skip=skip, watchdog=0, **options), list(late), []
    kernel.send(messages)
    for until, what in stops:
        while kernel.advance(until, on_arrival) == 1:
            heard.append((kernel.now, kernel.collect()))
            if len(heard) % 3 == 0:
                act(kernel, "send", late)
        heard.append(act(kernel, what, late))
    kernel.drain(1 << 20)
    kernel.check()
    return (
        heard,
        kernel.collect(),
        [act(kernel, what, late) for what in ("counts", "bins", "digest")],
        kernel.flows(),
        kernel.now,
    ), kernel


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1 << 30))
def test_stopping_reading_and_sending_on_the_way_change_nothing(seed):
    rng = random.Random(seed)
    scene = scenario(rng, *network(rng))
    assert told(scene, skip=True)[0] == told(scene, skip=False)[0]


@pytest.mark.parametrize("general", [False, True])
def test_arrivals_of_one_cycle_come_by_endpoint(general):
    """Four neighbours of a mesh are as far from each other: all tails arrive in one cycle, in whatever order they were
    sent."""
    kernel = FlitSimulator(grid([2, 2]), Router(), general=general)
    kernel.send([(tag, 0, 3, tag ^ 1, tag, 0, 3) for tag in (2, 0, 3, 1)])
    kernel.drain(1000)
    assert [(row[0], row[3]) for row in kernel.collect()] == [(tag, 2 + 5 * 2 + 2) for tag in range(4)]


@pytest.mark.parametrize("flits", [3000, LONG])
def test_bins_of_a_lone_message_lie_as_it_flowed(flits):
    """A packet crosses a link without a pause: every bin but the first and last is full."""
    kernel = FlitSimulator(grid([5]), Router(vcs=1))
    kernel.send([(0, 0, flits, 0, 4, 0, flits)])
    kernel.drain(1 << 40)
    width, bins = kernel.bins()
    busy = [int(b) for b in bins[0, :, 0] if b]
    assert sum(busy) == flits and set(busy[1:-1]) <= {width}
