"""Do messages of chains travel through the routers, to the cycle, and alike in the kernel and its plain twin?"""

import numpy as np
import pytest

from chipweave import fabric, topology
from chipweave.chain import DONE, Constant, Layout
from chipweave.errors import BadInput, Stuck
from chipweave.fabric.noc import FlitSimulator
from chipweave.run import assemble

TOPOLOGY = "schema: chipweave.topology/1\nname: t\nnetworks:\n  n:\n    link_model: flit\n    "
MESH = "grid: [2, 3]\nshape: mesh\nlatency: 2 ns\nbandwidth: 32 GB/s"


@pytest.fixture
def layout_of(tmp_path):
    """A layout over one network: a request of 16 B, a hold at the target, and `size` bytes back."""

    def made(text=MESH, efficiency=1, *sets):
        file = tmp_path / "t.yaml"
        file.write_text(TOPOLOGY + text.replace("\n", "\n    "))
        system = topology.load(file, sets=sets)
        layout = Layout()
        assemble.add_network(layout, system, system.networks["n"], None)
        network = layout.find("n")
        ports = layout.resources("port", 64)
        one = layout.chain("one", ["from", "to", "size"])
        one.send("data", network, "from", "to", "size", efficiency=efficiency)
        both = layout.chain("both", ["from", "to", "size"])
        both.send("request", network, "from", "to", 16, efficiency=efficiency, then="serve")
        both.hold("serve", ports.at("to"), Constant(1500), then="reply")
        both.send("reply", network, "to", "from", "size", efficiency=efficiency, then=DONE)
        return layout

    return made


def finish(layout, chain, rows, engine, starts=None):
    running = fabric.build(layout, engine=engine)
    batch = running.issue(chain, rows, starts)
    while not running.idle:
        running.advance()
    return running.finish_ps(batch), running


