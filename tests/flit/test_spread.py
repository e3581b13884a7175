"""Are parallel ways used: do four planes at a quarter of the rate carry what one plane at the whole rate carries?"""

import sys
from math import ceil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chipweave import fabric, topology
from chipweave.chain import Layout
from chipweave.declare import registry, yamlfile
from chipweave.errors import BadInput
from chipweave.noc import network as flit_network
from chipweave.noc.spread import together, unused
from chipweave.run.assemble import add_network
from chipweave.traffic import synthetic

from .test_kernel_is_twin import agree

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks import planes  # noqa: E402  (beside the package, not installed)

FOUR = "routers: 8, shape: switch, switches: 4, bandwidth: 112 GB/s"
TREE = "routers: 8, shape: fat_tree, down: [2, 2, 2], bandwidth: 32 GB/s"


def built(text, model="flit"):
    text = f"name: n\nnetworks: {{n: {{{text}, latency: 20 ns, link_model: {model}, router: {{vc_depth: 400}}}}}}"
    return topology.build(yamlfile.loads(text, "f.yaml"))


def uniform(count, endpoints=8, size=1 << 16):
    rng = np.random.default_rng(1)
    source, step = rng.integers(0, endpoints, count), rng.integers(1, endpoints, count)
    return np.stack([source, (source + step) % endpoints, np.full(count, size)], axis=1)


def carried(text, model, engine="kernel", rows=None):
    """(when everything has arrived in ps, LinkStatistics, network) of messages that are all sent at once."""
    system, layout = built(text, model), Layout()
    add_network(layout, system, system.networks["n"], None)
    chain = layout.chain("one", ["from", "to", "size"])
    chain.send("data", layout.find("n"), "from", "to", "size")
    running = fabric.build(layout, engine=engine)
    batch = running.issue("one", uniform(600) if rows is None else rows)
    while not running.idle:
        running.advance()
    return int(running.finish_ps(batch).max()), running.link_statistics(layout.find("n")), system.networks["n"]


@pytest.mark.parametrize("model", ["circuit", "fair"])
def test_four_planes_at_a_quarter_of_the_rate_carry_what_one_carries(model):
    assert abs(planes.burst(model)) < 0.001
    stats, network = planes.last_arrival(planes.built(4, model), planes.uniform())[1], built(FOUR, model).networks["n"]
    through = [int(stats.bytes[network.dst == 8 + plane].sum()) for plane in range(4)]
    assert max(through) < 1.1 * min(through) and abs(sum(through) / (600 << 16) - 1) < 0.001


@pytest.mark.slow
@pytest.mark.parametrize("load", planes.LOADS)
def test_under_flit_four_planes_carry_within_two_percent_of_one_below_saturation(load):
    assert abs(planes.steady(load)) < planes.BAR


@pytest.mark.slow
def test_under_flit_as_many_vcs_an_endpoint_carry_a_burst_in_the_same_time():
    assert abs(planes.burst("flit", planes.SAME_VCS)) < planes.BAR


@pytest.mark.slow
def test_under_flit_fewer_packets_wait_behind_one_another_in_front_of_four_planes():
    """Saturated, with as many VCs a link: head-of-line blocking, which is why no bar is set there."""
    assert planes.BAR < planes.steady(planes.SATURATED, vcs=16) < 0.15


def test_bundles_move_every_byte_in_both_engines_alike():
    rows = uniform(60, size=10_007)
    for model in ("circuit", "fair"):
        kernel, plain = (carried(TREE, model, engine, rows) for engine in ("kernel", "plain"))
        assert kernel[0] == plain[0]
        for name in ("bytes", "busy_ps", "stalled_ps", "bins"):
            assert np.array_equal(getattr(kernel[1], name), getattr(plain[1], name)), (model, name)
        out = kernel[1].bytes[kernel[2].src < 8]
        assert int(out.sum()) == 60 * 10_007  # the terminals carry all of it


