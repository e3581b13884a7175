"""Are parallel ways used: do four planes at a quarter of the rate carry what one plane at the whole rate carries?"""

import sys
from pathlib import Path

import numpy as np
import pytest

from chipweave import fabric, topology
from chipweave.chain import Layout
from chipweave.declare import yamlfile
from chipweave.errors import BadInput
from chipweave.noc import network as flit_network
from chipweave.noc.spread import Bundles, unused
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


def test_packets_over_ways_that_differ_are_refused_where_a_route_is_that_of_a_pair():
    text = f"{FOUR}, override: [{{between: ['n[0]', 'n.switch[1]'], bandwidth: 10 GB/s}}]"
    with pytest.raises(BadInput, match="equally short ways differ in latency or bandwidth; allowed: spread: message"):
        Bundles(built(text, "fair").networks["n"])
    with pytest.raises(BadInput, match="routing xy has one way for each pair"):
        built("grid: [2, 2], shape: mesh, bandwidth: 1 GB/s, spread: pair")