@pytest.mark.parametrize("engine", ["kernel", "plain"])
class TestBothEngines:
    @pytest.mark.parametrize("target, routers", [(1, 2), (5, 4)])
    def test_a_lone_message_takes_the_zero_load_latency_from_the_first_edge_after_it_was_sent(
        self, layout_of, engine, target, routers
    ):
        layout = layout_of(MESH + "\nrouter: {vcs: 2}")
        size, latency = 4 * 32, 2
        cycles = 1 + 2 + 4 * routers + latency * (routers - 1) + 4 - 1  # booksim: 1 + inj + h P + links + ej + (S - 1)
        for sent in (0, 1, 999, 1000):
            [end], _ = finish(layout, "one", [(0, target, size)], engine, [sent])
            assert end == 1000 * (sent // 1000 + 1 + cycles)

    def test_a_message_to_its_own_endpoint_takes_no_time(self, layout_of, engine):
        assert finish(layout_of(), "one", [(3, 3, 10**6)], engine)[0].tolist() == [0]

    def test_efficiency_lengthens_messages_on_the_wire_and_not_the_bytes_they_hold(self, layout_of, engine):
        ends, running = finish(layout_of(MESH, 0.5), "one", [(0, 1, 320)], engine)
        stats = running.link_statistics(running.layout.find("n"))
        assert stats.wire.sum() == 20 * 32 and stats.bytes.sum() == 320 and stats.busy_ps.sum() == 20 * 1000

    def test_bytes_are_those_of_the_links_with_the_flits_where_dies_are_numbered_unlike_endpoints(
        self, layout_of, engine, monkeypatch
    ):
        """Die 0 is endpoint 4, die 1 endpoint 5, die 2 endpoint 0; the others have none."""
        monkeypatch.setattr(assemble, "endpoints_of", lambda network, parts: [4, 5, 0, None])
        near, far = ["n[0][2] -> n[1][2]"], ["n[0][0] -> n[0][1]", "n[0][1] -> n[0][2]"]
        for source, target, links in ((0, 1, near), (2, 0, far)):
            _, running = finish(layout_of(), "one", [(source, target, 320)], engine)
            network = running.layout.find("n")
            stats = running.link_statistics(network)
            assert {link.name: n for link, n in zip(network.links, stats.bytes.tolist(), strict=True) if n} == {
                name: 320 for name in links
            }
            assert ((stats.wire.sum(axis=0) > 0) == (stats.bytes > 0)).all()

    def test_a_narrow_link_is_busy_for_its_interval_a_flit(self, layout_of, engine):
        text = MESH + "\noverride:\n  - {between: [0, 2], bandwidth: 10 GB/s}"
        _, running = finish(layout_of(text), "one", [(0, 2, 320)], engine)
        stats = running.link_statistics(running.layout.find("n"))
        assert stats.bytes.sum() == 320 and stats.busy_ps.sum() == 10 * 3200  # 3.2 cycles a flit

    def test_requests_and_replies_that_must_share_vcs_are_refused_with_the_cycle(self, layout_of, engine):
        with pytest.raises(BadInput, match="answers with .*data/request/reply.* -> "):
            fabric.build(layout_of(MESH + "\nrouter: {vc_classes: 1}"), engine=engine)

    def test_no_booking_under_flit(self, layout_of, engine):
        with pytest.raises(BadInput, match="not known when it starts"):
            fabric.build(layout_of(), admission="early_booking", engine=engine)


TEXTS = [
    MESH,
    MESH + "\nrouter: {vcs: 4, message_vcs: 1, max_packet: 96 B}",
    MESH.replace("32 GB/s", "31.7 GB/s") + "\nrouter: {routing_delay: 0, wait_for_tail_credit: 1}",
    "grid: [4, 4]\nshape: torus\nlatency: 3 ns\nbandwidth: 32 GB/s\nrouter: {vcs: 4}",
    "routers: 4\nshape: switch\nlatency: 5 ns\nbandwidth: 32 GB/s\nrouter: {sw_allocator: islip(2)}",
]


def thirty(layout_of, text):
    """(layout, rows of chain `both`, starts) of 30 messages at random."""
    rng = np.random.default_rng(len(text))
    layout = layout_of(text)
    ends = layout.parts["networks"][0].endpoints
    rows = np.stack([rng.integers(0, ends, 30), rng.integers(0, ends, 30), rng.integers(1, 1500, 30)], axis=1)
    starts = rng.integers(0, 60_000, 30)
    return layout, rows, starts


@pytest.mark.slow
@pytest.mark.parametrize("text", [*TEXTS, MESH + "\nrouter: {vcs: 2, max_packet: 1 MiB, vc_depth: 3}"])
def test_kernel_and_twin_end_every_message_in_the_same_ps_with_the_same_link_counts(layout_of, text):
    layout, rows, starts = thirty(layout_of, text)
    kernel, k = finish(layout, "both", rows, "kernel", starts)
    plain, p = finish(layout, "both", rows, "plain", starts)
    assert kernel.tolist() == plain.tolist()
    a, b = (running.link_statistics(layout.find("n")) for running in (k, p))
    assert np.array_equal(a.bytes, b.bytes) and np.array_equal(a.busy_ps, b.busy_ps) and a.bytes.sum() > 0
    assert np.array_equal(a.wire.sum(axis=0), b.wire.sum(axis=0)) and (a.wire.sum(axis=0) >= a.bytes).all()
    assert k.events == p.events


def followed(layout, rows, engine, starts):
    """(ends, {message: [(link, ps), ...]}, stages recorded) of a run that records."""
    running = fabric.build(layout, engine=engine)
    running.record()
    batch = running.issue("both", rows, starts)
    while not running.idle:
        running.advance()
    ways = {}
    for message, link, ps in running.trails(layout.find("n")).tolist():
        ways.setdefault(message, []).append((link, ps))
    assert not len(running.trails(layout.find("n")))
    return running.finish_ps(batch), ways, running.recorded()


def check_ways(layout, rows, ways, stages):
    """Each send that leaves its endpoint has its way over its route, in time: intervals without a gap from its start
    to its end."""
    network = layout.find("n")
    sends = 0
    for number, _, transfer, _, stage, _, _, start, end in stages.tolist():
        if stage == 1:  # the hold between request and reply
            continue
        source, target, _ = rows[transfer]
        source, target = (source, target) if stage == 0 else (target, source)
        if source == target:
            assert number not in ways and start == end
            continue
        sends += 1
        links, times = zip(*ways[number], strict=True)
        assert links == (-1, -1, *network.routes(source, target))
        assert [start, *times, end] == sorted([start, *times, end]) and times[0] > start and times[-1] < end
        assert all(
            b - a >= network.links[i].latency_ps for i, a, b in zip(links[2:], times[1:], times[2:], strict=False)
        )
    assert sends == len(ways)


@pytest.mark.slow
@pytest.mark.parametrize("text", TEXTS)
def test_a_message_is_somewhere_at_every_instant_of_its_life_alike_in_kernel_and_twin(layout_of, text):
    layout, rows, starts = thirty(layout_of, text)
    kernel, plain = (followed(layout, rows, engine, starts) for engine in ("kernel", "plain"))
    assert kernel[0].tolist() == plain[0].tolist() == finish(layout, "both", rows, "kernel", starts)[0].tolist()
    assert kernel[1] == plain[1] and kernel[1]
    check_ways(layout, rows.tolist(), *kernel[1:])


def test_ways_are_those_of_stepping_where_whole_periods_are_skipped(layout_of, monkeypatch):
    """Long messages of which several share links: nearly all cycles are skipped, and no way differs."""
    layout = layout_of(MESH)
    rows = np.array([(0, 5, 400_000), (1, 5, 300_000), (2, 5, 500_000), (3, 0, 200_000), (4, 0, 250_000)])
    skipped = followed(layout, rows, "kernel", None)
    assert finish(layout, "both", rows, "kernel")[1].core.skipped("n")[0] > 0.5
    opened = FlitSimulator.__init__
    monkeypatch.setattr(FlitSimulator, "__init__", lambda self, *a, **k: opened(self, *a, **{**k, "skip": False}))
    stepped = followed(layout, rows, "kernel", None)
    assert skipped[0].tolist() == stepped[0].tolist() and skipped[1] == stepped[1]
    check_ways(layout, rows.tolist(), *skipped[1:])


@pytest.mark.slow
@pytest.mark.parametrize(
    "clock, grain, fits",
    [("1.234567890123", 1024, True), ("1.23456789012345", 1, True)]
    + [("1.23456789012345", 1024, False), ("1.234567890123456789", 1, False)],
)
def test_a_clock_that_the_kernel_cannot_count_exactly_is_refused_with_its_place(layout_of, clock, grain, fits):
    """The more digits, the larger the numbers of the fraction that the ps of an edge are: 62 bits have room."""
    layout = layout_of(f"{MESH}\nrouter: {{clock: {clock} GHz}}\ngrain: {grain}")
    rows = np.array([(0, 5, 64_000), (1, 2, 20)])
    if not fits:
        with pytest.raises(BadInput, match=r"t.yaml:7:5: .*beyond 62 bits; allowed: a router.clock of fewer digits"):
            finish(layout, "one", rows, "kernel")
        return
    kernel, plain = (finish(layout, "one", rows, engine)[0].tolist() for engine in ("kernel", "plain"))
    assert kernel == plain


def test_bins_of_links_add_up_and_equal_the_twins(layout_of):
    layout, seen = layout_of(), []
    for engine in ("kernel", "plain"):
        running = fabric.build(layout, engine=engine, link_bin_ps=7000, link_bins=8)
        for first in (0, 1):
            running.issue("one", [(first, 5, 900), (2, 5, 700)])
            while not running.idle:
                running.advance()
            running.advance(running.now_ps + 50_000)
        stats = running.link_statistics(layout.find("n"))
        assert stats.wire.sum() == 32 * (29 * (3 + 2) + 22 * (2 + 2))
        assert stats.bins[:, :, 0].sum() == stats.bytes.sum() == 900 * (3 + 2) + 700 * (2 + 2)
        seen.append((stats.bin_ps, stats.bins[:, :, :2], stats.wire))
    assert seen[0][0] == seen[1][0] and all(map(np.array_equal, seen[0][1:], seen[1][1:]))


def test_an_allowed_deadlock_ends_with_the_wait_cycle(layout_of):
    text = (
        "routers: 5\nshape: ring\nlatency: 1 ns\nbandwidth: 32 GB/s\nrouting: shortest\n"
        "allow_deadlock: true\nrouter: {vcs: 2, vc_depth: 1, max_packet: 1 MiB}"
    )
    with pytest.raises(Stuck, match=r"network n.*wait cycle: VC [01] of n\[\d\] -> n\[\d\], which waits for VC"):
        finish(layout_of(text), "one", [(i, (i + 2) % 5, 64_000) for i in range(5)] * 2, "kernel")