@pytest.mark.parametrize("spread", ["message", "pair", "packet"])
def test_every_plane_is_used_under_uniform_traffic(spread):
    network = built(f"{FOUR}, spread: {spread}").networks["n"]
    spec = flit_network.of(network)
    assert network.ways == 4 and spec.clock == 14 * 10**9  # an endpoint sends at the sum of its planes
    result = synthetic.run(spec.network, spec.router, "uniform", 0.5, packet_flits="4", warmup=500, cycles=4000)
    kernel = fabric.noc.FlitSimulator(spec.network, spec.router, seed=1)
    synthetic.run(spec.network, spec.router, "uniform", 0.5, packet_flits="4", warmup=500, cycles=4000, kernel=kernel)
    rows = spec.link_rows[np.isin(network.src, range(8))]
    flits = kernel.counts()[rows, :, 0].sum(axis=1).reshape(8, 4).sum(axis=0)
    assert (abs(flits / flits.sum() - 0.25) < 0.025).all() and (spread == "pair" or not result["saturated"])


@pytest.mark.slow
@pytest.mark.parametrize("spread", ["message", "pair", "packet"])
@pytest.mark.parametrize("text", [FOUR, TREE])
def test_kernel_and_twin_agree_on_spread_traffic(text, spread):
    spec = flit_network.of(built(f"{text}, spread: {spread}").networks["n"])
    packets = [(int(s), int(d), 1 + i % 5, i // 4, 0) for i, (s, d, _) in enumerate(uniform(80).tolist())]
    for general in (False, True):
        agree(spec.network, spec.router, packets, general)
    rows = uniform(40, size=9000)
    spread_text = f"{text}, spread: {spread}"
    assert carried(spread_text, "flit", "kernel", rows)[0] == carried(spread_text, "flit", "plain", rows)[0]


def test_both_spines_of_a_leaf_spine_network_are_used():
    """Two flows between two leaves end when each has a spine to itself, and take twice as long over one."""
    text = "routers: 8, shape: fat_tree, down: [2, 4], up: [1, 2], bandwidth: 32 GB/s"
    rows = np.array([[0, 2, 320_000], [1, 3, 320_000]])
    apart, together = (carried(f"{text}, spread: {how}", "flit", rows=rows)[0] for how in ("packet", "none"))
    assert apart < 1.1 * 10_000_000 and together > 1.9 * 10_000_000


def test_ways_that_are_not_used_are_warned_of():
    network = built(f"{FOUR}, spread: none").networks["n"]
    words = unused(network)[0].what
    assert "n[0] -> n.switch[1]" in words and "nothing reaches n.switch[1], n.switch[2], n.switch[3]" in words
    assert unused(built(FOUR).networks["n"]) == []


@pytest.mark.parametrize("engine", ["kernel", "plain"])
@pytest.mark.parametrize("model", ["circuit", "fair"])
def test_a_quarter_of_a_message_goes_over_each_plane_also_where_one_is_slow(model, engine):
    """Over the slow plane its quarter takes longest; a pair without the slow link has four fast planes."""
    text = f"{FOUR}, override: [{{between: ['n[0]', 'n.switch[1]'], bandwidth: 10 GB/s, latency: 50 ns}}]"
    size = 1 << 20
    for ends, longest, latency in (((0, 1), 10, 70), ((2, 3), 112, 40)):
        end, stats, network = carried(text, model, engine, np.array([[*ends, size]]))
        assert end == latency * 1000 + -(-size // 4 * 1000 // longest)
        assert stats.bytes[network.src == ends[0]].tolist() == [size // 4] * 4


NODES = """routers: 8, shape: joined, spread: packet, bandwidth: 100 GB/s,
edges: [{between: [0, 4], bandwidth: 50 GB/s}],
regions: [{of: 0..3, shape: switch, switches: 2}, {of: 4..7, shape: switch, switches: 2}]"""


@pytest.mark.parametrize("engine", ["kernel", "plain"])
@pytest.mark.parametrize("model", ["circuit", "fair"])
def test_two_nodes_of_several_switches_spread_their_packets(model, engine):
    """From node to node two switches, the one link between the nodes, and two switches: four ways over five links."""
    size, ns = 1 << 20, 1000
    alone = {(1, 2): size / 200e9, (1, 5): size / 50e9, (0, 5): size / 50e9}
    hops = {(1, 2): 2, (1, 5): 5, (0, 5): 3}
    for ends, seconds in alone.items():
        end, stats, network = carried(NODES, model, engine, np.array([[*ends, size]]))
        assert end == hops[ends] * 20 * ns + ceil(seconds * 1e12)
        assert (
            network.ways == 4
            and sorted({int(b) for b in stats.bytes}) == ([0, size // 2, size][: len(set(stats.bytes))])
        )
    both, stats, network = carried(NODES, model, engine, np.array([[1, 5, size], [2, 6, size]]))
    waits = {"fair": 100 * ns, "circuit": 2 * 100 * ns}[model]  # a circuit's latencies are in line, too
    assert both == waits + ceil(2 * size / 50e9 * 1e12)
    assert int(stats.bytes[network.link_index["n[0]", "n[4]"]]) == 2 * size


@st.composite
def spread_systems(draw):
    """(text of a network of parts and switches with uneven planes, messages)."""
    ends, switches = draw(st.integers(3, 5)), draw(st.integers(2, 4))
    rate, ps = st.sampled_from([7, 16, 25, 100]), st.sampled_from([1, 20, 333])
    pairs = [(e, ends + s) for e in range(ends) for s in range(switches)]
    extra = draw(st.lists(st.sampled_from([(a, b) for a in range(ends) for b in range(a)]), max_size=3, unique=True))
    missing = draw(st.sets(st.sampled_from([pair for pair in pairs if pair[0] and pair[1] > ends]), max_size=3))
    edges = [
        f"{{between: [{a}, {b}], latency: {draw(ps)} ns, bandwidth: {draw(rate)} GB/s}}"
        for a, b in [*pairs, *extra]
        if (a, b) not in missing
    ]
    duplex = draw(st.sampled_from(["directed", "undirected"]))
    text = f"routers: {ends + switches}, shape: edges, edges: [{', '.join(edges)}], spread: packet, bandwidth: 1 GB/s"
    message = st.tuples(st.integers(0, ends - 1), st.integers(0, ends - 1), st.integers(0, 5000))
    return f"{text}, duplex: {duplex}", draw(st.lists(message, min_size=1, max_size=30))


@pytest.mark.slow
@settings(max_examples=40)
@given(spread_systems(), st.sampled_from(["circuit", "fair"]))
def test_kernel_and_twin_agree_on_pieces_of_messages_over_uneven_ways(system, model):
    text, messages = system
    rows = np.array(messages)
    kernel, plain = (carried(text, model, engine, rows) for engine in ("kernel", "plain"))
    assert kernel[0] == plain[0]
    for name in ("bytes", "busy_ps", "stalled_ps", "bins"):
        assert np.array_equal(getattr(kernel[1], name), getattr(plain[1], name)), name
    for end in range(kernel[2].endpoint_count):
        gone = sum(size for a, b, size in messages if a == end != b)
        passed = int(kernel[1].bytes[kernel[2].src == end].sum()) - int(kernel[1].bytes[kernel[2].dst == end].sum())
        assert passed == gone - sum(size for a, b, size in messages if b == end != a)


def test_a_link_model_of_one_way_refuses_packets_over_ways_that_differ(monkeypatch):
    text = f"{FOUR}, override: [{{between: ['n[0]', 'n.switch[1]'], bandwidth: 10 GB/s}}]"
    monkeypatch.setattr(registry.link_models.find("fair"), "splits", False)
    with pytest.raises(
        BadInput, match="fair takes one way alone, where a network's ways differ.*allowed: spread: mess"
    ):
        together(built(text, "fair").networks["n"], "fair")


def test_routings_of_one_way_refuse_to_spread():
    with pytest.raises(BadInput, match="routing xy has one way for each pair"):
        built("grid: [2, 2], shape: mesh, bandwidth: 1 GB/s, spread: pair")
